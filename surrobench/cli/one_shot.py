"""``surrobench one-shot``: searches with shared weights, judged by stand-alone trainings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from surrobench.cli.console import say, tell
from surrobench.cli.results import show_paths


@dataclass(frozen=True)
class OneShotRequest:
    """What was asked for.

    Attributes:
        task: a live task of cells.
        methods: all if empty.
        seeds: searches by each method.
        epochs: of the shared weights; each method's own if None.
        cells: cells that are ranked.
        trainings: stand-alone trainings of each.
        device: where to train.
        out: folder of the results.
    """

    task: str
    methods: list[str]
    seeds: int
    epochs: int | None
    cells: int
    trainings: int
    device: str
    out: Path


def one_shot_command(request: OneShotRequest) -> None:
    """Compare, print both tables, and write them with a figure."""
    from surrobench.report.one_shot import one_shot_exhibits, save_exhibits
    from surrobench.strategies.one_shot import ONE_SHOT
    from surrobench.studies.one_shot.comparison import compare_one_shot
    from surrobench.tasks.live.live import live_task

    methods = request.methods or ONE_SHOT.names()
    given = {} if request.epochs is None else {"epochs": request.epochs}
    found = compare_one_shot(
        live_task(request.task, device=request.device),
        methods,
        seeds=request.seeds,
        cells=request.cells,
        trainings=request.trainings,
        options={method: given for method in methods},
        tell=tell,
    )
    exhibits = one_shot_exhibits(found.scores, found.ranking, found.choices)
    for exhibit in exhibits:
        if exhibit.markdown is not None:
            say(exhibit.markdown)
    show_paths(save_exhibits(exhibits, request.out))
