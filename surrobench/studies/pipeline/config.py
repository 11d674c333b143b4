"""What a pipeline study is: tasks x predictors x seeds, frozen and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from surrobench.base.wording import counted
from surrobench.studies.judging import Judging
from surrobench.studies.live_settings import live_options, needless_options
from surrobench.studies.parts import Choice, code_of, read_choice, unknown_part
from surrobench.studies.settings import (
    StudySettings,
    code_in,
    filled_list,
    names,
    positive,
    seeds,
    unknown_encodings,
    whole,
)

BASELINES = ("random", "best-trained", "largest")
"""Choices without a predictor: uniform ones, the best of the trained sample itself, and the
candidates of most parameters, where a task can count them."""


def _choices(what: str, example: str) -> Callable[[Any], list[Choice]]:
    def read(value: Any) -> list[Choice]:
        found = [read_choice(one, what, example) for one in filled_list(value, f"{what} names")]
        if what == "predictor":
            found = [choice.encoded() for choice in found]
        for choice in found:
            if found.count(choice) > 1:
                raise ValueError(f"{choice.written()!r} is listed twice.")
            if choice.text in BASELINES:
                raise ValueError(f"{choice.text!r} is the name of a baseline; give a label.")
        return found

    return read


def _count(least: int, what: str) -> Callable[[Any], int]:
    return lambda value: whole(value, least, f"{what} ({least} or more)")


def _share(value: Any) -> float:
    number = positive(value)
    if number is None or number > 1:
        raise ValueError(f"{value!r} must be a share above 0 and at most 1.")
    return number


def _epochs(value: Any) -> int | None:
    return None if value is None else whole(value, 1, "epochs of a short training (1 or more)")


class PipelineStudy(StudySettings):
    """A pipeline study: short trainings, predictors, and full trainings of what they choose.

    For every task and seed ``candidates`` architectures are drawn, and ``train`` of them trained
    briefly. Every predictor learns from these, scores all candidates, and an acquisition function
    picks ``picks`` of them; those are trained fully, ``runs`` times each.

    Attributes:
        name: names the run folder.
        tasks: live tasks (``"live:cells"``), or tables: tasks, groups of tasks, paths of cards.
        predictors: names, or tables with options (and a label, and an encoding of its own).
        encodings: ``"default"`` is the one that the task proposes (for live tasks, what follows
            from the kinds of the decisions).
        acquisitions: what picks from a posterior.
        candidates: architectures that can be picked; a smaller task offers all it has.
        train: how many of them are trained briefly.
        picks: how many each predictor picks.
        reference: further candidates, drawn at random, that a live task trains fully so that rank
            correlations have something to be measured on; by default as many as ``picks``. A
            table can judge every candidate anyway.
        proxy_epochs: length of a short training, with a schedule of its own; by default the full
            one.
        proxy_share: share of the training data in a short training.
        runs: full trainings of each pick, under different seeds; a table has so many as it has.
        judge: who judges picks on a table: ``"held-out"`` runs, of candidates that have several,
            what was shown (``"searched"``), or ``"auto"``, which is the former wherever a table
            allows it; see :mod:`surrobench.studies.judging`.
        seeds: given as a count or a list.
        live: options of the live tasks, see :func:`surrobench.tasks.live.live_options.make_live`.
        timeout_seconds: limit of one cell.
        memory_gib: limit of one worker process.
    """

    kind: Literal["pipeline"]
    predictors: Annotated[
        list[Choice],
        BeforeValidator(_choices("predictor", '{use = "random-forest", trees = 100}')),
    ]
    encodings: Annotated[list[str], BeforeValidator(names)] = ["default"]
    acquisitions: Annotated[
        list[Choice],
        BeforeValidator(_choices("acquisition", '{use = "ucb", beta = 2.0, label = "ucb-2"}')),
    ] = [Choice("log-ei")]
    candidates: Annotated[int, BeforeValidator(_count(2, "how many candidates"))] = 1000
    train: Annotated[int, BeforeValidator(_count(2, "how many short trainings"))] = 100
    picks: Annotated[int, BeforeValidator(_count(1, "how many picks"))] = 10
    reference: Annotated[int | None, BeforeValidator(lambda v: _optional_count(v))] = None
    proxy_epochs: Annotated[int | None, BeforeValidator(_epochs)] = None
    proxy_share: Annotated[float, BeforeValidator(_share)] = 1.0
    runs: Annotated[int, BeforeValidator(_count(1, "how many full trainings of a pick"))] = 3
    judge: Judging = "auto"
    seeds: Annotated[list[int], BeforeValidator(seeds)]
    live: Annotated[dict[str, Any], BeforeValidator(live_options)] = {}
    timeout_seconds: Annotated[float | None, BeforeValidator(positive)] = 86_400.0
    memory_gib: Annotated[float | None, BeforeValidator(positive)] = None

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """Names and numbers that cannot be (dotted paths are looked at later)."""
        for name in ("train", "picks"):
            if (count := getattr(self, name)) > self.candidates:
                yield name, f"{name} = {count} does not fit candidates = {self.candidates}."
        for choice in self.predictors:
            yield from unknown_part("predictor", choice.spec)
        for choice in self.acquisitions:
            yield from unknown_part("acquisition", choice.spec)
        yield from unknown_encodings(self.all_encodings())
        yield from needless_options(self.live, self.tasks)

    def code(self) -> Iterator[tuple[str, str]]:
        """Kind and dotted path of every part that is code from outside the registries."""
        for choice in self.predictors:
            yield from code_of("predictor", choice.spec)
        for choice in self.acquisitions:
            yield from code_of("acquisition", choice.spec)
        yield from code_in("encoding", self.all_encodings())

    def all_encodings(self) -> list[str]:
        """The encodings of the study, and those that single predictors are given."""
        own = (choice.encoding for choice in self.predictors)
        return list(dict.fromkeys([*self.encodings, *filter(None, own)]))

    def outline(self) -> Iterator[tuple[str, str]]:
        """Label and text of what a dry run says beside the counts of cells."""
        yield "candidates", f"{self.candidates:,}, of which {self.train:,} are trained briefly"
        yield "picks", f"{self.picks} by each predictor, trained fully {counted(self.runs, 'time')}"


def _optional_count(value: Any) -> int | None:
    if value is None:
        return None
    return whole(value, 0, "how many architectures are trained for reference (0 or more)")
