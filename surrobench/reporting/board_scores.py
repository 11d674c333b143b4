"""The scores behind the board of one or more runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from surrobench.errors import UserError
from surrobench.report.comparing.scores import Scores
from surrobench.report.results import Results
from surrobench.report.search.final import final_scores
from surrobench.report.search.results import SearchResults
from surrobench.reporting.kinds import REPORTS
from surrobench.studies.run_folder.fingerprints import refuse_other_data
from surrobench.studies.run_folder.view import companions, kind_of_frame, load_methods


def board_scores(
    runs: Sequence[Path],
    *,
    measure: str | None = None,
    train_size: int | None = None,
    methods: Sequence[str] = (),
    damaged: list[Path] | None = None,
) -> list[Scores]:
    """Scores at one training size, or at the end of searches (one for each kind of score).

    Args:
        runs: run folders or their results, of one kind of study.
        measure: of predictions; Kendall's τ by default.
        train_size: of predictions; the largest by default.
        methods: only these predictors or strategies.
        damaged: gets the files that are left out because they are not what was written.

    Raises:
        UserError: if there are no results, or a pipeline's, which have no board; for an unknown
            measure or size.
    """
    refuse_other_data(runs)
    frame, _ = load_methods(list(runs), methods, damaged=damaged)
    kind = kind_of_frame(frame)
    results = REPORTS[kind.name].results(frame, **companions(kind, list(runs)))
    if isinstance(results, Results):
        chosen = results.primary(measure)
        if chosen is None:
            raise UserError("no cell has a result.")
        sizes = results.sizes
        if train_size is not None and train_size not in sizes:
            known = ", ".join(map(str, sizes))
            raise UserError(f"no cell has {train_size} training examples; there are: {known}.")
        size = results.focus_sizes(chosen)[-1] if train_size is None else train_size
        found = [Scores.of(results, chosen, size).known]
    elif isinstance(results, SearchResults):
        if measure is not None or train_size is not None:
            raise UserError("a search has neither a measure to choose nor training sizes.")
        found = [final_scores(part)[0].known for part in results.by_measure() if part.traces]
    else:
        raise UserError(f"a {kind.name} study has no board; see its report.")
    return [scores for scores in found if len(scores.board.table) > 1]
