"""The figures behind "nothing is lost": kills, deaths, damage, orders, misdeeds, costs.

    python benchmarks/reliability.py results/reliability [--only kills deaths …]

Runs a small study of 60 cells over and over: kills its driver, lets it die at every step of a
write, changes bytes of what it stored, computes it in other ways, and puts predictors beside it
that misbehave. What is counted goes into ``figures.csv``, section by section (a section that is
run again replaces its rows), and together with the tables of ``guards.py`` and ``fuzz.py`` and the
list of ``fault_cases.py`` into ``figures.md`` and ``cases.md``. The exit status says whether every
figure is what it should be.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import pandas as pd
import reliability_trials as trials
from fault_cases import CASES
from markdown_table import markdown

ROOT = Path(__file__).parents[1]
HEADINGS = {"figure": "figure", "found": "found", "wanted": "wanted", "holds": "holds"}
Row = dict[str, Any]


def row(figure: str, found: object, wanted: object, holds: bool | None = None) -> Row:
    if holds is None:
        holds = found == wanted
    return {"figure": figure, "found": str(found), "wanted": str(wanted),
            "holds": "yes" if holds else "NO"}  # fmt: skip


def kills(place: trials.Place) -> list[Row]:
    found = trials.kills(place, count=50, with_workers=5)
    at = sorted(one["finished"] for one in found)
    return [
        row("driver killed by SIGKILL and resumed: same hash", sum(r["equal"] for r in found), 50),
        row("finished cells lost in these", sum(r["lost"] for r in found), 0),
        row("torn records in these", sum(r["torn"] for r in found), 0),
        row("cells finished when killed, of 60", f"{at[0]} to {at[-1]}", "any", True),
        row("of these drivers, with worker processes", sum(r["workers"] for r in found), 5),
    ]


def deaths(place: trials.Place) -> list[Row]:
    found = trials.deaths(place)
    names = {one["at"].partition(":")[0] for one in found}
    return [
        row("failpoints (steps of a write) tried", len(names), len(trials.failpoints.FAILPOINTS)),
        row("deaths at first, middle and last pass", sum(r["died"] for r in found), len(found)),
        row("resumed from these: same hash", sum(r["equal"] for r in found), len(found)),
        row("finished cells lost in these", sum(r["lost"] for r in found), 0),
        row("torn records in these", sum(r["torn"] for r in found), 0),
    ]  # fmt: skip


def flips(place: trials.Place) -> list[Row]:
    found = trials.flips(place, 200)
    return [
        row("single bytes changed in stored records: found", sum(r["found"] for r in found), 200),
        row("of these healed, the hash the same", sum(r["equal"] for r in found), 200),
        row("most cells that one of these cost", max(r["cells"] for r in found), 1),
    ]


def orders(place: trials.Place) -> list[Row]:
    found = trials.hashes(place)
    return [
        row(f"hash: {name}", text[:16] or "not tried: dask is not installed", place.hash[:16],
            text in ("", place.hash))
        for name, text in found.items()
    ]  # fmt: skip


def misdeeds(place: trials.Place) -> list[Row]:
    found = {"": trials.misdeeds(place)}
    if trials.HAS_DASK:
        with trials.cluster(place.folder / "cluster-of-misdeeds", 2) as (_, client):
            workers = set(client.nthreads())
            found["on Dask, "] = trials.misdeeds(place, client)
            untouched = workers == set(client.nthreads())
    rows = [
        row(f"{where}a predictor that {one['predictor']}", one["status"], "its own cells alone",
            one["as_expected"] and one["others_untouched"])
        for where, trial in found.items() for one in trial
    ]  # fmt: skip
    if trials.HAS_DASK:
        rows.append(row("Dask workers lost to these", "none" if untouched else "some", "none"))
    return rows


def seconds(*arguments: str) -> float:
    """Of the processor, for a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "surrobench", *arguments]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def costs(place: trials.Place) -> list[Row]:
    """In seconds of the processor, because the machine may do other things as well."""
    from surrobench.studies.prediction.plan import make_plan

    def milliseconds(engine: Any) -> float:
        return min(trials.milliseconds_of_a_cell(place, engine, number) for number in range(2))

    many = trials.load_study_of(
        trials.study(predictors=["constant"], train_sizes=list(range(1, 51)), seeds=2000)
    )
    each = {"": milliseconds("local")}
    if trials.HAS_DASK:
        with trials.cluster(place.folder / "cluster-of-costs", 1) as (_, client):
            each[" on Dask"] = milliseconds(client)
    plan = trials.timed(lambda: make_plan(many, place.folder), 3)
    told = min(seconds("--help") for _ in range(5))
    load = os.getloadavg()[0]
    return [
        *(
            row(f"a cell that does nothing{on} (ms of the processor)", f"{ms:.1f}", "< 20", ms < 20)
            for on, ms in each.items()
        ),
        row("plan of 100,000 cells (s of the processor)", f"{plan:.2f}", "< 5", plan < 5),
        row("`surrobench --help` (s of the processor)", f"{told:.2f}", "< 0.5", told < 0.5),
        row("load of the machine meanwhile", f"{load:.1f} on {os.cpu_count()}", "idle", True),
    ]  # fmt: skip


