"""The gallery: figures of published results, each drawn by the command that stands below it."""

from __future__ import annotations

import shlex
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path


@dataclass(frozen=True)
class Shown:
    """A figure: its file, its heading, the command that draws it, and how to read it."""

    name: str
    title: str
    command: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments of the command."""
        return shlex.split(self.command)[1:]


GALLERY = (
    Shown(
        "curves",
        "Ranking against training examples",
        "surrobench plot results/nb201-predictors --kind curves",
        "Kendall τ between predicted and true ranking, a panel for each task. Lines are means over "
        "seeds, bands 95 % intervals.",
    ),
    Shown(
        "ranking",
        "One number of examples",
        "surrobench plot results/nb201-predictors --kind ranking --train-size 200",
        "The same at one training size: means and 95 % intervals over seeds, the best at the line; "
        "an arrow with a number stands for a predictor of constants that lies far off.",
    ),
    Shown(
        "heat-map",
        "Methods by tasks",
        "surrobench plot results/nb201-predictors --kind heat-map --train-size 100",
        "Mean scores; a method that does well on one task alone stands out as a single dark field.",
    ),
    Shown(
        "three-axes",
        "Quality, training examples and time",
        "surrobench plot results/nb201-predictors --kind three-axes",
        "What a predictor costs beside what it is worth: examples to train and seconds to fit and "
        "to answer.",
    ),
    Shown(
        "reliability",
        "Is the uncertainty honest?",
        "surrobench plot results/nb201-predictors --kind reliability --train-size 400",
        "Observed against nominal coverage of the predictive intervals. Above the diagonal "
        "intervals are too wide, below it too narrow.",
    ),
    Shown(
        "calibration",
        "Coverage, one method a row",
        "surrobench plot results/nb201-predictors --kind calibration --train-size 400",
        "The same at three levels, beside the width of the intervals.",
    ),
    Shown(
        "outcomes",
        "Which pairs can be told apart",
        "surrobench plot results/nb201-predictors --kind outcomes --train-size 200",
        "Wins, losses and undecided pairs, adjusted for all comparisons of the matrix.",
    ),
    Shown(
        "board",
        "Elo, win rate, improvability",
        "surrobench plot results/nb201-predictors --kind board --train-size 200",
        "Who wins how often over the tasks, and by how much; what the columns are: how to read a "
        "board.",
    ),
    Shown(
        "pareto",
        "Quality against seconds",
        "surrobench plot results/nb201-predictors --kind pareto --train-size 200",
        "Elo against the seconds to fit and to rank a thousand architectures; a line joins what "
        "nothing else is better than in both.",
    ),
    Shown(
        "regret",
        "Who finds a good network first",
        "surrobench plot results/nb201-search --kind curves",
        "Simple regret of the incumbent against the number of trainings.",
    ),
    Shown(
        "success",
        "How often the optimum is found",
        "surrobench plot results/nb201-search --kind success --task nb201/cifar10-val",
        "The share of runs that have found the value that nothing exceeds.",
    ),
    Shown(
        "fronts",
        "Accuracy against latency",
        "surrobench plot results/nb201-search-latency --kind fronts",
        "What is attained by half of the runs, beside the true front of the table.",
    ),
    Shown(
        "picks",
        "From short trainings to picks",
        "surrobench plot results/pipeline-transformer --kind picks",
        "What came of the architectures that each predictor picked after short trainings, trained "
        "fully, beside chance and simple rules.",
    ),
    Shown(
        "learning-curves",
        "Losses and accuracy by epoch",
        "surrobench plot live-cells/digits --kind learning-curves",
        "The trainings of a task, or of a file of your own.",
    ),
    Shown(
        "architectures",
        "What was found",
        "surrobench plot live-cells/digits --kind architectures --top 4",
        "The architectures with the highest values, drawn.",
    ),
    Shown(
        "proxies",
        "Measures without training",
        "surrobench plot live-cells/digits --kind proxies",
        "Zero-cost proxies and sizes against the values of a task.",
    ),
)


def figure_files(folder: Path) -> set[Path]:
    """The files of all figures."""
    return {folder / f"{one.name}.png" for one in GALLERY}


def draw_gallery(root: Path, folder: Path) -> None:
    """Draw every figure as its command does; those newer than their data are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in GALLERY:
        _draw(one, root, folder / f"{one.name}.png")


def _draw(one: Shown, root: Path, path: Path) -> None:
    from surrobench.cli.app import app

    data = root / one.words[1] / "results.parquet"
    when = max(data.stat().st_mtime if data.is_file() else 0.0, Path(__file__).stat().st_mtime)
    if not path.is_file() or path.stat().st_mtime < when:
        words = [str(root / w) if w.startswith("results/") else w for w in one.words]
        with redirect_stdout(StringIO()):
            app([*words, "--out", str(path)], standalone_mode=False)


def gallery_page() -> str:
    """The page that shows them."""
    parts = [
        "# Gallery\n\nEvery figure below is drawn by the command under it, from results that are "
        "in the repository or from an embedded table. `--format png` or `svg` chooses the kind of "
        "file, `--size neurips --columns 1` the width for a venue; without `--kind`, "
        "`surrobench plot RUN` lists what can be drawn of a run."
    ]
    for one in GALLERY:
        parts.append(
            f"## {one.title}\n\n![{one.title}](gallery/{one.name}.png)\n\n{one.text}\n\n"
            f"```bash\n{one.command}\n```"
        )
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":  # in a process of its own, beside the texts
    draw_gallery(Path(sys.argv[1]), Path(sys.argv[2]))
