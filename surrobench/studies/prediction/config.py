"""What a study is: its settings, frozen and checked, with messages for every mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from surrobench.errors import did_you_mean
from surrobench.predictors import PREDICTORS, TRANSFORMS
from surrobench.studies.settings import (
    PredictorChoice,
    Sources,
    built,
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
    study_html,
    to_toml,
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


class Study(BaseModel):
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

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["prediction"]
    name: str = Field(min_length=1)
    description: str = ""
    tasks: Annotated[list[str], BeforeValidator(names)]
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

    def to_toml(self) -> str:
        """The study as a TOML file, every field spelt out."""
        return to_toml(self)

    def _repr_html_(self) -> str:
        return study_html(self)

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


def build_study(content: Mapping[str, Any], text: str = "", source: str = "study") -> Study:
    """Check the content of a study; ``text`` is searched for the lines of mistakes.

    Raises:
        UserError: listing every mistake.
    """
    return built(Study, _unknown_names, content, text, source)


def _unknown_names(study: Study) -> Iterator[tuple[str, str]]:
    """Names of the study that no registry knows (dotted paths are looked at later)."""
    transforms = list(study.transforms or [])
    for choice in study.predictors:
        if ":" not in choice.use and choice.use not in PREDICTORS.names():
            hint = did_you_mean(choice.use, PREDICTORS.names())
            yield choice.use, f"unknown predictor {choice.use!r}. {hint}"
        transforms += [choice.options[key] for key in ("transform",) if key in choice.options]
    for transform in dict.fromkeys(map(str, transforms)):
        if transform not in TRANSFORMS:
            hint = did_you_mean(transform, TRANSFORMS)
            yield transform, f"unknown transform {transform!r}. {hint}"
    yield from unknown_encodings(study.all_encodings())
