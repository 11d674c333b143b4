"""What a search study is: tasks x strategies x seeds, frozen and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from surrobench.base.wording import counted
from surrobench.errors import UserError, did_you_mean
from surrobench.strategies import STRATEGIES, resolve_strategy
from surrobench.strategies.problem import Constraint
from surrobench.studies.judging import Judging
from surrobench.studies.live_settings import live_options, needless_options
from surrobench.studies.parts import AXES, Choice, code_of, read_choice, unknown_part
from surrobench.studies.settings import (
    Sources,
    StudySettings,
    code_in,
    filled_list,
    limits,
    moved_sources,
    names,
    positive,
    read_source_size,
    read_sources,
    seeds,
    sources_outline,
    whole,
)


def _choices(what: str, example: str) -> Callable[[Any], list[Choice]]:
    def read(value: Any) -> list[Choice]:
        found = [read_choice(one, what, example) for one in filled_list(value, f"{what} names")]
        for choice in found:
            if found.count(choice) > 1:
                raise ValueError(f"{choice.written()!r} is listed twice.")
        return found

    return read


_ON = " on "
"""Between the globs of strategies and tasks in the names of ``seeds_of``."""

_strategies = _choices("strategy", '{use = "bayesian", acquisition = "ucb", label = "ucb"}')
_predictors = _choices("predictor", '{use = "random-forest", trees = 100, label = "small"}')
_acquisitions = _choices("acquisition", '{use = "ucb", beta = 2.0, label = "ucb-2"}')


def _evaluations(value: Any) -> int:
    return whole(value, 1, "how many full trainings a search may spend (1 or more)")


def _initial(value: Any) -> int:
    return whole(value, 0, "how many architectures a search begins with (0 or more)")


def _batch(value: Any) -> int:
    return whole(value, 1, "how many architectures are chosen at a time (1 or more)")


def _seeds_of(value: Any) -> dict[str, int]:
    """Limits of seeds; of some of the tasks they may be 0."""
    if not isinstance(value, dict):
        return limits(value)
    everywhere = {name: count for name, count in value.items() if _ON not in name}
    some = {name: whole(count, 0, "0 or more") for name, count in value.items() if _ON in name}
    known = {**limits(everywhere), **some}
    return {name: known[name] for name in value}


def _constraints(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f'{value!r} must be a table such as {{params = "<= 0.5"}}.')
    for name, text in value.items():
        try:
            Constraint.parse(name, text)
        except UserError as error:
            raise ValueError(str(error)) from error
    return dict(value)


class SearchStudy(StudySettings):
    """A search study: tasks x strategies x seeds.

    Attributes:
        name: names the run folder.
        tasks: tasks, groups of tasks or paths of cards.
        strategies: names, or tables with options (and a label).
        predictors: a further axis for every strategy that takes a predictor and does not fix it;
            so are ``encodings`` (``"default"`` is the one that the task proposes) and
            ``acquisitions``.
        evaluations: full trainings that a search may spend.
        initial: random architectures that every strategy begins with; they are the same for all
            strategies at a given task and seed.
        batch: architectures chosen at a time.
        repeats: whether an architecture may be trained again.
        seeds: given as a count or a list.
        judge: who judges what was found on a table: ``"held-out"`` runs, of candidates that have
            several, what was ``"searched"`` itself, or ``"auto"``, which is the former wherever a
            table allows it; see :mod:`surrobench.studies.judging`.
        seeds_of: glob of strategy names -> how many of the seeds these use. ``"smac on nb201/*"``
            is about some of the tasks; 0 leaves a strategy out there.
        objectives: further tasks on the same space, to be maximised beside the task's own value.
        constraints: bounds on measured columns or on tasks of the same space, in their source
            units, such as ``{params = "<= 0.5"}``.
        budget_seconds: limit of simulated training time.
        sources: other tasks on the same space, of which strategies that look at them are told
            ``source_size`` architectures each (200 if not given), see
            :mod:`surrobench.studies.prediction.source_tasks`. What they cost is not charged.
        source_size: architectures of each source.
        live: options of the live tasks, see :func:`surrobench.tasks.live.live_options.make_live`.
        timeout_seconds: limit of one search.
        memory_gib: limit of one worker process.
    """

    kind: Literal["search"]
    strategies: Annotated[list[Choice], BeforeValidator(_strategies)]
    predictors: Annotated[list[Choice], BeforeValidator(_predictors)] | None = None
    encodings: Annotated[list[str], BeforeValidator(names)] | None = None
    acquisitions: Annotated[list[Choice], BeforeValidator(_acquisitions)] | None = None
    evaluations: Annotated[int, BeforeValidator(_evaluations)]
    initial: Annotated[int, BeforeValidator(_initial)] = 10
    batch: Annotated[int, BeforeValidator(_batch)] = 1
    repeats: bool = False
    seeds: Annotated[list[int], BeforeValidator(seeds)]
    judge: Judging = "auto"
    seeds_of: Annotated[dict[str, int], BeforeValidator(_seeds_of)] = {}
    objectives: Annotated[list[str], BeforeValidator(names)] | None = None
    constraints: Annotated[dict[str, str], BeforeValidator(_constraints)] = Field(
        default_factory=dict
    )
    sources: Annotated[Sources, BeforeValidator(read_sources)] | None = None
    source_size: Annotated[int, BeforeValidator(read_source_size)] | None = None
    budget_seconds: Annotated[float | None, BeforeValidator(positive)] = None
    live: Annotated[dict[str, Any], BeforeValidator(live_options)] = {}
    timeout_seconds: Annotated[float | None, BeforeValidator(positive)] = 3600.0
    memory_gib: Annotated[float | None, BeforeValidator(positive)] = 8.0

    def axes(self) -> dict[str, list[Choice]]:
        """The axes that the study varies: option of a strategy -> its values."""
        encodings = None if self.encodings is None else [Choice(name) for name in self.encodings]
        axes = {
            "predictor": self.predictors,
            "encoding": encodings,
            "acquisition": self.acquisitions,
        }
        return {option: choices for option, choices in axes.items() if choices is not None}

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """Names, options and numbers that cannot be (dotted paths are looked at later)."""
        if self.initial > self.evaluations:
            message = f"initial = {self.initial} does not fit evaluations = {self.evaluations}."
            yield "initial", message
        for choice in self.strategies:
            yield from _mistakes_of(choice)
        for option, choices in self.axes().items():
            for choice in choices:
                yield from unknown_part(option, choice.spec)
        yield from needless_options(self.live, self.tasks)
        for pattern in self.seeds_of:
            if not any(matches(pattern, choice) for choice in self.strategies):
                known = {choice.label or choice.use for choice in self.strategies}
                yield (
                    pattern,
                    f"seeds_of: no strategy is called {pattern!r}. " + did_you_mean(pattern, known),
                )

    def code(self) -> Iterator[tuple[str, str]]:
        """Kind and dotted path of every part that is code from outside the registries."""
        for strategy in self.strategies:
            yield from code_in("strategy", [strategy.use])
            for option, spec in strategy.options.items():
                yield from code_of(option, spec)
        for option, choices in self.axes().items():
            for choice in choices:
                yield from code_of(option, choice.spec)

    def moved(self, move: Callable[[str], str]) -> SearchStudy:
        """The study with ``move`` applied to the names of all its tasks."""
        changed: dict[str, Any] = {"tasks": [move(task) for task in self.tasks]}
        if self.objectives is not None:
            changed["objectives"] = [move(name) for name in self.objectives]
        if self.sources is not None:
            changed["sources"] = moved_sources(self.sources, move)
        changed["constraints"] = {move(name): text for name, text in self.constraints.items()}
        return self.model_copy(update=changed)

    def outline(self) -> Iterator[tuple[str, str]]:
        """Label and text of what a dry run says beside the counts of cells."""
        yield (
            "budget",
            f"{counted(self.evaluations, 'evaluation')}, {self.initial} of them to begin with",
        )
        if self.judge != "auto":
            yield "judge", self.judge
        if self.batch > 1:
            yield "batch", str(self.batch)
        if self.objectives:
            yield "objectives", ", ".join(self.objectives)
        if self.sources:
            yield "sources", sources_outline(self.sources)
        for name, text in self.constraints.items():
            yield "constraint", f"{name} {text}"


def _mistakes_of(choice: Choice) -> Iterator[tuple[str, str]]:
    if any(code_in("strategy", [choice.use])):
        return
    if choice.use not in STRATEGIES.names():
        hint = did_you_mean(choice.use, STRATEGIES.names())
        yield choice.use, f"unknown strategy {choice.use!r}. {hint}"
        return
    for option in AXES:
        yield from unknown_part(option, choice.options.get(option))
    try:
        resolve_strategy(choice.spec)
    except UserError as error:
        yield choice.use, str(error)


def matches(pattern: str, choice: Choice) -> bool:
    """Whether a glob of ``seeds_of`` is about a strategy."""
    glob = pattern.partition(_ON)[0]
    return any(fnmatchcase(name, glob) for name in (choice.label or choice.use, choice.use))


def on_task(pattern: str, task: str) -> bool:
    """Whether a glob of ``seeds_of`` is about a task."""
    _, named, glob = pattern.partition(_ON)
    return not named or fnmatchcase(task, glob)
