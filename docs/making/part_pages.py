"""A page for every registered part: what it is, papers, options, tuning, cost, where it stands."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from made_pages import alone, listing, slug, table
from standings import Standings

from surrobench.acquisition import ACQUISITIONS
from surrobench.base.registry import Entry, Registry, import_attribute
from surrobench.encodings import ENCODINGS, make_encoding
from surrobench.errors import UserError
from surrobench.predictors import PREDICTORS
from surrobench.report.bibliography import parts
from surrobench.spaces import SPACES
from surrobench.strategies import STRATEGIES, strategy_options
from surrobench.strategies.one_shot import ONE_SHOT
from surrobench.training.zero_cost import PROXIES

TUNED_AS = {"gp-mixed": "gp-matern52-ard", "gp-blocks": "gp-categorical"}
"""Predictors that share the settings of another family; see ``results/tuning``."""
_NOT_OPTIONS = ("self", "problem", "seed", "design", "repeats", "common", "args", "kwargs")


@dataclass(frozen=True)
class Kind:
    """One registry and how its parts are shown.

    Attributes:
        folder: of its pages, and the heading of its papers in ``parts.toml``.
        title: heading of its list.
        intro: text of its list.
        registry: names and where they live.
        use: how a part is asked for, with its name for ``{}``.
    """

    folder: str
    title: str
    intro: str
    registry: Registry[Any]
    use: str


KINDS = (
    Kind(
        "predictors",
        "Predictors",
        "Every name below can be given to `--predictor`, to a study file and to "
        "`surrobench.make_predictor`. `+quantile-normal` behind a name transforms the targets.",
        PREDICTORS,
        "```bash\nsurrobench run quickstart --predictor {0}\n```\n\n"
        "```python\nfrom surrobench import make_predictor\n\n"
        'predictor = make_predictor("{0}")\n```',
    ),
    Kind(
        "encodings",
        "Encodings",
        "An encoding turns architectures into rows of numbers. Names joined by `+` put their "
        "columns side by side.",
        ENCODINGS,
        "```bash\nsurrobench run quickstart --set 'encodings=[\"{0}\"]'\n```",
    ),
    Kind(
        "acquisitions",
        "Acquisition functions",
        "An acquisition function decides which candidates a predictor's posterior makes worth "
        "training.",
        ACQUISITIONS,
        '```toml\n[[strategies]]\nuse = "{1}"\nacquisition = "{0}"\n```',
    ),
    Kind(
        "strategies",
        "Search strategies",
        "A strategy proposes what to train next and is told how that went.",
        STRATEGIES,
        "```bash\nsurrobench run search-quickstart --strategy {0}\n```",
    ),
    Kind(
        "spaces",
        "Search spaces",
        "The spaces that are known by name. Others are written as "
        "[keyword arguments](../../how-to/search.md) or spanned by "
        "[a table](../../how-to/table.md).",
        SPACES,
        '```python\nfrom surrobench import SPACES\n\nspace = SPACES.create("{0}")\n```',
    ),
    Kind(
        "one-shot",
        "One-shot methods",
        "Searches that train one network of shared weights.",
        ONE_SHOT,
        "```bash\nsurrobench one-shot live:cells --method {0}\n```",
    ),
    Kind(
        "proxies",
        "Zero-cost proxies",
        "Scores of an untrained network from one batch. Those with a predictor of the same name "
        "stand in tables as measured columns, too.",
        PROXIES,
        "```bash\nsurrobench run zero-cost\n```",
    ),
)


def part_pages(root: Path, standings: Standings) -> dict[str, str]:
    """Pages of all registered parts by their path, and a list of each kind."""
    tuned = pd.read_csv(root / "results" / "tuning" / "chosen.csv").set_index("family")
    pages: dict[str, str] = {}
    for kind in KINDS:
        entries = [kind.registry.entry(name) for name in kind.registry.names()]
        lines = [(entry.name, entry.summary) for entry in entries]
        pages[f"{kind.folder}/index.md"] = listing(kind.title, kind.intro, lines)
        for entry in entries:
            pages[f"{kind.folder}/{slug(entry.name)}.md"] = _page(kind, entry, standings, tuned)
    return pages


def _page(kind: Kind, entry: Entry, standings: Standings, tuned: pd.DataFrame) -> str:
    options = options_of(entry)
    sections = [
        f"{alone(kind.title)}# {entry.name}\n\n{entry.summary[:1].upper()}{entry.summary[1:]}.",
        kind.use.format(entry.name, _host(entry)) if kind.use else "",
        _described(entry),
        _section("Options", table(["option", "default"], options)),
        _section("Properties", _properties(kind, entry)),
        _section("Paper", _papers(kind, entry.name)),
    ]
    if kind.folder == "predictors":
        sections.append(_section("Where its defaults come from", _tuning(entry.name, tuned)))
        sections += list(_predicted(entry.name, standings))
    if kind.folder in ("strategies", "acquisitions", "encodings"):
        sections.append(_section("In our searches", _searched(kind, entry.name, standings)))
    return "\n\n".join(text for text in sections if text) + "\n"


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}" if text else ""


def _host(entry: Entry) -> str:
    """The strategy that an acquisition function is given to."""
    many = getattr(import_attribute(entry.target), "objectives", "one") == "many"
    return "bayesian-multi-objective" if many else "bayesian"


def _described(entry: Entry) -> str:
    """The docstring, as the reference shows it."""
    target = entry.target.replace(":", ".")
    value = import_attribute(entry.target)
    what = "autoclass" if inspect.isclass(value) else "autofunction"
    if not callable(value):
        what = "autodata"
    return f"## What it is\n\n```{{eval-rst}}\n.. {what}:: {target}\n   :no-index:\n```"


def options_of(entry: Entry) -> list[list[str]]:
    """Name and default of every option, those that the name itself sets included."""
    value = import_attribute(entry.target)
    if not callable(value):
        return []
    if inspect.isclass(value) and "strategies" in entry.target and "one_shot" not in entry.target:
        given = strategy_options(value)
    else:
        given = {
            name: parameter.default
            for name, parameter in inspect.signature(value).parameters.items()
            if name not in _NOT_OPTIONS
        }
    merged = {**given, **entry.options}
    return [
        [f"`{name}`", f"`{default!r}`" + (" (by this name)" if name in entry.options else "")]
        for name, default in merged.items()
        if default is not inspect.Parameter.empty
    ]


def _papers(kind: Kind, name: str) -> str:
    known = parts().get(kind.folder, {})
    plain = name.removesuffix("-tuned").removesuffix("-ard")
    keys = known.get(plain, parts()["predictors"].get(name, []) if kind.folder == "proxies" else [])
    return "\n".join(f"- {{cite:t}}`{key}`" for key in keys)


def _properties(kind: Kind, entry: Entry) -> str:
    if kind.folder == "encodings":
        return _columns(entry.name)
    value = import_attribute(entry.target)
    if kind.folder == "acquisitions":
        rows = [
            ["posteriors that it works with", ", ".join(sorted(value.serves))],
            ["batches", "chosen jointly" if value.batch else "the highest scores of one pass"],
            ["objectives", "several" if value.objectives == "many" else "one"],
        ]
        return table(["", ""], rows)
    if kind.folder == "strategies":
        rows = [
            ["several objectives", "yes" if value.multi_objective else "no"],
            ["lengths of training", "yes" if value.multi_fidelity else "no"],
            ["constraints", "taken into account" if value.constrained else "judged, not modelled"],
        ]
        return table(["", ""], rows)
    return ""


def _columns(name: str) -> str:
    """Number of columns of an encoding in every space that has one."""
    encoding = make_encoding(name)
    rows = []
    for space_name in SPACES.names():
        try:
            columns = encoding.columns(SPACES.create(space_name), {})
        except UserError:
            continue
        if columns:
            rows.append([f"[`{space_name}`](../spaces/{space_name}.md)", str(len(columns))])
    same = "yes" if encoding.isomorphism_invariant else "no"
    return table(["space", "columns"], rows) + f"\nEqual networks always get equal rows: {same}.\n"


def _tuning(name: str, tuned: pd.DataFrame) -> str:
    """What was chosen where, for the family that a name belongs to."""
    family = family_of(name)
    if family not in tuned.index:
        return ""
    row = tuned.loc[family]
    adopted = "adopted" if row["adopted"] else "not adopted: the previous default stays"
    shared = "" if family == name else f" Its settings are those of the family `{family}`."
    text = (
        f"Chosen on TransNAS-Bench-101 (micro and macro) and HAT, "
        f"among {int(row['trials'])} settings of {int(row['hyperparameters'])} hyperparameters."
        f"{shared} Gain in Kendall τ over the default of before: {row['gain']:.4f} ± "
        f"{row['standard_error']:.4f} ({adopted}).\n\n"
    )
    rows = [["before", f"`{row['before']}`"], ["now", f"`{row['now']}`"]]
    more = (
        ""
        if not name.endswith("-tuned")
        else (
            "\n`…-tuned` starts from these and chooses by cross-validation inside each training "
            "sample.\n"
        )
    )
    source = "\nProtocol, budgets and limits: [tuning](../results/tuning.md).\n"
    return text + table(["", "setting"], rows) + more + source


def family_of(name: str) -> str:
    """The tuned family whose settings a predictor has."""
    plain = name.removesuffix("-tuned")
    if plain in TUNED_AS:
        return TUNED_AS[plain]
    if plain.startswith(("gp-rbf", "gp-matern")):
        return "gp-matern52-ard" if plain.endswith("-ard") else "gp-matern52"
    return plain


def _predicted(name: str, standings: Standings) -> Iterator[str]:
    rows = standings.predictions
    own = rows[rows["predictor"].isin([name, f"{name}+quantile-normal"])]
    if own.empty:
        return
    yield _section("Cost", _costs(own))
    yield _section("Where it stands in our results", _tables(own, standings))


def _costs(own: pd.DataFrame) -> str:
    """Mean seconds over tasks and seeds, one thread."""
    means = own.groupby(["predictor", "train_size"])[["fit_seconds", "query_seconds_per_arch"]]
    lines = [
        [f"`{p}`", str(n), f"{fit:.3g}", f"{query * 1e6:.3g}"]
        for (p, n), (fit, query) in means.mean().iterrows()
    ]
    head = ["predictor", "examples", "seconds to fit", "µs to answer for one architecture"]
    return table(head, lines) + "\nMeans over tasks and seeds, on one thread.\n"


def _tables(own: pd.DataFrame, standings: Standings) -> str:
    """Mean τ and rank on each table, those where it ranks highest first."""
    keys = ["results", "table", "train_size", "predictor"]
    means = own.groupby(keys).agg(
        tasks=("task", "nunique"), tau=("tau", "mean"), rank=("rank", "mean"),
        methods=("methods", "max"),
    )  # fmt: skip
    means = means.reset_index()
    means = means[means["train_size"].isin(_sizes(means))]
    means["share"] = means["rank"] / means["methods"]
    rows = [
        [
            f"`{r.table}`",
            str(r.tasks),
            str(r.train_size),
            f"`{r.predictor}`",
            f"{r.tau:.2f}",
            f"{r.rank:.1f} of {r.methods}",
            f"[{r.results}](../results/{r.results}.md)",
        ]
        for r in means.sort_values("share", kind="stable").itertuples()
    ]
    head = ["table", "tasks", "examples", "predictor", "mean τ", "mean rank", "results"]
    text = (
        "Kendall τ with the true ranking, means over seeds and over the tasks of a table; ranks "
        "among all methods of these results. Where it ranks highest stands first. Ranks say "
        "nothing about significance: the pages of the results do.\n\n"
    )
    return text + table(head, rows) + _sources(own["results"], standings)


def _sizes(means: pd.DataFrame) -> list[int]:
    """Two numbers of examples for each results folder: a small one and the largest common one."""
    sizes = sorted(means["train_size"].unique())
    return [size for size in (50, 200, 800) if size in sizes] or sizes[-2:]


def _sources(results: pd.Series, standings: Standings) -> str:
    commands = [standings.commands.get(name) for name in dict.fromkeys(results)]
    lines = "\n".join(command for command in commands if command)
    return f"\nComputed from the rows that these commands make:\n\n```bash\n{lines}\n```\n"


def _searched(kind: Kind, name: str, standings: Standings) -> str:
    """Where strategies that are, or have, this part stand at the last budget."""
    rows = standings.searches
    chosen = []
    for results, asked in standings.strategies.items():
        labels = [label for label, one in asked.items() if _has(kind, name, one)]
        own = rows[(rows["results"] == results) & rows["method"].isin(labels)]
        chosen.append(own[own["budget"] == own["budget"].max()])
    own = pd.concat(chosen, ignore_index=True)
    if own.empty:
        return ""
    own = own.assign(share=own["rank"] / own["methods"]).sort_values("share", kind="stable")
    lines = [
        [
            f"[`{r.task}`](../tasks/{slug(r.task)}.md)",
            f"`{r.method}`",
            str(r.budget),
            f"{r.score:.4g}",
            r.measure,
            f"{r.rank:.0f} of {r.methods}",
            f"{r.seconds:.3g}",
            f"[{r.results}](../results/{r.results}.md)",
        ]
        for r in own.itertuples()
    ]
    head = ["task", "strategy", "evaluations", "mean", "of", "rank", "own seconds", "results"]
    text = _asked_for(own, standings)
    return table(head, lines) + text + _sources(own["results"], standings)


def _has(kind: Kind, name: str, asked: Mapping[str, Any]) -> bool:
    """Whether a strategy of a study is, or was given, a part."""
    if kind.folder == "strategies":
        return bool(asked["use"] == name)
    key = kind.folder.removesuffix("s")
    value = asked.get(key, _default(str(asked["use"]), key))
    value = value.get("use", "") if isinstance(value, Mapping) else value
    if kind.folder == "encodings":
        return name in [part.split(":")[0] for part in str(value).split("+")]
    return bool(value == name)


def _default(strategy: str, option: str) -> Any:
    """What a strategy takes for an option that a study leaves out."""
    entry = STRATEGIES.entry(strategy)
    known = {**strategy_options(import_attribute(entry.target)), **entry.options}
    return known.get(option) or ""


def _asked_for(own: pd.DataFrame, standings: Standings) -> str:
    """What the labels of a table stand for."""
    found = {}
    for results, label in own[["results", "method"]].drop_duplicates().itertuples(index=False):
        asked = standings.strategies[results][label]
        if asked.get("label"):
            found[label] = json.dumps({k: v for k, v in asked.items() if k != "label"})
    lines = "\n".join(f"- `{label}`: `{text}`" for label, text in found.items())
    return f"\n{lines}\n" if lines else ""
