"""Keys that studies of several kinds have: values read, checked and written, every mistake told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from surrobench.base.page_facts import facts_html
from surrobench.base.strict_toml import complaints, line_of_text, refuse
from surrobench.encodings import ENCODINGS, make_encoding
from surrobench.errors import UserError
from surrobench.predictors.given import GivenPart

MOST_SEEDS = 100_000


OTHERS = "others"
"""Among ``sources``: the other tasks of the study that are of the scored task's table."""


@dataclass(frozen=True)
class PredictorChoice:
    """A predictor as a study names it.

    Attributes:
        use: registered name or dotted path, without the transform; or an object.
        options: what differs from the defaults (``transform`` among them).
        label: the name in the results, if the study gives one.
        encoding: the one that this predictor gets instead of those of the study, if it is given.
    """

    use: str
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None
    encoding: str | None = None

    def written(self) -> str | dict[str, Any]:
        """The form that a study file has."""
        named = {"label": self.label, "encoding": self.encoding}
        given = {key: value for key, value in named.items() if value is not None}
        if not self.options and not given:
            return self.use
        if set(self.options) == {"transform"} and not given:
            return f"{self.use}+{self.options['transform']}"
        return {"use": self.use, **given, **self.options}


def read_predictor(value: Any) -> PredictorChoice:
    """A predictor from a string or an inline table.

    Raises:
        ValueError: saying what form it must have.
    """
    if isinstance(value, PredictorChoice):
        return value
    if isinstance(value, str) or (hasattr(value, "fit") and not isinstance(value, Mapping)):
        value = {"use": value}
    if isinstance(value, Mapping) and hasattr(value.get("use"), "fit"):
        value = {**value, "use": GivenPart.of(value["use"])}
    if not isinstance(value, Mapping) or not isinstance(value.get("use"), str):
        raise ValueError(
            f'{value!r} is not a predictor; write a name ("gp-rbf") or a table '
            '({use = "gp-rbf", label = "my gp", transform = "none"}).'
        )
    label = value.get("label")
    if label is not None and (not isinstance(label, str) or not label.strip()):
        raise ValueError(f"the label {label!r} of a predictor must be a text.")
    encoding = value.get("encoding")
    if encoding is not None and (not isinstance(encoding, str) or not encoding.strip()):
        raise ValueError(f"the encoding {encoding!r} of a predictor must be a text.")
    options = {key: value[key] for key in value if key not in ("use", "label", "encoding")}
    if isinstance(value["use"], GivenPart):
        return PredictorChoice(value["use"], options, label or value["use"].short, encoding)
    use, plus, transform = value["use"].partition("+")
    if plus and options.setdefault("transform", transform) != transform:
        raise ValueError(f"{value['use']!r} and transform = {options['transform']!r} disagree.")
    return PredictorChoice(use.strip(), options, label, encoding)


def names(value: Any) -> list[str]:
    """A list of different names."""
    found = filled_list(value, "names")
    for name in found:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"{name!r} is not a name; names are texts in quotation marks.")
    refuse_repeats(found)
    return found


def filled_list(value: Any, of_what: str) -> list[Any]:
    """A list with at least one element."""
    if not isinstance(value, list) or not value:
        raise ValueError(f"{value!r} must be a list of {of_what}, with at least one.")
    return value


def refuse_repeats(values: Sequence[Any]) -> None:
    """Raise ValueError for a value that is listed twice."""
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value!r} is listed twice.")


def whole(value: Any, least: int, what: str) -> int:
    """A whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{value!r} must be a whole number, {what}.")
    return value


def read_sources(value: Any) -> Any:
    """Names of tasks, or a table from globs of scored tasks to names."""
    if not isinstance(value, dict):
        return names(value)
    if not value:
        raise ValueError('{} must name sources, such as {"nb201/*" = ["others"]}.')
    return {glob: names(listed) for glob, listed in value.items()}


Sources = list[str] | dict[str, list[str]]
"""As a study file has them."""


def sources_by_glob(value: Sources | None) -> dict[str, list[str]]:
    """Glob of scored tasks -> names of their sources."""
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"*": value}


def moved_sources(value: Sources, move: Callable[[str], str]) -> Sources:
    """The same with ``move`` applied to the names of tasks."""

    def every(listed: list[str]) -> list[str]:
        return [name if name == OTHERS else move(name) for name in listed]

    if isinstance(value, dict):
        return {glob: every(listed) for glob, listed in value.items()}
    return every(value)


def sources_outline(value: Sources) -> str:
    """What a dry run says of them."""
    if not isinstance(value, dict):
        return ", ".join(value)
    return "; ".join(f"{glob}: {', '.join(listed)}" for glob, listed in value.items())


def read_source_size(value: Any) -> int:
    """Architectures of each source."""
    return whole(value, 1, "how many architectures of each source, 1 or more")


def seeds(value: Any) -> list[int]:
    """A count ``n`` means the seeds 0 … n-1."""
    if isinstance(value, list):
        found = [whole(seed, 0, "0 or more") for seed in filled_list(value, "seeds")]
        refuse_repeats(found)
        return found
    count = whole(value, 1, "how many seeds (1 or more), or a list of seeds")
    if count > MOST_SEEDS:
        raise ValueError(
            f"{count} are more seeds than anyone can compute; at most {MOST_SEEDS}, or a list."
        )
    return list(range(count))


def positive(value: Any) -> float | None:
    """A number above 0, or nothing."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"{value!r} must be a number above 0.")
    return float(value)


