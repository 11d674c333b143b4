from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from surrobench.errors import UserError
from surrobench.predictors.pool_session import RefitSession, open_pool
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies import make_strategy
from surrobench.strategies.bayesian import surrogate
from surrobench.strategies.bayesian.surrogate import Quantity, Surrogate, condition_on_means
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import Constraint, Problem
from surrobench.tasks.evaluation import Evaluation
from surrobench.testing.strategy_problems import Landscape, landscape, overlapping, search

GP = "gp-matern52+quantile-normal"
FOREST = {"use": "random-forest", "trees": 10}
NETWORKS = {"use": "mlp-ensemble", "members": 4, "width": 16, "steps": 30}


def toy(*cardinalities: int) -> Landscape:
    """A separable function of the choices, which are words."""
    decisions = [
        Variable(f"decision {i}", tuple(f"word {choice}" for choice in range(c)))
        for i, c in enumerate(cardinalities or (4, 4, 4, 4, 4))
    ]
    candidates = Candidates(Choices("toy words", decisions))
    return landscape(candidates, epochs=False, objectives=False)


def with_columns(problem: Landscape, *constraints: Constraint) -> Landscape:
    """The same with the columns "params" (a sum of choices) and "missing" (partly unknown)."""
    archs = problem.problem.candidates.archs
    assert archs is not None
    params = archs.sum(axis=1).astype(np.float64)
    missing = np.where(archs[:, 0] == 0, np.nan, 1.0)
    candidates = Candidates(
        problem.problem.candidates.space, archs, {"params": params, "missing": missing}
    )
    return replace(problem, problem=Problem(candidates, constraints=constraints))


def optimum(problem: Landscape) -> float:
    return sum(float(max(w)) for w in problem.weights) + 60.0


def needed(problem: Landscape, name: str, seed: int, most: int, **options: Any) -> int:
    """Evaluations until the optimum is found; at most ``most``."""
    strategy = make_strategy(name, problem.problem, seed=seed, design=5, **options)
    while len(strategy.history) < most:
        search(strategy, problem, 1)
        if strategy.history[-1].value > optimum(problem) - 1e-9:
            break
    return len(strategy.history)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"predictor": GP},
        {"predictor": GP, "refit_every": 1},
        {"predictor": GP, "refit_every": 15},
        {"predictor": "gp-categorical", "acquisition": {"use": "ucb", "beta": 1.0}},
        {"predictor": "gp-matern52", "acquisition": "thompson"},
        {"predictor": "bayesian-ridge", "encoding": "one-hot+ordinal", "acquisition": "ei"},
        {"predictor": GP, "acquisition": {"use": "qlog-ei", "samples": 16}},
    ],
    ids=str,
)
def test_finds_the_optimum_of_an_easy_pool_quickly(options: dict[str, Any]) -> None:
    problem = toy()
    by_chance = [needed(problem, "random", seed, 400) for seed in range(6)]
    found = [needed(problem, "bayesian", seed, 41, **options) for seed in range(2)]
    assert max(found) <= 40
    assert np.mean(found) < 0.25 * np.mean(by_chance)


@pytest.mark.parametrize(
    ("predictor", "acquisition"), [(FOREST, "log-ei"), (NETWORKS, "log-ei"), (NETWORKS, "its")]
)
def test_ensembles_beat_random_search(predictor: Any, acquisition: str) -> None:
    problem = toy()
    options = {"predictor": predictor, "acquisition": acquisition}

    def regret(name: str, seed: int, **options: Any) -> float:
        strategy = make_strategy(name, problem.problem, seed=seed, design=5, **options)
        search(strategy, problem, 29, batch=3)
        assert strategy.best is not None
        return optimum(problem) - strategy.best.value

    found = [regret("bayesian", seed, **options) for seed in range(2)]
    assert np.mean(found) < 0.6 * np.mean([regret("random", seed) for seed in range(10)])


# -- batches and pending ------------------------------------------------------------------------


def begun(problem: Landscape, **options: Any) -> Any:
    strategy = make_strategy("bayesian", problem.problem, seed=1, design=6, **options)
    search(strategy, problem, 12)
    return strategy


@pytest.mark.parametrize("acquisition", ["log-ei", {"use": "qlog-ei", "samples": 32}, "thompson"])
@pytest.mark.parametrize("predictor", [GP, FOREST], ids=["gp", "forest"])
def test_a_batch_holds_distinct_new_architectures(predictor: Any, acquisition: Any) -> None:
    strategy = begun(toy(), predictor=predictor, acquisition=acquisition)
    seen = {o.arch for o in strategy.history}
    batch = strategy.ask(5)
    assert len(set(batch)) == 5
    assert not seen & set(batch)


