"""``surrobench check``: is a part what it should be, what does it cost, and how good is it?"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.base.registry import Registry, import_attribute
from surrobench.base.wording import counted
from surrobench.cli.console import output, say, tell
from surrobench.cli.exit_codes import DONE, WRONG_INPUT
from surrobench.errors import UserError, did_you_mean, fault

if TYPE_CHECKING:
    from surrobench.testing.checks import Outcome
    from surrobench.testing.problems import Subject

KINDS = ("predictor", "encoding", "strategy", "acquisition", "space", "task")
BESIDE = ("gp-matern52", "random-forest", "xgboost", "svr", "knn", "bayesian-ridge", "constant")
"""Built-in predictors that one's own is put beside."""
QUICK = ("gp-matern52", "knn", "bayesian-ridge", "constant")
TASK = "live/digits-chain"


@dataclass(frozen=True)
class CheckRequest:
    """What was asked for on the command line."""

    part: str
    kind: str | None = None
    quick: bool = False
    table: bool = True
    as_json: bool = False


@dataclass(frozen=True)
class NamedPart:
    """A part as it was named, and what a study is told of it.

    Attributes:
        name: ``module:Class`` or a registered name, as a study has it.
        kind: one of :data:`KINDS`.
        value: a name that this package reads, or the object itself.
    """

    name: str
    kind: str
    value: Any


def check_command(request: CheckRequest) -> int:
    """Try every promise, and of a predictor say what it costs and how it compares."""
    part = find_part(request.part, request.kind)
    from surrobench.testing.conformance import outcomes

    found = outcomes(part.kind, part.value)
    failed = sum(outcome.status == "failed" for outcome in found)
    if request.as_json:
        _print_json(part, found)
        return WRONG_INPUT if failed else DONE
    for outcome in found:
        _show(outcome)
    kept = sum(outcome.status == "passed" for outcome in found)
    say(
        f"{part.name} keeps {kept} of the {len(found)} promises of {_article(part.kind)} "
        f"{part.kind}.",
        style="bold red" if failed else "bold green",
    )
    if part.kind == "predictor" and _answers(found):
        from surrobench.testing.problems import Subject

        _show_costs(Subject.of(part.value), request.quick)
        if request.table:
            _show_table(part, request.quick)
    return WRONG_INPUT if failed else DONE


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


# -- which part is meant ------------------------------------------------------------------------


def find_part(name: str, kind: str | None) -> NamedPart:
    """The part that a name, ``module:Attribute`` or ``path/to/file.py:Attribute`` stands for.

    Raises:
        UserError: if there is no such part, or it cannot be told what kind of part it is.
    """
    if kind is not None and kind not in KINDS:
        raise UserError(f"--kind {kind}: {did_you_mean(kind, KINDS)}")
    if ".py:" in name:
        dotted, value = _from_file(name)
        return NamedPart(dotted, kind or _kind_of(name, value), value)
    if kind is not None:
        return NamedPart(name, kind, name)
    known = [one for one, registry in _registries().items() if _is_known(registry, name)]
    if not known and (".toml" in name or "/" in name):
        return NamedPart(name, "task", name)
    if len(known) > 1:
        raise UserError(
            f"{name!r} is a name of several kinds of parts; add --kind {' or --kind '.join(known)}."
        )
    if known:
        return NamedPart(name, known[0], name)
    if ":" not in name:
        names = [one for registry in _registries().values() for one in registry.names()]
        raise UserError(
            f"there is no part {name!r}. {did_you_mean(name, names)} A part of your own is named "
            "by module:Class, or by path/to/file.py:Class."
        )
    value = import_attribute(name)
    return NamedPart(name, _kind_of(name, value), name if isinstance(value, type) else value)


def _registries() -> dict[str, Registry[Any]]:
    from surrobench.acquisition import ACQUISITIONS
    from surrobench.encodings import ENCODINGS
    from surrobench.predictors import PREDICTORS
    from surrobench.spaces import SPACES
    from surrobench.strategies import STRATEGIES
    from surrobench.tasks.catalogue import TASKS

    parts: tuple[Registry[Any], ...] = (
        PREDICTORS,
        ENCODINGS,
        STRATEGIES,
        ACQUISITIONS,
        SPACES,
        TASKS,
    )
    return dict(zip(KINDS, parts, strict=True))


def _is_known(registry: Registry[Any], name: str) -> bool:
    """Whether a registry has it, also with a transform or an argument behind it."""
    names = registry.names()
    if name in names:
        return True
    if registry.kind == "predictor":
        return name.partition("+")[0] in names
    return registry.kind == "encoding" and name.partition("+")[0].partition(":")[0] in names


