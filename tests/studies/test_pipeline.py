"""Pipelines: what is trained, picked and judged, and what a mistake costs."""

from __future__ import annotations

import math
import threading
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from live_toy import TINY

from surrobench.errors import UserError
from surrobench.metrics.ranking import kendall_tau
from surrobench.studies.kinds import kind_of_columns
from surrobench.studies.pipeline.cell import run_pipeline
from surrobench.studies.pipeline.choice import pick_by_predictor
from surrobench.studies.pipeline.config import PipelineStudy
from surrobench.studies.pipeline.frame import ends, make_pipeline_frame
from surrobench.studies.pipeline.kind import PIPELINE
from surrobench.studies.pipeline.plan import PipelineCell, make_pipeline_plan
from surrobench.studies.pipeline.task import CandidatePool, load_pipeline_task
from surrobench.studies.run_folder.record import decode_record, encode_record
from surrobench.studies.search.shared_training import in_units, train_shared
from surrobench.tasks import load_task
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.live.live import LiveTask
from surrobench.tasks.live.live_options import make_live, shortened
from surrobench.training.loop.groups import Job


def study(**changes: Any) -> dict[str, Any]:
    content = {
        "kind": "pipeline",
        "name": "pipes",
        "tasks": ["live/digits-chain"],
        "predictors": ["gp-matern52", "params"],
        "encodings": ["one-hot"],
        "candidates": 200,
        "train": 40,
        "picks": 5,
        "proxy_epochs": 1,
        "seeds": 1,
    }
    return {**content, **changes}


def live_study(**changes: Any) -> dict[str, Any]:
    small = {"tasks": ["live:cells"], "candidates": 20, "train": 8, "picks": 2, "runs": 2}
    return study(**{**small, "live": TINY, "proxy_epochs": 1, "proxy_share": 0.5, **changes})


def cells(content: dict[str, Any], base: Path | None = None) -> list[PipelineCell]:
    return make_pipeline_plan(PipelineStudy.read(content), base or Path()).cells


def framed(some: Sequence[PipelineCell]) -> pd.DataFrame:
    """The rows of records as they come back from their files."""
    records = [decode_record(encode_record(run_pipeline(cell))) for cell in some]
    return make_pipeline_frame(records, [cell.key for cell in some])


@pytest.fixture(scope="module")
def table_frame() -> pd.DataFrame:
    return framed(cells(study()))


def test_one_predictor_may_be_given_an_encoding_of_its_own() -> None:
    own = {"use": "knn", "encoding": "ordinal"}
    content = study(predictors=[own, "knn", "params"], train=8, candidates=20, picks=2)
    planned = [cell for cell in cells(content) if cell.encoding]
    assert [(cell.predictor, cell.encoding) for cell in planned] == [
        ("knn", "ordinal"),
        ("knn", "one-hot"),
        ("params", "measured:params"),
    ]
    axis = cells({**content, "predictors": ["knn"], "encodings": ["ordinal"]})
    assert [c.key for c in axis if c.encoding] == [planned[0].key]
    first, second = (run_pipeline(cell).payload for cell in planned[:2])
    assert first["status"] == second["status"] == "ok"
    assert first["rows"]["predicted"] != second["rows"]["predicted"]
    written = tomllib.loads(PipelineStudy.read(content).to_toml())
    assert written["predictors"] == content["predictors"]


