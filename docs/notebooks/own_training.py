# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Search on a training function of your own
#
# A space, a function that trains, a budget. The training here is real and small: a network of
# scikit-learn on its digits.

# %%
import warnings

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from surrobench import Categorical, Evaluation, Integer, Real, Space, search

X, y = load_digits(return_X_y=True)
X_train, X_valid, y_train, y_valid = train_test_split(X / 16, y, train_size=300, random_state=0)

space = Space(
    layers=Integer(1, 3),
    width=Integer(4, 32, log=True, steps=6),
    activation=Categorical("relu", "tanh"),
    solver=Categorical("adam", "sgd"),
    momentum=Real(0.0, 0.95, steps=5, when={"solver": "sgd"}),
    lr=Real(1e-4, 1e-1, log=True, steps=13),
)
print(len(space), "settings")


# %%
def train(layers, width, activation, solver, lr, momentum=0.9):
    network = MLPClassifier(
        [width] * layers,
        activation=activation,
        solver=solver,
        momentum=momentum,
        learning_rate_init=lr,
        max_iter=12,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few epochs are meant
        network.fit(X_train, y_train)
    size = sum(weights.size for weights in network.coefs_)
    return Evaluation(network.score(X_valid, y_valid), metrics={"weights": size})


result = search(space, train, budget=30, seed=0)
print(f"{result.best.value:.3f}", result.best_values)

# %%
axes = result.frame.plot(x="evaluation", y="best_value", figsize=(5, 3), legend=False)
_ = axes.set_ylabel("best accuracy so far")
# %% [markdown]
# The size matters as well: accuracy against the number of weights, and what no other setting
# surpasses in both.

# %%
both = search(space, train, budget=30, seed=0, objectives={"weights": "minimize"})
for row in both.pareto:
    print(f"{row.value:.3f} with {int(row.metrics['weights']):5d} weights")
