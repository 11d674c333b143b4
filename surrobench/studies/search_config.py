"""What a search study is: tasks x strategies x seeds, frozen and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from surrobench.errors import UserError, did_you_mean
from surrobench.strategies import STRATEGIES, resolve_strategy
from surrobench.strategies.problem import Constraint
from surrobench.studies.config import (
    filled_list,
    limits,
    names,
    place,
    positive,
    seeds,
    to_toml,
    whole,
)
from surrobench.studies.strict_toml import complaints, refuse


@dataclass(frozen=True)
class StrategyChoice:
    """A strategy as a study names it.

    Attributes:
        use: registered name or dotted path.
        options: what differs from the defaults.
        label: the name in the results, if the study gives one.
    """

    use: str
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None

    @property
    def from_code(self) -> bool:
        """Whether it names code from outside the registries."""
        texts = [self.use, *(str(value) for value in self.options.values())]
        return any(":" in text and "measured:" not in text for text in texts)

    def written(self) -> str | dict[str, Any]:
        """The form that a study file has."""
        if not self.options and self.label is None:
            return self.use
        label = {} if self.label is None else {"label": self.label}
        return {"use": self.use, **label, **self.options}


def read_strategy(value: Any) -> StrategyChoice:
    """A strategy from a string or an inline table.

    Raises:
        ValueError: saying what form it must have.
    """
    if isinstance(value, StrategyChoice):
        return value
    if isinstance(value, str):
        value = {"use": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("use"), str):
        raise ValueError(
            f'{value!r} is not a strategy; write a name ("local-search") or a table '
            '({use = "bayesian", acquisition = "ucb", label = "ucb"}).'
        )
    label = value.get("label")
    if label is not None and (not isinstance(label, str) or not label.strip()):
        raise ValueError(f"the label {label!r} of a strategy must be a text.")
    options = {key: option for key, option in value.items() if key not in ("use", "label")}
    return StrategyChoice(value["use"].strip(), options, label)


def _strategies(value: Any) -> list[StrategyChoice]:
    return [read_strategy(element) for element in filled_list(value, 'names such as "random"')]


def _evaluations(value: Any) -> int:
    return whole(value, 1, "how many full trainings a search may spend (1 or more)")


def _initial(value: Any) -> int:
    return whole(value, 0, "how many architectures a search begins with (0 or more)")


def _batch(value: Any) -> int:
    return whole(value, 1, "how many architectures are chosen at a time (1 or more)")


def _constraints(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f'{value!r} must be a table such as {{params = "<= 0.5"}}.')
    for name, text in value.items():
        try:
            Constraint.parse(name, text)
        except UserError as error:
            raise ValueError(str(error)) from error
    return dict(value)


class SearchStudy(BaseModel):
    """A search study: tasks x strategies x seeds.

    Attributes:
        name: names the run folder.
        tasks: tasks, groups of tasks or paths of cards.
        strategies: see :class:`StrategyChoice`.
        evaluations: full trainings that a search may spend.
        initial: random architectures that every strategy begins with; they are the same for all
            strategies at a given task and seed.
        batch: architectures chosen at a time.
        seeds: given as a count or a list.
        seeds_of: glob of strategy names -> how many of the seeds these use.
        objectives: further tasks on the same space, to be maximised beside the task's own value.
        constraints: bounds on measured columns or on tasks of the same space, in their source
            units, such as ``{params = "<= 0.5"}``.
        budget_seconds: limit of simulated training time.
        timeout_seconds: limit of one search.
        memory_gib: limit of one worker process.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["search"]
    name: str = Field(min_length=1)
    description: str = ""
    tasks: Annotated[list[str], BeforeValidator(names)]
    strategies: Annotated[list[StrategyChoice], BeforeValidator(_strategies)]
    evaluations: Annotated[int, BeforeValidator(_evaluations)]
    initial: Annotated[int, BeforeValidator(_initial)] = 10
    batch: Annotated[int, BeforeValidator(_batch)] = 1
    seeds: Annotated[list[int], BeforeValidator(seeds)]
    seeds_of: Annotated[dict[str, int], BeforeValidator(limits)] = {}
    objectives: Annotated[list[str], BeforeValidator(names)] | None = None
    constraints: Annotated[dict[str, str], BeforeValidator(_constraints)] = {}
    budget_seconds: Annotated[float | None, BeforeValidator(positive)] = None
    timeout_seconds: Annotated[float | None, BeforeValidator(positive)] = 3600.0
    memory_gib: Annotated[float | None, BeforeValidator(positive)] = 8.0

    def to_toml(self) -> str:
        """The study as a TOML file, every field spelt out."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        values["strategies"] = [choice.written() for choice in self.strategies]
        return to_toml(values)


def build_search(content: Mapping[str, Any], text: str = "", source: str = "study") -> SearchStudy:
    """Check the content of a search study; ``text`` is searched for the lines of mistakes.

    Raises:
        UserError: listing every mistake.
    """
    try:
        study = SearchStudy.model_validate(dict(content))
    except ValidationError as error:
        raise refuse(source, complaints(error, SearchStudy, text, source)) from error
    wrong = [f"{place(name, text, source)}: {message}" for name, message in _mistakes(study)]
    if wrong:
        raise refuse(source, wrong)
    return study


def _mistakes(study: SearchStudy) -> Iterator[tuple[str, str]]:
    """Names and options that do not exist (dotted paths are looked at later)."""
    if study.initial > study.evaluations:
        yield (
            "initial",
            f"an initial design of {study.initial} does not fit {study.evaluations} evaluations.",
        )
    for choice in study.strategies:
        if ":" in choice.use:
            continue
        if choice.use not in STRATEGIES.names():
            hint = did_you_mean(choice.use, STRATEGIES.names())
            yield choice.use, f"unknown strategy {choice.use!r}. {hint}"
            continue
        try:
            resolve_strategy({"use": choice.use, **choice.options})
        except UserError as error:
            yield choice.use, str(error)
