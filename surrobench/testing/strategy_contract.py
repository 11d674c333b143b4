"""What every search strategy promises, one sentence and one check each."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates
from surrobench.tasks.evaluation import Evaluation
from surrobench.testing.checks import Contract
from surrobench.testing.strategy_problems import (
    Landscape,
    Search,
    Step,
    achieved,
    cells,
    choices,
    overlapping,
    search,
    sparse,
    spent,
)

STRATEGY_CONTRACT = Contract(lambda given: given if isinstance(given, Search) else Search(given))
STRATEGY_CHECKS = STRATEGY_CONTRACT.checks
promise = STRATEGY_CONTRACT.promise


def distinct(steps: list[Step], landscape: Landscape) -> None:
    """Assert that all are candidates and none is trained twice for the same epochs."""
    for arch, epochs in steps:
        assert arch in landscape.problem.candidates, f"{arch} is no candidate"
        assert epochs is None or epochs in landscape.problem.epochs, f"{counted(epochs, 'epoch')}"
    assert len(set(steps)) == len(steps), "an architecture was proposed twice"


@promise
def proposals_are_new_candidates(subject: Search) -> None:
    """Only candidates are proposed, also in a table with gaps, and none twice."""
    for candidates in (Candidates(cells()), sparse()):
        landscape = subject.on(candidates)
        steps = search(subject.build(landscape), landscape, 12, batch=2)
        assert len(steps) == 12, f"only {len(steps)} of 12 proposals"
        distinct(steps, landscape)


@promise
def training_may_overlap(subject: Search) -> None:
    """With three in training at once and told out of order, none is proposed twice."""
    landscape = subject.on(cells())
    strategy = subject.build(landscape)
    steps = overlapping(strategy, landscape, 12)
    assert len(steps) == 12, f"only {len(steps)} of 12 proposals"
    distinct(steps, landscape)


@promise
def batches_of_any_size_are_answered(subject: Search) -> None:
    """Asked for 1, 3 or 7 at once, it proposes no more than that and carries on."""
    landscape = subject.on(choices(3, 3, 3, 3))
    for batch in (1, 3, 7):
        steps = search(subject.build(landscape), landscape, 9, batch=batch)
        assert len(steps) == 9, f"only {len(steps)} of 9 proposals in batches of {batch}"
        distinct(steps, landscape)


@promise
def same_seed_same_search(subject: Search) -> None:
    """The same seed and the same answers give the same search."""
    landscape = subject.on(cells())
    first, second = (search(subject.build(landscape, 3), landscape, 10, 2) for _ in range(2))
    assert first == second, "two searches with one seed differ"


@promise
def another_seed_another_search(subject: Search) -> None:
    """Another seed gives another search."""
    landscape = subject.on(cells())
    first, second = (search(subject.build(landscape, s), landscape, 8, 4) for s in (0, 1))
    assert first != second, "two seeds gave the same search"


@promise
def global_random_state_is_untouched(subject: Search) -> None:
    """Building, asking and telling neither read nor advance the global generators."""
    landscape = subject.on(cells())
    plain = search(subject.build(landscape), landscape, 8, 2)
    kept = _global_states()
    try:
        random.seed(99)
        np.random.seed(99)  # noqa: NPY002
        torch.manual_seed(99)
        before = _global_states()
        steps = search(subject.build(landscape), landscape, 8, 2)
        after = _global_states()
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        torch.set_rng_state(kept[2])
    assert before[0] == after[0], "Python's global generator was used"
    assert np.array_equal(before[1][1], after[1][1]), "NumPy's global generator was used"
    assert torch.equal(before[2], after[2]), "torch's global generator was used"
    assert steps == plain, "the search depends on a global generator"


def _global_states() -> tuple[Any, Any, torch.Tensor]:
    """States of the generators of Python, NumPy and torch."""
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002


@promise
def a_saved_search_goes_on_as_if_nothing_happened(subject: Search) -> None:
    """Restored from JSON in mid-search, also with training under way, the rest is identical."""
    landscape = subject.on(cells())
    whole = overlapping(subject.build(landscape), landscape, 14)
    for done in (2, 8):
        strategy = subject.build(landscape)
        begun = overlapping(strategy, landscape, len(whole), stop_after=done)
        text = json.dumps(strategy.state(), allow_nan=False)
        restored = subject.build(landscape)
        restored.restore(json.loads(text))
        assert restored.pending == strategy.pending, "what was pending is not restored"
        assert json.dumps(restored.state()) == text, f"the state changes, restored after {done}"
        rest = overlapping(restored, landscape, len(whole) - len(begun))
        assert begun + rest == whole, f"restored after {done}, the search goes another way"


@promise
def failures_are_survived(subject: Search) -> None:
    """If every training fails, or some do in any manner, the search goes on."""
    bad = (
        Evaluation(math.nan, status="failed"),
        Evaluation(math.nan, 1.0, "diverged"),
        Evaluation(math.inf),
        Evaluation(-math.inf),
        Evaluation(math.nan),
    )

    def always(arch: Arch, value: float) -> Evaluation:
        return bad[sum(arch) % len(bad)]

    def often(arch: Arch, value: float) -> Evaluation:
        return always(arch, value) if sum(arch) % 3 == 0 else Evaluation(value)

    for outcome in (always, often):
        landscape = replace(subject.on(choices(3, 3, 3, 3)), outcome=outcome)
        strategy = subject.build(landscape)
        steps = search(strategy, landscape, 10, 2)
        assert len(steps) == 10, f"gave up after {counted(len(steps), 'evaluation')}"
        distinct(steps, landscape)
        json.dumps(strategy.state(), allow_nan=False)


@promise
def flat_objectives_are_survived(subject: Search) -> None:
    """If all architectures are equally good, the search goes on."""
    flat = replace(subject.on(cells()), outcome=lambda arch, value: Evaluation(50.0))
    steps = search(subject.build(flat), flat, 10, 2)
    assert len(steps) == 10, f"gave up after {counted(len(steps), 'evaluation')}"
    distinct(steps, flat)


@promise
def one_architecture_is_enough(subject: Search) -> None:
    """In a space of one architecture that one is proposed, and then nothing."""
    for candidates in (Candidates(choices(1)), Candidates(cells(), [(0, 1, 2, 0, 1, 2)])):
        landscape = subject.on(candidates)
        strategy = subject.build(landscape)
        steps = search(strategy, landscape, 9)
        distinct(steps, landscape)
        assert steps, "nothing was proposed"
        assert strategy.ask() == [], "something was proposed when all had been seen"


@promise
def small_spaces_are_exhausted(subject: Search) -> None:
    """In a small space everything is proposed, each once, and then nothing.

    With several lengths of training the search need not come to everything, but to an end.
    """
    for batch in (1, 5):
        landscape = subject.on(choices(2, 2, 3))
        strategy = subject.build(landscape)
        steps = search(strategy, landscape, 100, batch)
        distinct(steps, landscape)
        if not subject.multi_fidelity:
            assert len(steps) == 12, f"{len(steps)} of 12 architectures were proposed"
        assert strategy.ask(3) == [], "something was proposed when all had been seen"


@promise
def unasked_results_are_taken_in(subject: Search) -> None:
    """Results of architectures that it never proposed are welcome, and count as seen."""
    landscape = subject.on(cells())
    strategy = subject.build(landscape)
    search(strategy, landscape, 3)
    others = [a for a in Candidates(cells()).sample(20, np.random.default_rng(7))]
    told: list[Step] = [(a, None) for a in others if a not in {o.arch for o in strategy.history}]
    for step in told:
        strategy.tell(step[0], landscape.evaluate(step))
    steps = search(strategy, landscape, 6, 2)
    assert len(steps) == 6, f"only {len(steps)} of 6 proposals"
    distinct(steps + told, landscape)


@promise
def huge_spaces_are_searched_or_refused(subject: Search) -> None:
    """A space too large to list is searched all the same, or refused with a message to the user."""
    landscape = subject.on(choices(*(4,) * 40))
    try:
        strategy = subject.build(landscape)
    except UserError:
        return
    steps = search(strategy, landscape, 8, 2)
    assert len(steps) == 8, f"only {len(steps)} of 8 proposals"
    distinct(steps, landscape)


@promise
def an_easy_objective_is_learned(subject: Search) -> None:
    """On a separable objective it achieves more than random search with as much training."""
    landscape = subject.on(choices(4, 4, 4, 4, 4))
    gains = []
    for seed in range(subject.seeds):
        strategy = subject.build(landscape, seed, design=10)
        steps = search(strategy, landscape, subject.evaluations, batch=5)
        floor = make_strategy("random", landscape.problem, seed=seed, design=10)
        search(floor, landscape, max(1, round(spent(steps))), batch=5)
        gains.append(achieved(strategy, landscape) - achieved(floor, landscape))
    assert np.mean(gains) > 0.0, f"{np.mean(gains):.3g} better than random search on average"