def test_pending_candidates_count_as_the_earlier_members_of_a_batch() -> None:
    problem = toy()
    together, one_by_one = begun(problem), begun(problem)
    assert together.ask(3) == [one_by_one.ask()[0] for _ in range(3)]


def spread(archs: Sequence[Arch]) -> float:
    """Mean Hamming distance between two of them."""
    choices = np.array(archs)
    return float((choices[:, None] != choices[None]).sum(axis=2).mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_a_batch_is_spread_further_than_the_best_of_one_scoring(seed: int) -> None:
    problem = toy()
    options = {"seed": seed, "design": 6, "acquisition": {"use": "ucb", "beta": 4.0}}
    strategy: Any = make_strategy("bayesian", problem.problem, **options)
    search(strategy, problem, 6)
    observed = list(strategy.trained.values())
    outlook = strategy._pool_state(observed, 0)
    situation = strategy._context(outlook, observed, None, 0)
    at_once = [outlook.arch(row) for row in strategy._function.select(situation, 5)]
    assert spread(strategy.ask(5)) > spread(at_once)


def test_believing_leaves_the_means_and_takes_variance_away() -> None:
    X = torch.from_numpy(toy().problem.candidates.features("one-hot"))
    y = X[:6, :3].sum(dim=1, keepdim=True) + torch.arange(6.0, dtype=torch.float64).unsqueeze(1)
    strategy = begun(toy())
    belief = open_pool(strategy._surrogate.recipe, X).update(range(6), y, seed=0)
    after = condition_on_means(belief, [100, 200])
    assert torch.allclose(after.mean, belief.mean)
    assert (after.variance <= belief.variance + 1e-12).all()
    assert (after.variance[[100, 200]] < 0.5 * belief.variance[[100, 200]]).all()


# -- refits -------------------------------------------------------------------------------------


def test_hyperparameters_are_chosen_when_due(monkeypatch: pytest.MonkeyPatch) -> None:
    refits: list[int] = []

    class Recorded(RefitSession):
        def update(self, rows: Sequence[int], y: Any, *, seed: int, refit: bool = True) -> Any:
            refits.extend([len(rows)] * refit)

    monkeypatch.setattr(surrogate, "open_pool", Recorded)
    candidates = toy().problem.candidates
    archs = candidates.sample(40, np.random.default_rng(0))
    subject = Surrogate(candidates, GP, "default", 6)
    for n in range(4, 41):
        subject.of_pool(Quantity("value", archs[:n], np.arange(n, dtype=np.float64)), 0)
    # A third of what is known at first, then every six.
    assert refits == [4, 5, 7, 10, 14, 20, 26, 32, 38]


# -- predictors and encodings -------------------------------------------------------------------


def test_a_predictor_gets_the_encoding_that_it_insists_on() -> None:
    problem = with_columns(toy())
    larger = replace(problem, outcome=lambda arch, value: Evaluation(float(sum(arch))))
    strategy = make_strategy(
        "bayesian",
        larger.problem,
        design=10,
        predictor="params",
        encoding="one-hot",
        acquisition="posterior-mean",
    )
    search(strategy, larger, 11)
    assert strategy.history[-1].arch == (3, 3, 3, 3, 3)


def test_failures_are_learned() -> None:
    problem = toy()
    failing = replace(
        problem,
        outcome=lambda arch, value: (
            Evaluation(math.nan, status="diverged") if arch[0] < 2 else Evaluation(value)
        ),
    )
    strategy = make_strategy("bayesian", failing.problem, seed=0, design=10)
    search(strategy, failing, 40)
    assert sum(not o.ok for o in strategy.history[:10]) >= 3
    assert sum(not o.ok for o in strategy.history[10:]) <= 4


def test_until_two_have_succeeded_proposals_are_random() -> None:
    problem = toy()
    failing = replace(problem, outcome=lambda arch, value: Evaluation(math.nan))
    strategy = make_strategy("bayesian", failing.problem, seed=0, design=2)
    search(strategy, failing, 20)
    strategy.tell((0, 0, 0, 0, 0), 1.0)
    assert len({*strategy.ask(3), *(o.arch for o in strategy.history)}) == 24


def test_repeats_are_proposed_if_allowed() -> None:
    problem = toy(3, 3)
    rng = np.random.default_rng(0)
    noisy = replace(problem, outcome=lambda arch, value: Evaluation(value + rng.normal()))
    strategy = make_strategy("bayesian", noisy.problem, design=4, repeats=True)
    steps = search(strategy, noisy, 25, batch=2)
    assert len(steps) == 25


# -- constraints --------------------------------------------------------------------------------


def test_known_constraints_are_never_violated() -> None:
    bound = Constraint("params", "<=", 3.0)
    problem = with_columns(toy(4, 4, 4), bound)
    strategy = make_strategy("bayesian", problem.problem, seed=0, design=6)
    steps = search(strategy, problem, 100, batch=3)
    # All that keep it are proposed, and nothing else: not in the design, not to fill a batch.
    assert sorted(arch for arch, _ in steps) == sorted(
        arch for arch in problem.problem.candidates.index if sum(arch) <= 3
    )


@pytest.mark.parametrize("generation", ["pool", "random", "mutation", "local-search"])
@pytest.mark.parametrize("predictor", [GP, FOREST], ids=["gp", "forest"])
def test_generators_keep_known_constraints(generation: str, predictor: Any) -> None:
    bounds = Constraint("params", ">=", 8.0), Constraint("missing", "<=", 1.0)
    problem = with_columns(toy(), *bounds)
    strategy = make_strategy(
        "bayesian", problem.problem, design=4, predictor=predictor, generation=generation
    )
    steps = search(strategy, problem, 12, batch=4)
    assert len(steps) == 12
    assert all(sum(arch) >= 8 and arch[0] > 0 for arch, _ in steps)


def test_constraints_that_nothing_keeps_are_refused() -> None:
    problem = with_columns(toy(), Constraint("params", ">=", 99.0))
    with pytest.raises(UserError, match=r"no candidate keeps the constraints .params >= 99"):
        make_strategy("bayesian", problem.problem)


class Constrained:
    """A landscape whose evaluations tell a latency that must not exceed a bound."""

    def __init__(self, bound: float) -> None:
        self.plain, self.bound = toy(), bound
        constraints = (Constraint("latency", "<=", bound),)
        self.problem = Problem(self.plain.problem.candidates, constraints=constraints)

    def evaluate(self, step: Any) -> Evaluation:
        arch = step[0]
        return Evaluation(self.plain.value(arch), metrics={"latency": self.plain.speed(arch)})

    def allowed(self) -> list[Arch]:
        archs = self.problem.candidates.index
        return [arch for arch in archs if self.plain.speed(arch) <= self.bound]


@pytest.mark.parametrize("acquisition", ["log-ei", "constrained-ei", {"use": "qucb"}], ids=str)
def test_learned_constraints_are_mostly_kept(acquisition: Any) -> None:
    problem: Any = Constrained(bound=2.0)
    allowed = problem.allowed()
    by_chance = len(allowed) / len(problem.problem.candidates)
    strategy = make_strategy(
        "bayesian", problem.problem, seed=0, design=12, acquisition=acquisition
    )
    search(strategy, problem, 40)
    kept = [o.metrics["latency"] <= 2.0 for o in strategy.history[12:]]
    assert np.mean(kept) > 2.5 * by_chance
    assert strategy.best is not None
    assert strategy.best.value == max(problem.plain.value(arch) for arch in allowed)


def test_without_anything_feasible_the_likeliest_is_tried() -> None:
    problem: Any = Constrained(bound=1.4)
    strategy = make_strategy("bayesian", problem.problem, seed=3, design=8)
    search(strategy, problem, 30)
    assert not any(o.metrics["latency"] <= 1.4 for o in strategy.history[:8])
    assert strategy.best is not None


# -- state --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"predictor": GP, "refit_every": 7},
        {"predictor": "gp-categorical", "refit_every": 4, "generation": "mutation"},
        {"predictor": FOREST, "generation": "local-search", "acquisition": "its"},
        {"predictor": NETWORKS, "acquisition": "thompson"},
    ],
    ids=str,
)
@pytest.mark.parametrize("bound", [None, 2.0])
def test_a_restored_search_goes_on_to_the_last_bit(
    options: dict[str, Any], bound: float | None
) -> None:
    problem: Any = toy() if bound is None else Constrained(bound)

    def build(seed: int = 2) -> Any:
        return make_strategy("bayesian", problem.problem, seed=seed, design=4, **options)

    whole = overlapping(build(), problem, 18)
    strategy = build()
    before = overlapping(strategy, problem, 18, stop_after=10)
    assert strategy.pending
    restored = build()
    restored.restore(json.loads(json.dumps(strategy.state(), allow_nan=False)))
    assert before + overlapping(restored, problem, 18 - len(before)) == whole


# -- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"acquisition": "log-eii"}, "log-ei"),
        ({"acquisition": "qlog-nehvi"}, "several objectives"),
        ({"predictor": "gp-matern5"}, "gp-matern52"),
        ({"predictor": FOREST, "acquisition": "knowledge-gradient"}, "knowledge-gradient"),
        ({"encoding": "one-hott"}, "one-hot"),
        ({"encoding": "measured:params"}, "measured"),
        ({"generation": "pol"}, "pool"),
        ({"refit_every": 0}, "refit_every"),
        ({"refit_every": 2.5}, "refit_every"),
    ],
    ids=str,
)
def test_mistakes_are_refused_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        make_strategy("bayesian", toy().problem, **options)
