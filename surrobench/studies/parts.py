"""Parts of a strategy as a study names them: a name, or a table with the name and options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from surrobench.acquisition import ACQUISITIONS
from surrobench.errors import did_you_mean
from surrobench.predictors import PREDICTORS, TRANSFORMS
from surrobench.studies.run_folder.record import canonical_json
from surrobench.studies.settings import code_in, unknown_encodings

Spec = str | Mapping[str, Any]
AXES = ("predictor", "encoding", "acquisition")
"""Options of a strategy that a study can vary and that results have columns for."""


@dataclass(frozen=True)
class Choice:
    """A strategy or a part of one.

    Attributes:
        use: registered name or dotted path.
        options: what differs from the defaults.
        label: the name in the results, if the study gives one.
        encoding: the one that this predictor of a study gets instead of those of the study, if it
            is given (of a strategy it is an option).
    """

    use: str
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None
    encoding: str | None = None

    @property
    def spec(self) -> Spec:
        """What the ``make_…`` functions read: without the label."""
        return {"use": self.use, **self.options} if self.options else self.use

    @property
    def text(self) -> str:
        """The name in the results."""
        return self.label or spec_text(self.spec)

    def written(self) -> str | dict[str, Any]:
        """The form that a study file has."""
        named = {"label": self.label, "encoding": self.encoding}
        given = {key: value for key, value in named.items() if value is not None}
        return {"use": self.use, **given, **self.options} if given or self.options else self.use

    def encoded(self) -> Choice:
        """The same with ``encoding`` taken from the options.

        Raises:
            ValueError: if it is no name.
        """
        encoding = self.options.get("encoding", self.encoding)
        if encoding is not None and (not isinstance(encoding, str) or not encoding.strip()):
            raise ValueError(f"the encoding {encoding!r} of a predictor must be a text.")
        options = {key: value for key, value in self.options.items() if key != "encoding"}
        return replace(self, options=options, encoding=encoding)


def read_choice(value: Any, what: str, example: str) -> Choice:
    """A choice from a string or an inline table.

    Raises:
        ValueError: saying what form it must have.
    """
    if isinstance(value, Choice):
        return value
    if isinstance(value, str):
        value = {"use": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("use"), str):
        raise ValueError(f"{value!r} is no {what}; write a name or a table ({example}).")
    label = value.get("label")
    if label is not None and (not isinstance(label, str) or not label.strip()):
        raise ValueError(f"the label {label!r} of {value['use']!r} must be a text.")
    options = {key: option for key, option in value.items() if key not in ("use", "label")}
    return Choice(value["use"].strip(), options, label)


def spec_text(spec: Any) -> str:
    """A specification in one line: ``random-forest(trees=500)``."""
    if not isinstance(spec, Mapping) or "use" not in spec:
        return spec if isinstance(spec, str) else canonical_json(spec)
    if "label" in spec:
        return str(spec["label"])
    options = [f"{key}={spec_text(spec[key])}" for key in sorted(spec) if key != "use"]
    return str(spec["use"]) + (f"({', '.join(options)})" if options else "")


def use_of(spec: Any) -> str:
    """The name in a specification, "" if there is none."""
    if isinstance(spec, Mapping):
        spec = spec.get("use", "")
    return spec if isinstance(spec, str) else ""


def code_of(option: str, spec: Any) -> Iterator[tuple[str, str]]:
    """Kind and path of what an option of a strategy names outside the registries."""
    yield from code_in(option if option in AXES else f"option {option}", [use_of(spec)])


def unknown_part(option: str, spec: Any) -> Iterator[tuple[str, str]]:
    """Name and complaint for a predictor, encoding or acquisition that no registry knows."""
    name = use_of(spec)
    if not name or any(code_of(option, spec)):
        return
    if option == "encoding":
        yield from unknown_encodings([name])
    elif option == "acquisition" and name not in ACQUISITIONS.names():
        yield name, f"unknown acquisition {name!r}. {did_you_mean(name, ACQUISITIONS.names())}"
    elif option == "predictor":
        base, plus, transform = name.partition("+")
        if base not in PREDICTORS.names():
            yield name, f"unknown predictor {base!r}. {did_you_mean(base, PREDICTORS.names())}"
        if plus and transform not in TRANSFORMS:
            yield name, f"unknown transform {transform!r}. {did_you_mean(transform, TRANSFORMS)}"
