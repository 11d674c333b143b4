"""Tasks that rank all architectures alike are one question: every kind of study tells which."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from search_toy import search_study
from toy import toy_study

from surrobench.report.results import Results
from surrobench.reporting.reports import _alike
from surrobench.studies.kinds import kind_of
from surrobench.studies.run_folder.plan_file import PlannedCells, read_plan_file
from surrobench.studies.run_folder.view import ranked_alike, with_rankings
from surrobench.tasks import load_task

CARD = """
name = "three"
data = "three.csv"
decisions = ["a", "b", "c"]

[tasks.latency]
target = "latency"
direction = "minimize"

[tasks.energy]
target = "energy"
direction = "minimize"

[tasks.accuracy]
target = "accuracy"
direction = "maximize"
"""
STUDIES: dict[str, dict[str, Any]] = {
    "prediction": toy_study(predictors=["constant"], train_sizes=[8], seeds=1),
    "prediction of a small pool": toy_study(
        predictors=["constant"], train_sizes=[500], small_pools="fit", seeds=1
    ),
    "search": search_study(strategies=["random"], seeds=1),
    "pipeline": {
        "kind": "pipeline",
        "name": "pipes",
        "predictors": ["knn"],
        "candidates": 20,
        "train": 8,
        "picks": 2,
        "seeds": 1,
    },
}


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Energy is seven times latency; accuracy is something else."""
    lines = ["a,b,c,latency,energy,accuracy"]
    for a, b, c in itertools.product(range(4), repeat=3):
        latency = 1 + a + b * c
        lines.append(f"{a},{b},{c},{latency},{7 * latency},{80 - a + c}")
    (tmp_path / "three.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "three.toml").write_text(CARD)
    return tmp_path / "three.toml"


@pytest.mark.parametrize("kind", STUDIES)
def test_the_plan_of_a_study_keeps_how_its_tasks_rank(kind: str, card: Path) -> None:
    content = {**STUDIES[kind], "tasks": ["three.toml"]}
    study = kind_of(content).build(content, "", "study")
    plan = kind_of(content).plan(study, card.parent)
    tasks = ["three/latency", "three/energy", "three/accuracy"]
    assert plan.rankings == {
        task: load_task(f"{card}:{task.partition('/')[2]}").ranking for task in tasks
    }
    assert len(set(plan.rankings.values())) == 2
    planned = PlannedCells()
    planned.add(plan)
    planned.save(card.parent)
    assert read_plan_file(card.parent).rankings == plan.rankings
    frame = with_rankings(pd.DataFrame({"task": tasks}), plan.rankings)
    assert ranked_alike(frame) == {"three/latency": ["three/energy"]}


def test_searches_for_further_objectives_are_not_compared(card: Path) -> None:
    content = {**STUDIES["search"], "tasks": ["three.toml:latency", "three.toml:energy"]}
    content["objectives"] = ["three.toml:accuracy"]
    study = kind_of(content).build(content, "", "study")
    assert kind_of(content).plan(study, card.parent).rankings == {}


def test_a_report_says_which_tasks_are_one_question() -> None:
    rows = pd.DataFrame({"task": ["x/a", "x/b", "x/c"], "ranking": ["1", "1", "2"]})
    (said,) = _alike(object(), rows)
    assert said == (
        "x/a and x/b rank all architectures alike: they are one question, asked more than once."
    )
    columns = {"predictor": "knn", "train_size": 8, "seed": 0, "status": "ok", "kendall_tau": 0.5}
    results = Results.of(rows.assign(**columns, transform="", encoding="one-hot", protocol="rest"))
    assert _alike(results, rows) == (
        "x/a and x/b rank all architectures alike: statements over tasks count the first alone.",
    )
