"""The reference: pages of docstrings by room, and the commands with their options."""

from __future__ import annotations

from typing import Any

from typer.main import get_command

from surrobench.acquisition import ACQUISITIONS
from surrobench.base.registry import Registry
from surrobench.cli.app import app
from surrobench.cli.exit_codes import MEANINGS
from surrobench.encodings import ENCODINGS
from surrobench.predictors import PREDICTORS
from surrobench.spaces import SPACES
from surrobench.strategies import STRATEGIES
from surrobench.strategies.one_shot import ONE_SHOT

ROOMS: dict[str, tuple[str, list[str], Registry[Any] | None]] = {
    "spaces": (
        "Spaces",
        ["architecture", "named", "decisions", "choices", "joint"],
        SPACES,
    ),
    "encodings": ("Encodings", ["protocol", "combined"], ENCODINGS),
    "predictors": (
        "Predictors",
        ["protocol", "regressors", "recipe", "models", "transforms", "posterior"],
        PREDICTORS,
    ),
    "acquisition": ("Acquisition functions", ["acquisition", "context"], ACQUISITIONS),
    "strategies": (
        "Strategies",
        ["strategy", "problem", "candidates", "running.searching", "found"],
        STRATEGIES,
    ),
    "strategies.one_shot": ("One-shot methods", ["method", "shared_training"], ONE_SHOT),
    "tasks": (
        "Tasks",
        [
            "evaluation",
            "task",
            "tables.card",
            "info",
            "live.live",
            "live.live_joint",
            "live.live_options",
            "live.own",
        ],
        None,
    ),
    "training": (
        "Training",
        [
            "loop.recipe",
            "loop.fidelity",
            "datasets.data",
            "datasets.division",
            "datasets.fasta",
            "loop.devices",
        ],
        None,
    ),
    "metrics": ("Metrics", ["ranking", "error", "regret", "calibration", "prediction"], None),
    "studies": (
        "Studies",
        [
            "settings",
            "prediction.config",
            "prediction.protocols",
            "search.config",
            "pipeline.config",
            "runner",
            "evaluating",
        ],
        None,
    ),
    "report": (
        "Statistics and figures",
        [
            "common.exhibit",
            "common.style",
            "plots",
            "comparing.board",
            "comparing.changes",
            "comparing.equivalence",
            "statistics.bradley_terry",
            "statistics.intervals",
            "statistics.rank_tests",
            "statistics.sign_flips",
        ],
        None,
    ),
    "reporting": (
        "Reports and comparisons",
        ["reports", "comparing", "drawing", "run_comparison"],
        None,
    ),
    "testing": ("Checks for your tests", ["conformance"], None),
}
"""Package -> title, modules beside those that its registry names, registry."""


def reference_pages() -> dict[str, str]:
    """A page for each room, one for the public names, one for the commands, and their list."""
    pages = {
        f"reference/{room.replace('.', '-')}.md": _room(
            f"surrobench.{room}", title, names, registry
        )
        for room, (title, names, registry) in ROOMS.items()
    }
    pages["reference/public.md"] = _public()
    pages["reference/commands.md"] = commands_page()
    tree = "\n".join(["public", "commands", *(room.replace(".", "-") for room in ROOMS)])
    pages["reference/index.md"] = (
        "# Reference\n\nFrom the docstrings. Shapes, units and what is raised stand with every "
        f"function.\n\n```{{toctree}}\n:maxdepth: 1\n\n{tree}\n```\n"
    )
    return pages


def _public() -> str:
    import surrobench

    names = [name for name in surrobench.__all__ if name not in ("__version__", "SPACES")]
    blocks = []
    for name in names:
        value = getattr(surrobench, name)
        what = "autoclass" if isinstance(value, type) else "autofunction"
        blocks.append(f".. {what}:: surrobench.{name}\n   :no-index:\n")
    body = "\n".join(blocks)
    return (
        "# The public names\n\n`import surrobench` gives these; everything else is in the rooms "
        "behind. `surrobench.SPACES` is the registry of spaces.\n\n"
        f"```{{eval-rst}}\n{body}\n```\n"
    )


def _room(package: str, title: str, names: list[str], registry: Registry[Any] | None) -> str:
    modules = [f"{package}.{name}" for name in names]
    if registry is not None:
        targets = [registry.entry(name).target for name in registry.names()]
        modules += [target.partition(":")[0] for target in targets]
    own = [name for name in dict.fromkeys(modules) if name.startswith(package)]
    blocks = "\n\n".join(
        f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```" for name in own
    )
    return f"# {title}\n\n{blocks}\n"


def commands_page() -> str:
    """Every command with its options, as the parser has them."""
    parts = [
        "# Commands\n\n`surrobench COMMAND --help` says the same. Exit statuses: "
        + "; ".join(f"{status} {meaning}" for status, meaning in MEANINGS.items())
        + "."
    ]
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        rows = [_option(one) for one in command.params if one.name != "help"]
        body = "\n".join(rows)
        parts.append(f"## surrobench {name}\n\n{_text(command.help or '')}\n\n{body}")
    return "\n\n".join(parts) + "\n"


def _option(one: Any) -> str:
    names = ", ".join([*one.opts, *one.secondary_opts])
    if one.param_type_name == "argument":
        names = str(one.metavar or one.name).upper()
    return f"- `{names}`: {_text(getattr(one, 'help', '') or '')}"


def _text(text: str) -> str:
    return " ".join(text.split()).replace("<", "\\<").replace("*", "\\*")
