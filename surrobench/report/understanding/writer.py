"""The exhibits of an explanation and its page, written into one folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from surrobench.base.wording import counted
from surrobench.report.common.escaping import markdown, one_line
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.folder import DEFAULT_FORMATS, Saved, write_folder
from surrobench.report.common.provenance import Provenance
from surrobench.report.page.charts import ChartStyles
from surrobench.report.page.contents import sections
from surrobench.report.page.document import Page, render
from surrobench.report.page.origin import origin_sections
from surrobench.report.page.views import view_of
from surrobench.report.prediction.index import page as markdown_page
from surrobench.report.understanding import figures
from surrobench.report.understanding.summaries import KEYS, in_order, most_telling, over_seeds

PANELS = 12
"""Variables whose choices one figure shows; more are continued in further files."""
MOST_GROUPS = 36
"""Groups whose errors the figure shows, so that it fits on a page; the CSV holds all."""


@dataclass(frozen=True)
class Subject:
    """What was explained: names for captions.

    Attributes:
        task: its name.
        unit: of its values.
        predictor: that was asked.
        encoding: that it saw.
        train_size: architectures that it learned from.
        seeds: number of training sets.
    """

    task: str
    unit: str
    predictor: str
    encoding: str
    train_size: int
    seeds: int

    @property
    def basis(self) -> str:
        """The end of every caption."""
        several = self.seeds > 1
        means = (
            f"Means over {self.seeds} training sets ± one standard deviation between them"
            if several
            else "One training set"
        )
        return f"{means}; {counted(self.train_size, 'training architecture')} of {self.task}."


def write_explanation(
    subject: Subject,
    frames: Mapping[str, pd.DataFrame],
    folder: Path,
    formats: Collection[str] = DEFAULT_FORMATS,
    provenance: Provenance | None = None,
) -> list[Path]:
    """Write the figures, their numbers, ``explanation.md`` and ``explanation.html``.

    Args:
        subject: what was explained.
        frames: ``quality``, ``importance``, ``contributions``, ``effects``, ``relevance`` and
            ``residuals``, a row per seed.
        folder: made if it does not exist; files of the same names are replaced.
        formats: of the figures.
        provenance: for the page.

    Raises:
        UserError: for an unknown format, or a folder that cannot be written to.
    """
    title = f"What {subject.predictor} learns about {subject.task}"
    tau = f"{frames['quality']['kendall_tau'].mean():.3f}"

    def overview(saved: Sequence[Saved]) -> str:
        facts = f"Kendall τ on the test architectures: {tau}. {subject.basis}"
        return markdown_page([f"# {markdown(title)}", markdown(facts)], saved)

    def page(saved: Sequence[Saved]) -> str:
        facts = [
            ("Kendall τ on the test set", tau),
            ("training architectures", f"{subject.train_size:,}"),
            ("training sets", f"{subject.seeds:,}"),
            ("encoding", one_line(subject.encoding)),
        ]
        seeds = f"Seeds 0 to {subject.seeds - 1}." if subject.seeds > 1 else "Seed 0."
        origin = origin_sections(provenance or Provenance(), seeds)
        parts = [*sections(saved, ChartStyles({})), *origin]
        return render(Page(one_line(title), "Explanation", "", facts, parts))

    pages = [("explanation.md", overview), ("explanation.html", page)]
    return write_folder(exhibits(subject, frames), folder, formats, pages, view_of)


def exhibits(subject: Subject, frames: Mapping[str, pd.DataFrame]) -> Iterator[Exhibit]:
    """Importance, effects, relevance and residuals, one at a time."""
    tables = {name: over_seeds(frames[name], keys) for name, keys in KEYS.items()}
    shares = tables["contributions"].drop(columns=["seeds", "block"])
    importance = tables["importance"].merge(shares, on="feature", how="left")
    yield Exhibit(
        "importance",
        f"Importance of the features: loss of Kendall τ of {subject.predictor} on the test set "
        "when a feature is shuffled (left), and mean absolute SHAP value of xgboost on the same "
        f"training sets (right). {subject.basis}",
        importance,
        figures.importance(importance, subject.unit),
    )
    yield from _effects(subject, tables["effects"])
    yield Exhibit(
        "relevance",
        "Relevance to a Gaussian process: share of each block of features in the prior variance of "
        "gp-blocks+quantile-normal (left), and the correlation that two architectures lose within "
        "the block if they differ in one feature alone (right; numeric columns of a block share "
        f"theirs). {subject.basis}",
        tables["relevance"],
        figures.relevance(tables["relevance"]),
    )
    errors = in_order(tables["residuals"])
    drawn = most_telling(errors[errors["seeds"] == subject.seeds], MOST_GROUPS)
    yield Exhibit(
        "residuals",
        f"Errors of {subject.predictor} by groups of test architectures: bias (prediction less "
        "truth), mean absolute error, ranking within the group, and observed coverage of the "
        "central 90 % interval. Drawn are groups that every test set has, of the kinds whose "
        f"biases differ most. {subject.basis}",
        errors,
        figures.residuals(drawn, subject.unit),
    )


def _effects(subject: Subject, table: pd.DataFrame) -> Iterator[Exhibit]:
    """One figure for every so many variables."""
    caption = (
        "What a choice is worth: mean over the test architectures that have it, less the mean over "
        f"all, in the table and as {subject.predictor} predicts; and the mean SHAP value of the "
        "variable by xgboost, where the encoding has it. Associations, not interventions: a choice "
        f"may stand for the company that it keeps. {subject.basis}"
    )
    variables = list(table["variable"].unique())
    parts = [variables[i : i + PANELS] for i in range(0, len(variables), PANELS)]
    for place, part in enumerate(parts, start=1):
        data = table[table["variable"].isin(part)].reset_index(drop=True)
        suffix = f"-{place}" if len(parts) > 1 else ""
        yield Exhibit(f"effects{suffix}", caption, data, figures.effects(data, subject.unit))