@pytest.mark.parametrize(
    ("predictor", "message"),
    [
        ({"use": "params", "encoding": "ordinal"}, "insists on the encoding 'measured:params'"),
        ({"use": "knn", "encoding": "ordinall"}, "Did you mean 'ordinal'"),
        ({"use": "knn", "encoding": 3}, "must be a text"),
    ],
)
def test_an_encoding_that_a_predictor_cannot_have_is_refused(
    predictor: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        cells(study(predictors=[predictor]))


def of(frame: pd.DataFrame, predictor: str) -> pd.DataFrame:
    return frame[frame["predictor"] == predictor]


def test_every_method_picks_distinct_candidates(table_frame: pd.DataFrame) -> None:
    for name in ("random", "best-trained", "largest", "gp-matern52", "params"):
        picks = of(table_frame, name).query("pick > 0")
        assert sorted(picks["pick"]) == [1, 2, 3, 4, 5]
        assert picks["arch"].nunique() == 5
    assert set(table_frame["status"]) == {"ok"}


def test_on_a_table_everything_is_judged_by_runs_that_were_not_shown(
    table_frame: pd.DataFrame,
) -> None:
    task = load_task("live/digits-chain")
    rows = of(table_frame, "gp-matern52")
    places = [task.index[task.space.parse(str(arch))] for arch in rows["arch"]]
    others = task.values[places, 1:, -1].mean(axis=1)  # the short training was run 0
    assert rows["judged"].to_numpy() == pytest.approx(others)
    picks = rows["pick"] > 0
    assert rows["value"][picks].to_numpy() == pytest.approx(others[picks])
    assert set(rows["runs"][picks]) == {2.0}
    assert set(table_frame["judge"]) == {"held-out runs"}
    assert set(table_frame["without_judge"]) == {0.0}


def test_of_a_table_that_was_repeated_in_part_that_part_is_the_pool() -> None:
    task = load_task("live-transformer/motifs")
    content = study(tasks=["live-transformer/motifs"], seeds=2, predictors=["params"])
    some = framed(cells(content))
    assert set(some["pool"]) == {100.0}
    assert set(some["without_judge"]) == {314.0}
    optima = some.groupby("seed")["optimum"].first()
    assert optima[0] != optima[1]
    for row in some.query("pick > 0").itertuples():
        arch = task.space.parse(str(row.arch))
        assert task.runs_of(arch) == 3
        shown = task.evaluate(arch, seed=int(row.seed)).value
        assert row.value == pytest.approx((3 * task.truth[task.index[arch]] - shown) / 2, abs=1e-4)
    whole = framed(cells({**content, "seeds": 1, "judge": "searched"}))
    assert set(whole["pool"]) == {200.0}
    assert set(whole["judge"]) == {"searched run"}
    picks = whole.query("pick > 0")
    shown = [task.evaluate(task.space.parse(str(a)), seed=0).value for a in picks["arch"]]
    assert picks["judged"].tolist() == pytest.approx(shown)


def test_the_best_trained_are_the_best_of_the_short_trainings(table_frame: pd.DataFrame) -> None:
    rows = of(table_frame, "best-trained")
    assert len(rows) == 40  # a table knows all of them
    best = rows.nlargest(5, "brief_value", keep="all")
    assert set(rows.query("pick > 0")["arch"]) <= set(best["arch"])
    task = load_task("live/digits-chain")
    arch = rows["arch"].iloc[0]
    short = task.evaluate(task.space.parse(arch), seed=0, epochs=1).value
    assert rows["brief_value"].iloc[0] == pytest.approx(short)


def test_the_largest_are_those_with_most_parameters(table_frame: pd.DataFrame) -> None:
    rows = of(table_frame, "largest")
    pool = load_pipeline_task("live/digits-chain", Path(), {}, 1, 1.0).pool(200, 0)
    expected = sorted(pool.measured["params"], reverse=True)[:5]
    assert sorted(rows["params"], reverse=True) == expected
    assert rows["brief_value"].isna().all()  # it needs no short trainings


def test_rank_correlation_is_that_of_candidates_nobody_trained(table_frame: pd.DataFrame) -> None:
    rows = of(table_frame, "gp-matern52")
    unseen = rows[rows["reference"]]
    assert len(unseen) == 160
    assert unseen["brief_value"].isna().all()
    expected = kendall_tau(unseen["judged"], unseen["predicted"])
    assert rows["kendall_tau"].iloc[0] == pytest.approx(expected)
    assert expected > 0.2


def test_a_pipeline_is_the_same_on_every_run() -> None:
    (cell,) = [c for c in cells(study()) if c.predictor == "gp-matern52"]
    assert run_pipeline(cell).payload == run_pipeline(cell).payload


def test_all_methods_of_a_seed_have_one_pool_and_other_seeds_another() -> None:
    task = load_pipeline_task("live/digits-chain", Path(), {}, 1, 1.0)
    assert task.pool(50, 0).archs == task.pool(80, 0).archs[:50]
    assert task.pool(50, 0).archs != task.pool(50, 1).archs
    pool = task.pool(10_000, 0)
    assert len({pool.space.canonical(arch) for arch in pool.archs}) == len(pool.archs)


# -- live ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_live_pipeline_trains_everything_once(live_cache: Path, trained: list[Job]) -> None:
    every = cells(live_study())
    frame = framed(every)
    assert set(frame["status"]) == {"ok"}
    picked = frame[(frame["pick"] > 0) | frame["reference"]]["arch"].nunique()
    assert len(trained) == 8 + 2 * picked
    assert frame["optimum"].isna().all()
    assert set(frame["runs"]) == {2.0}
    assert len(of(frame, "params").query("reference")) == 2
    again = framed(every)
    assert len(trained) == 8 + 2 * picked
    assert again["value"].equals(frame["value"])


@pytest.mark.slow
def test_numbers_do_not_depend_on_who_trains_first(
    live_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from surrobench.tasks.live import live_options

    every = cells(live_study(predictors=["params", "knn"]))
    forward = framed(every).sort_values(["key", "arch"])
    monkeypatch.setenv("SURROBENCH_CACHE", str(tmp_path / "other"))
    live_options._made.cache_clear()
    load_pipeline_task.__globals__["_load"].cache_clear()
    backward = framed(every[::-1]).sort_values(["key", "arch"])
    assert (tmp_path / "other").is_dir()
    assert forward["value"].tolist() == backward["value"].tolist()


@pytest.mark.parametrize(("n", "size"), [(0, 3), (2, 3), (8, 3), (9, 3), (100, None)])
def test_units_are_even_and_leave_nothing_out(n: int, size: int | None, live_cache: Path) -> None:
    task = make_live("live:cells", TINY, Path()).task
    jobs = [Job(arch, 0) for arch in task.space.sample(n, np.random.default_rng(0))]
    units = in_units(task, jobs, size)
    assert [job for unit in units for job in unit] == jobs
    lengths = [len(unit) for unit in units]
    assert max(lengths, default=0) - min(lengths, default=0) <= 1
    assert max(lengths, default=0) <= (size or (task.group_size or 0) // 2)


@pytest.mark.slow
def test_two_at_a_time_share_the_work(live_cache: Path, trained: list[Job]) -> None:
    task = make_live("live:cells", TINY, Path()).task
    archs = task.space.sample(8, np.random.default_rng(0))
    units = in_units(task, [Job(task.space.canonical(arch), 0) for arch in archs], 3)
    found: list[list[list[Evaluation]]] = []

    def work() -> None:
        found.append(train_shared(task, units))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert len(trained) == len({job.arch for unit in units for job in unit})


def test_a_short_training_sees_a_part_of_the_training_data_alone(live_cache: Path) -> None:
    task = make_live("live:cells", TINY, Path()).task
    half = shortened(task, 0.5)
    assert len(half.data.train) == 32
    assert half.data.validation is task.data.validation
    assert half.data.train.labels.tolist() == task.data.train.labels[:32].tolist()
    assert shortened(task, 1.0) is task


@pytest.mark.slow
def test_diverged_trainings_are_candidates_without_a_value(
    live_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = LiveTask.evaluate_jobs

    def evaluate(self: LiveTask, jobs: Sequence[Job], **options: Any) -> list[Evaluation]:
        some = original(self, jobs, **options)
        return [
            Evaluation(math.nan, 1.0, "diverged") if job.arch[0] == 3 else one
            for job, one in zip(jobs, some, strict=True)
        ]

    monkeypatch.setattr(LiveTask, "evaluate_jobs", evaluate)
    frame = framed(cells(live_study(picks=6, predictors=["params"])))
    assert set(frame["status"]) == {"ok"}
    lost = frame[frame["runs"] == 0]
    assert len(lost)
    assert lost["value"].isna().all()


# -- mistakes ------------------------------------------------------------------------------------


def test_a_predictor_that_raises_costs_its_own_cell(in_toy: Path) -> None:
    content = study(tasks=["toy.toml"], predictors=["zoo:Raises", "knn"], proxy_epochs=None)
    frame = framed(cells(content, in_toy))
    assert of(frame, "zoo:Raises")["status"].tolist() == ["failed"]
    assert "no way" in of(frame, "zoo:Raises")["reason"].iloc[0]
    assert set(of(frame, "knn")["status"]) == {"ok"}
    assert set(ends(frame)["status"]) == {"ok", "failed"}
    assert len(ends(frame)) == 5


def test_predictions_that_are_no_numbers_are_refused() -> None:
    task = load_pipeline_task("live/digits-chain", Path(), {}, 1, 1.0)
    pool: CandidatePool = task.pool(20, 0)
    with pytest.raises(ValueError, match="1 of 5 short trainings have a value"):
        pick_by_predictor(
            pool,
            np.array([1.0] + [np.nan] * 4),
            2,
            predictor="knn",
            encoding="one-hot",
            acquisition="ei",
            seed=0,
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": 300}, "train = 300 does not fit candidates = 200"),
        ({"picks": 201}, "picks = 201 does not fit candidates = 200"),
        ({"predictors": ["gp-rfb"]}, "unknown predictor 'gp-rfb'"),
        ({"predictors": ["random"]}, "'random' is the name of a baseline"),
        ({"acquisitions": ["eii"]}, "unknown acquisition 'eii'"),
        ({"proxy_epochs": 7}, "no trainings of proxy_epochs = 7; known: 1, 2, 3"),
        ({"proxy_share": 0.5}, "proxy_share = 0.5 needs a live task"),
        ({"proxy_share": 1.5}, "must be a share above 0 and at most 1"),
        ({"live": {"epochs": 2}}, "no task of this study is a live one"),
        ({"train": 1700, "candidates": 2000}, "different networks, too few for train = 1700"),
        ({"evaluations": 3}, "unknown key 'evaluations'"),
    ],
)
def test_mistakes_in_a_study_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        cells(study(**changes))


def test_a_study_reads_back_as_it_was_written() -> None:
    import tomllib

    original = PipelineStudy.read(live_study(predictors=[{"use": "knn", "label": "near"}]))
    assert PipelineStudy.read(tomllib.loads(original.to_toml())) == original


def test_results_are_told_from_those_of_other_kinds(table_frame: pd.DataFrame) -> None:
    assert kind_of_columns(table_frame.columns) is PIPELINE
    assert set(PIPELINE.columns) <= set(table_frame.columns)
    assert not table_frame.duplicated(list(PIPELINE.row)).any()
    assert list(make_pipeline_frame([]).columns) == list(table_frame.columns)