def limits(value: Any) -> dict[str, int]:
    """A table of names and whole numbers."""
    if not isinstance(value, dict):
        raise ValueError(f'{value!r} must be a table such as {{"gp-*-ard" = 200}}.')
    return {name: whole(size, 1, "1 or more") for name, size in value.items()}


def code_in(kind: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """``(kind, part)`` for every part of names such as ``"one-hot+mine:Mine"`` that is code.

    What stands before the colon of a registered encoding (``"path:40"``) is no module.
    """
    for name in names:
        for part in name.split("+"):
            head, colon, _ = part.strip().partition(":")
            if colon and head not in ENCODINGS.names():
                yield kind, part.strip()


def _toml(value: Any) -> str:
    """A value in TOML's notation, on one line."""
    if hasattr(value, "written"):
        value = value.written()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(str(k))} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(element) for element in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def place(value: str, text: str, source: str) -> str:
    """``file:line`` of a quoted value, or the file alone if it does not stand there."""
    number = line_of_text(text, value)
    return f"{source}:{number}" if number else source


def unknown_encodings(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Encodings that cannot be made, and why (dotted paths are looked at later)."""
    for name in names:
        if name == "default" or any(code_in("encoding", [name])):
            continue
        try:
            make_encoding(name)
        except UserError as error:
            yield name, str(error)


def own_encoding(predictor: object, label: str) -> str | None:
    """The encoding that a predictor insists on; None if it leaves that to the study.

    Raises:
        UserError: if no encoding has this name.
    """
    name: str | None = getattr(predictor, "encoding", None)
    for _, why in unknown_encodings([name] if name else []):
        raise UserError(f"predictor {label!r} insists on an encoding that cannot be made: {why}")
    return name


class StudySettings(BaseModel):
    """What studies of every kind have; a kind adds keys of its own, and what may be wrong in them.

    Attributes:
        kind: of the study.
        name: names the run folder.
        description: for readers.
        tasks: what the study is about: tasks, groups of tasks (``"nb201"``) or paths of cards.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str
    name: str = Field(min_length=1)
    description: str = ""
    tasks: Annotated[list[str], BeforeValidator(names)]

    @classmethod
    def read(cls, content: Mapping[str, Any], text: str = "", source: str = "study") -> Self:
        """A study, its content checked.

        Args:
            content: of the file.
            text: of the file, searched for the lines of mistakes.
            source: what messages call it.

        Raises:
            UserError: listing every mistake.
        """
        try:
            study = cls.model_validate(dict(content))
        except ValidationError as error:
            raise refuse(source, complaints(error, cls, text, source)) from error
        wrong = [f"{place(name, text, source)}: {told}" for name, told in study.mistakes()]
        if wrong:
            raise refuse(source, wrong)
        return study

    def mistakes(self) -> Iterable[tuple[str, str]]:
        """What types cannot say: each value where it stands, and a message."""
        return ()

    def code(self) -> Iterator[tuple[str, str]]:
        """Kind and dotted path of every part that is code from outside the registries."""
        yield from ()

    def moved(self, move: Callable[[str], str]) -> Self:
        """The study with ``move`` applied to the names of its tasks."""
        return self.model_copy(update={"tasks": [move(task) for task in self.tasks]})

    def outline(self) -> Iterator[tuple[str, str]]:
        """Label and text of what a dry run says beside the counts of cells."""
        yield from ()

    def to_toml(self) -> str:
        """The study as a TOML file, every field spelt out; what is None is left out."""
        return "".join(f"{name} = {_toml(value)}\n" for name, value in self if value is not None)

    def _repr_html_(self) -> str:
        facts = [(name, _toml(value)) for name, value in self if value not in (None, "", {})]
        return facts_html(self.name, [fact for fact in facts if fact[0] != "kind"])
