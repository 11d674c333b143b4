"""What a study is: its settings, frozen and checked, with messages for every mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from surrobench.errors import did_you_mean
from surrobench.predictors import PREDICTORS, TRANSFORMS
from surrobench.studies.settings import (
    PredictorChoice,
    Sources,
    StudySettings,
    code_in,
    filled_list,
    limits,
    moved_sources,
    names,
    positive,
    read_predictor,
    read_source_size,
    read_sources,
    refuse_repeats,
    seeds,
    sources_outline,
    unknown_encodings,
    whole,
)

Protocol = Literal["grouped", "grouped-2000", "grouped-published", "white2021", "graf"]


def _predictors(value: Any) -> list[PredictorChoice]:
    return [read_predictor(element) for element in filled_list(value, 'names such as "gp-rbf"')]


def _train_sizes(value: Any) -> list[int]:
    sizes = filled_list(value, "training sizes")
    for size in sizes:
        whole(size, 1, "1 or more: a predictor needs at least one training example")
    refuse_repeats(sizes)
    return sizes


class Study(StudySettings):
    """A prediction study: tasks x predictors x encodings x train sizes x seeds.

    Attributes:
        name: names the run folder.
        tasks: tasks, groups of tasks (``"nb201"``) or paths of cards.
        predictors: see :class:`PredictorChoice`.
        encodings: ``"default"`` is the encoding that the task proposes.
        train_sizes: numbers of training examples.
        seeds: given as a count or a list.
        protocol: how architectures are split, see :mod:`surrobench.studies.prediction.protocols`.
        transforms: an optional further axis over target transforms.
        max_train_size: glob of predictor names -> largest training size; cells above are skipped
            and reported as skipped.
        small_pools: what to do with training sizes that a task is too small for: refuse the study,
            skip them, or (``"fit"``) skip them and, where none is left, take sizes that fit.
        sources: other tasks, of which predictors with ``transfer = True`` are told a part, see
            :mod:`surrobench.studies.prediction.source_tasks`; a scored task is no source of itself.
            A list (``["others"]``: every other task of the study that is of the same table), or a
            table of lists by globs of scored tasks.
        source_size: architectures of each source (200 if not given).
        timeout_seconds: limit for one cell.
        memory_gib: limit of one worker process.
    """

    kind: Literal["prediction"]
    predictors: Annotated[list[PredictorChoice], BeforeValidator(_predictors)]
    encodings: Annotated[list[str], BeforeValidator(names)] = ["default"]
    train_sizes: Annotated[list[int], BeforeValidator(_train_sizes)]
    seeds: Annotated[list[int], BeforeValidator(seeds)]
    protocol: Protocol = "grouped"
    transforms: Annotated[list[str], BeforeValidator(names)] | None = None
    max_train_size: Annotated[dict[str, int], BeforeValidator(limits)] = {}
    small_pools: Literal["error", "skip", "fit"] = "error"
    sources: Annotated[Sources, BeforeValidator(read_sources)] | None = None
    source_size: Annotated[int, BeforeValidator(read_source_size)] | None = None
    timeout_seconds: Annotated[float | None, BeforeValidator(positive)] = 600.0
    memory_gib: Annotated[float | None, BeforeValidator(positive)] = 8.0

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """Names of the study that no registry knows (dotted paths are looked at later)."""
        transforms = list(self.transforms or [])
        for choice in self.predictors:
            if ":" not in choice.use and choice.use not in PREDICTORS.names():
                hint = did_you_mean(choice.use, PREDICTORS.names())
                yield choice.use, f"unknown predictor {choice.use!r}. {hint}"
            transforms += [choice.options[key] for key in ("transform",) if key in choice.options]
        for transform in dict.fromkeys(map(str, transforms)):
            if transform not in TRANSFORMS:
                hint = did_you_mean(transform, TRANSFORMS)
                yield transform, f"unknown transform {transform!r}. {hint}"
        yield from unknown_encodings(self.all_encodings())

    def code(self) -> Iterator[tuple[str, str]]:
        """Kind and dotted path of every part that is code from outside the registries."""
        yield from code_in("predictor", (choice.use for choice in self.predictors))
        yield from code_in("encoding", self.all_encodings())

    def all_encodings(self) -> list[str]:
        """The encodings of the study, and those that single predictors are given."""
        own = (choice.encoding for choice in self.predictors)
        return list(dict.fromkeys([*self.encodings, *filter(None, own)]))

    def moved(self, move: Callable[[str], str]) -> Study:
        """The study with ``move`` applied to the names of its tasks."""
        moved: dict[str, Any] = {"tasks": [move(task) for task in self.tasks]}
        if self.sources is not None:
            moved["sources"] = moved_sources(self.sources, move)
        return self.model_copy(update=moved)

    def outline(self) -> Iterator[tuple[str, str]]:
        """Label and text of what a dry run says beside the counts of cells."""
        yield "protocol", self.protocol
        yield "train sizes", ", ".join(map(str, self.train_sizes))
        if self.sources:
            yield "sources", sources_outline(self.sources)