def tests(place: trials.Place) -> list[Row]:
    """Figures that are tests."""
    page = "tests/report/test_page_in_browser.py::test_"
    scores = "tests/metrics/test_"
    dask = "tests/studies/test_dask.py::test_"
    asked = {
        "Dask: workers killed, one added late": f"{dask}killed_workers_cost_what_they_computed_and_a_late_one_ends_the_run",  # noqa: E501
        "Dask: scheduler killed, resumed on this machine": f"{dask}without_its_scheduler_a_run_ends_with_3_and_goes_on_with_this_machine",  # noqa: E501
        "Dask: driver killed and started again": f"{dask}a_driver_that_dies_is_started_again_and_nobody_computes_for_it_meanwhile",  # noqa: E501
        "Dask: workers that see none of the driver's files": f"{dask}workers_that_see_none_of_the_files_get_them_and_send_records_home",  # noqa: E501
        "requests and errors of a report in a browser": f"{page}no_request_and_no_error",
        "injected scripts that run there": f"{page}hostile_names_are_shown_and_never_run",
        "correlations equal scipy's": f"{scores}ranking.py::test_correlations_equal_scipy",
        "errors equal scikit-learn's": f"{scores}error_and_regret.py::test_errors_equal_scikit_learn",  # noqa: E501
    }  # fmt: skip
    return [row(name, outcome(test), "passed") for name, test in asked.items()]


def outcome(test: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True)
    last = done.stdout.decode().strip().splitlines()[-1] if done.stdout.strip() else "no answer"
    skipped = "skipped" in last or b"s " in done.stdout[:4]
    return "skipped" if skipped else ("passed" if done.returncode == 0 else "failed")


def canary(place: trials.Place) -> list[Row]:
    """What ``shuffled_labels.py`` found."""
    frame = pd.read_csv(ROOT / "results" / "shuffled-labels" / "shuffled-labels.csv")
    worst = frame["mean_tau"].abs().max()
    name = f"shuffled labels: largest mean tau of {len(frame)} predictors"
    return [row(name, f"{worst:.3f}", "< 0.05", bool(worst < 0.05))]


SECTIONS: dict[str, Callable[[trials.Place], list[Row]]] = {
    "kills": kills,
    "deaths": deaths,
    "flips": flips,
    "orders": orders,
    "misdeeds": misdeeds,
    "costs": costs,
    "tests": tests,
    "canary": canary,
}


def write(folder: Path) -> bool:
    """Make the pages of what is known; whether everything holds."""
    figures = pd.read_csv(folder / "figures.csv", dtype=str).fillna("")
    (folder / "figures.md").write_text(markdown(figures, HEADINGS))
    guards = {}
    if (folder / "guards.csv").exists():
        known = pd.read_csv(folder / "guards.csv")
        guards = dict(zip(known["case"], known["without_guard"], strict=True))
    cases = pd.DataFrame(
        {
            "case": f"{case.name}: {case.case}",
            "mechanism": case.mechanism,
            "tests": "<br>".join(f"`{test}`" for test in case.tests),
            "guard": guards.get(case.name, "–" if case.guard is None else "not tried"),
        }
        for case in CASES
    )
    titles = {"case": "case", "mechanism": "mechanism", "tests": "tests",
              "guard": "without its guard the first test"}  # fmt: skip
    (folder / "cases.md").write_text(markdown(cases, titles))
    if (folder / "fuzz.csv").exists():
        fuzz = pd.read_csv(folder / "fuzz.csv")
        (folder / "fuzz.md").write_text(markdown(fuzz, {name: name for name in fuzz}))
    return bool((figures["holds"] == "yes").all())


def main(folder: Path, only: list[str]) -> int:
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "figures.csv"
    start = Path.cwd()
    with tempfile.TemporaryDirectory() as made:
        place = trials.lay_out(Path(made))
        for name in only or SECTIONS:
            rows = pd.DataFrame(SECTIONS[name](place)).assign(section=name)
            print(rows.to_string(index=False, header=False), flush=True)
            if path.exists():
                known = pd.read_csv(path, dtype=str).fillna("")
                rows = pd.concat([known[known["section"] != name], rows])
            order = list(SECTIONS)
            rows = rows.sort_values("section", key=lambda c: c.map(order.index), kind="stable")
            rows.to_csv(path, index=False)
        os.chdir(start)
    return int(not write(folder))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=[])
    asked = parser.parse_args()
    sys.exit(main(asked.folder, asked.only))
