"""Encodings, spaces, tasks and acquisition functions: ours pass, bad ones are caught."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from surrobench import load_task
from surrobench.acquisition import ACQUISITIONS, make_acquisition
from surrobench.acquisition.acquisition import Acquisition
from surrobench.encodings import ENCODINGS
from surrobench.encodings.one_hot import OneHot
from surrobench.errors import UserError
from surrobench.spaces import SPACES
from surrobench.spaces.architecture import Variable
from surrobench.spaces.choices import Choices
from surrobench.testing import (
    acquisition_checks,
    check_acquisition,
    check_encoding,
    check_space,
    check_task,
    encoding_checks,
    space_checks,
    task_checks,
)
from surrobench.testing.conformance import CONTRACTS, outcomes

QUICK = {"samples": 16, "optima": 4, "fantasies": 2, "baseline": 4}


def failed(kind: str, part: Any) -> list[str]:
    return [found.check.name for found in outcomes(kind, part) if found.status == "failed"]


@pytest.mark.parametrize("name", [*ENCODINGS.names(), "path:40", "one-hot+measured:params"])
def test_encodings_of_ours_keep_their_promises(name: str) -> None:
    check_encoding(name)


@pytest.mark.parametrize("name", [name for name in SPACES.names() if name != "nb201"])
def test_spaces_of_ours_keep_their_promises(name: str) -> None:
    check_space(name)


@pytest.mark.parametrize("name", ["live/digits-chain", "live-transformer/motifs"])
def test_tasks_of_ours_keep_their_promises(name: str) -> None:
    check_task(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ACQUISITIONS.names())
def test_acquisition_functions_of_ours_keep_their_promises(name: str) -> None:
    function: Any = make_acquisition(name)
    check_acquisition(replace(function, **{k: n for k, n in QUICK.items() if hasattr(function, k)}))


def test_checks_have_a_name_and_a_sentence_and_are_the_ones_of_the_kit() -> None:
    kits = {
        "encoding": encoding_checks(),
        "space": space_checks(),
        "task": task_checks(),
        "acquisition": acquisition_checks(),
    }
    for kind, checks in kits.items():
        assert list(checks) == CONTRACTS[kind].checks
        assert len({check.name for check in checks}) == len(checks) >= 6
        assert all(check.sentence.endswith(".") for check in checks)


@pytest.mark.parametrize("kind", ["encoding", "space", "task", "acquisition"])
def test_what_is_none_is_refused(kind: str) -> None:
    with pytest.raises(UserError):
        outcomes(kind, 3)


class Forgets(OneHot):
    """One column fewer than it names."""

    def __call__(self, archs: Any, space: Any, measured: Any) -> Any:
        return super().__call__(archs, space, measured)[:, 1:]


class Places(OneHot):
    def __call__(self, archs: Any, space: Any, measured: Any) -> Any:
        X = super().__call__(archs, space, measured)
        X[:, 0] = np.linspace(0, 1, len(X))
        return X


class Gaps(OneHot):
    def __call__(self, archs: Any, space: Any, measured: Any) -> Any:
        X = super().__call__(archs, space, measured)
        X[:, 0] = measured["params"]
        return X


class Fills(OneHot):
    def __call__(self, archs: Any, space: Any, measured: Any) -> Any:
        np.nan_to_num(measured["params"], copy=False)
        return super().__call__(archs, space, measured)


class Counts(OneHot):
    calls = 0

    def __call__(self, archs: Any, space: Any, measured: Any) -> Any:
        Counts.calls += 1
        return super().__call__(archs, space, measured) * Counts.calls


class Claims(OneHot):
    isomorphism_invariant = True


class Refuses(OneHot):
    def columns(self, space: Any, measured: Any) -> Any:
        raise UserError("never")


@pytest.mark.parametrize(
    ("bad", "right"),
    [
        (Forgets, "columns_are_named"),
        (Places, "rows_follow_their_architectures"),
        (Gaps, "values_are_finite"),
        (Fills, "the_pool_is_left_alone"),
        (Claims, "equal_networks_have_equal_rows_if_it_says_so"),
        (Refuses, "some_space_is_taken"),
    ],
)
def test_bad_encodings_are_caught_by_the_right_check(bad: type, right: str) -> None:
    assert failed("encoding", bad) == [right]


def test_an_encoding_with_a_state_is_caught() -> None:
    assert "same_pool_same_rows" in failed("encoding", Counts)


class OneWay(Choices):
    def neighbours(self, arch: Any) -> Any:
        return [other for other in super().neighbours(arch) if other > arch]


class Repeats(Choices):
    def sample(self, n: int, rng: Any) -> Any:
        return super().sample(n, rng)[:-1] + super().sample(1, np.random.default_rng(0))


class Generous(Choices):
    def sample(self, n: int, rng: Any) -> Any:
        return super().sample(min(n, len(self)), rng)


class Open(Choices):
    def __contains__(self, arch: object) -> bool:
        return True


class Moves(Choices):
    def canonical(self, arch: Any) -> Any:
        return (*arch[:-1], (arch[-1] + 1) % 3)


@pytest.mark.parametrize(
    ("bad", "right"),
    [
        (OneWay, "neighbours_are_mutual"),
        (Repeats, "samples_are_distinct_and_reproducible"),
        (Generous, "too_large_samples_are_refused"),
        (Open, "strangers_are_no_members"),
        (Moves, "equal_networks_have_one_representative"),
    ],
)
def test_bad_spaces_are_caught_by_the_right_check(bad: type[Choices], right: str) -> None:
    variables = [Variable(name, ("1", "2", "3")) for name in "abcd"]
    assert failed("space", bad("bad", variables)) == [right]


def test_bad_tasks_are_caught_by_the_right_check() -> None:
    task = load_task("live/digits-chain")
    assert failed("task", replace(task, truth=np.zeros(len(task)))) == ["values_can_be_ranked"]
    far = task.truth.copy()
    far[3] *= 1000
    assert failed("task", replace(task, truth=far)) == ["there_is_something_to_learn"]
    assert task.seconds is not None
    assert failed("task", replace(task, seconds=-task.seconds)) == ["training_costs_time"]


@dataclass(frozen=True)
class Worst(Acquisition):
    def scores(self, context: Any) -> Any:
        return -context.posterior.mean[context.choices()]


@dataclass(frozen=True)
class Everything(Acquisition):
    def scores(self, context: Any) -> Any:
        return context.posterior.mean


@dataclass(frozen=True)
class Chance(Acquisition):
    def scores(self, context: Any) -> Any:
        import torch

        mean = context.posterior.mean[context.choices()]
        return mean + 1e-3 * torch.rand(len(mean), dtype=mean.dtype)


@dataclass(frozen=True)
class Ordered(Acquisition):
    def scores(self, context: Any) -> Any:
        return context.posterior.mean[context.choices()] + 1e-3 * context.choices()


@pytest.mark.parametrize(
    ("bad", "right"),
    [
        (Worst, ["better_candidates_are_preferred"]),
        (Chance, ["same_seed_same_choice", "global_random_state_is_untouched"]),
        (Ordered, ["twins_tie"]),
    ],
)
def test_bad_acquisition_functions_are_caught(bad: type, right: list[str]) -> None:
    assert failed("acquisition", bad) == right


def test_scores_of_all_candidates_are_refused() -> None:
    assert "there_is_a_score_for_each_choice" in failed("acquisition", Everything)
