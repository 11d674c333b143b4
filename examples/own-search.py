"""A space of one's own, searched with four workers; stop it at any time, and run it again.

python examples/own-search.py
"""

from surrobench import Categorical, Integer, Real, Space, search

space = Space(
    depth=Integer(1, 8),
    lr=Real(1e-4, 1e-1, log=True),
    op=Categorical("conv", "pool", "attention"),
    optimiser=Categorical("adam", "sgd"),
    momentum=Real(0, 0.99, when={"optimiser": "sgd"}),  # with adam there is none
)


def train(depth, lr, op, optimiser, momentum=0.0):
    """Your training; here a formula. Larger is better."""
    from math import log10

    worth = {"conv": 0.0, "pool": -0.3, "attention": 0.1}[op] - 0.02 * (depth - 5) ** 2
    step = log10(lr) + (1.0 if optimiser == "sgd" else 2.5) + momentum
    return 0.9 + worth - 0.1 * step**2


result = search(space, train, budget=40, workers=4, save="search.json")
print(result.best.value, result.best_values)
result.frame.plot(x="evaluation", y="best_value").figure.savefig("search.png")