def _from_file(name: str) -> tuple[str, Any]:
    """``Attribute`` of a file and its dotted path; worker processes then get it by value."""
    head, _, attribute = name.rpartition(".py:")
    path = Path(f"{head}.py").expanduser().resolve()
    if not path.is_file():
        raise UserError(f"there is no file {path} (named by {name!r}).")
    if not path.stem.isidentifier():
        raise UserError(f"{path.name}: the name of a module has letters, digits and _ alone.")
    sys.path.insert(0, str(path.parent))
    dotted = f"{path.stem}:{attribute}"
    value = import_attribute(dotted)
    module = sys.modules[path.stem]
    if Path(module.__file__ or "").resolve() != path:
        raise UserError(
            f"{path} has the name of the module {module.__file__}, which was found instead; "
            "rename it."
        )
    import cloudpickle

    cloudpickle.register_pickle_by_value(module)
    return dotted, value


def _kind_of(name: str, value: Any) -> str:
    """What an object is, by what it derives from or has."""
    from surrobench.acquisition.acquisition import Acquisition
    from surrobench.spaces.architecture import SearchSpace
    from surrobench.strategies.strategy import Strategy
    from surrobench.tasks.task import TableTask

    owner = value if isinstance(value, type) else type(value)
    classes = {"strategy": Strategy, "acquisition": Acquisition, "space": SearchSpace}
    for kind, base in {**classes, "task": TableTask}.items():
        if issubclass(owner, base):
            return kind
    if callable(getattr(value, "fit", None)):
        return "predictor"
    if callable(getattr(value, "columns", None)):
        return "encoding"
    raise UserError(
        f"{name!r} is nothing that can be told by its looks: it has no fit (a predictor) and no "
        "columns (an encoding), and derives from no Strategy, Acquisition or SearchSpace. "
        f"Say what it makes with --kind ({', '.join(KINDS)})."
    )


# -- what is said of it -------------------------------------------------------------------------


def _show(outcome: Outcome) -> None:
    check = outcome.check
    if outcome.status == "passed":
        say(f"passed     {check.name}", style="green")
        return
    if outcome.status == "not tried":
        say(f"not tried  {check.name}: {outcome.reason}", style="dim")
        return
    say(f"FAILED     {check.name}", style="red")
    say(f"           promised: {check.sentence}")
    say(f"           but:      {outcome.reason}")
    if check.remedy:
        say(f"           to mend:  {check.remedy}")


def _print_json(part: NamedPart, found: list[Outcome]) -> None:
    import json

    rows = [
        {
            "check": outcome.check.name,
            "status": outcome.status,
            "promise": outcome.check.sentence,
            "reason": outcome.reason,
            "remedy": outcome.check.remedy,
        }
        for outcome in found
    ]
    content = {"part": part.name, "kind": part.kind, "checks": rows}
    say(json.dumps(content, indent=2, ensure_ascii=False))


def _answers(found: list[Outcome]) -> bool:
    """Whether a predictor could be fitted and asked at all."""
    return any(outcome.status == "passed" for outcome in found)


def _show_costs(subject: Subject, quick: bool) -> None:
    """Seconds of fits and answers, in a small table."""
    from surrobench.testing.cost_profile import cost_profile

    pools = (1000, 10000)
    say()
    asked = "".join(f"{f'{m:,} answers':>16}" for m in pools)
    say(f"{'examples':>8}{'fit':>12}{asked}", style="bold")
    try:
        for cost in cost_profile(subject, (25, 100) if quick else (25, 100, 400), pools):
            answers = "".join(f"{seconds:>14.3g} s" for seconds in cost.query_seconds.values())
            say(f"{cost.examples:>8}{cost.fit_seconds:>10.3g} s{answers}")
    except Exception as error:
        tell(f"The costs could not be measured: {fault(error)}", style="yellow")


def _show_table(part: NamedPart, quick: bool) -> None:
    """Beside built-in predictors, on an embedded table, in at most five minutes."""
    from surrobench.cli.progress import make_progress
    from surrobench.reporting.reports import report_of
    from surrobench.studies.engine.run_settings import RunSettings
    from surrobench.studies.kinds import kind_of
    from surrobench.studies.runner import run

    beside = [name for name in (QUICK if quick else BESIDE) if name != part.name]
    content: dict[str, Any] = {
        "kind": "prediction",
        "name": "check",
        "tasks": [TASK],
        "predictors": [*beside, {"use": part.value, "label": part.name}],
        "train_sizes": [25, 50] if quick else [25, 100],
        "seeds": 3 if quick else 6,
        "timeout_seconds": 60.0,
    }
    study = kind_of(content).build(content, "", "the table")
    say()
    with tempfile.TemporaryDirectory() as folder:
        settings = RunSettings(Path(folder) / "run", budget=120.0 if quick else 300.0)
        result = run(study, Path.cwd(), settings, make_progress(kind_of(study).caption))
        if result.frame.empty:
            tell("No cell was finished in time, so there is no table.", style="yellow")
            return
        ranking = report_of(result.frame, Path(folder) / "report", [], "none").ranking
        output.print(ranking)
        if result.missing:
            tell(f"{counted(result.missing, 'cell')} did not fit into the time.", style="yellow")
    say(f"More: surrobench run quickstart --add-predictor {part.name}")
