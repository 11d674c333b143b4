from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from surrobench.errors import UserError
from surrobench.tasks import display_name, expand_tasks, load_task, task_info

LIST_CARD = """
name = "mine"
data = "mine.parquet"
decisions = [{decision}]
[tasks.accuracy]
target = "acc"
direction = "maximize"
"""


def test_ten_lines_make_a_task(write, table):
    task = load_task(write())
    assert task.name == "mine/accuracy"
    assert task.unit == "%"
    assert task.truth.tolist() == table.copy()["acc"].tolist()
    assert task.optimum == 92.0
    kernel, op = task.space.variables
    assert kernel.values == (3.0, 5.0, 7.0)
    assert op.values is None
    assert op.choices == ("conv", "pool")
    assert task.archs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]]
    assert len(set(task.groups.tolist())) == 6
    assert task.measured["params"].tolist() == table.copy()["params"].tolist()
    assert len(task.space) == 6


def test_csv_gives_the_same_task_as_parquet(write):
    parquet = load_task(write())
    csv = load_task(write(data="mine.csv"))
    assert csv.fingerprint == parquet.fingerprint


def test_numbers_to_minimize_are_negated_and_the_unit_says_so(write):
    task = load_task(write(swap=('"maximize"', '"minimise"')))
    assert task.unit == "% (negated)"
    assert task.optimum == -80.0
    assert task.direction == "minimize"
    assert task.evaluate((0, 1)).value == -80.0


def test_evaluate_looks_up_and_refuses_strangers(write, table):
    frame = table.copy().iloc[:5]
    task = load_task(write(frame))
    result = task.evaluate((1, 1), seed=7)
    assert (result.value, result.status, result.cost) == (81.0, "ok", None)
    assert result.metrics == {"params": 0.5}
    with pytest.raises(UserError, match="not an architecture"):
        task.evaluate((2, 1))
    with pytest.raises(UserError, match="no value after 3 epochs"):
        task.evaluate((1, 1), epochs=3)


def test_lists_are_expanded_and_short_ones_padded(write):
    frame = pd.DataFrame({"widths": [[8, 16], [8], [16, 8, 8]], "acc": [1.0, 2.0, 3.0]})
    task = load_task(write(frame, card=LIST_CARD.replace("{decision}", '"widths"')))
    assert [v.name for v in task.space.variables] == ["widths[0]", "widths[1]", "widths[2]"]
    assert task.space.variables[1].choices == ("absent", "8", "16")
    assert task.space.variables[1].values == (0.0, 8.0, 16.0)
    assert task.archs.tolist() == [[0, 2, 0], [0, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize(
    ("cells", "options"),
    [
        (["[8, 16]", "[8]", "[16, 8]"], ""),
        (["(8, 16)", "(8,)", "(16, 8)"], ""),
        (["8,16", "8", "16,8"], ', format = "delimited"'),
        (["8-16", "8", "16-8"], ', format = "delimited", separator = "-"'),
    ],
)
def test_texts_that_hold_lists_are_expanded(write, cells, options):
    frame = pd.DataFrame({"widths": cells, "acc": [1.0, 2.0, 3.0]})
    decision = f'{{ column = "widths"{options} }}'
    task = load_task(write(frame, card=LIST_CARD.replace("{decision}", decision)))
    assert task.archs.tolist() == [[0, 2], [0, 0], [1, 1]]
    assert task.space.variables[1].choices == ("absent", "8", "16")


def test_json_objects_and_nested_tuples_are_flattened(write):
    cells = ['{"depth": 2, "ops": ["a", "b"]}', '{"depth": 1, "ops": ["b"]}']
    frame = pd.DataFrame({"arch": cells, "acc": [1.0, 2.0]})
    task = load_task(write(frame, card=LIST_CARD.replace("{decision}", '"arch"')))
    assert [v.name for v in task.space.variables] == ["arch.depth", "arch.ops[0]", "arch.ops[1]"]
    frame = pd.DataFrame({"arch": ["((0, 1), (2, 0))", "((1, 1), (2, 0))"], "acc": [1.0, 2.0]})
    task = load_task(write(frame, card=LIST_CARD.replace("{decision}", '"arch"')))
    assert task.space.variables[0].name == "arch[0][0]"
    assert len(task.space.variables) == 4


def test_characters_kinds_and_orders(write):
    frame = pd.DataFrame({"code": ["a1", "b1", "b2"], "acc": [1.0, 2.0, 3.0]})
    decision = '{ column = "code", format = "characters" }'
    task = load_task(write(frame, card=LIST_CARD.replace("{decision}", decision)))
    assert task.archs.tolist() == [[0, 0], [1, 0], [1, 1]]
    frame = pd.DataFrame({"size": ["small", "large", "medium"], "acc": [1.0, 2.0, 3.0]})
    decision = '{ column = "size", order = ["small", "medium", "large"] }'
    task = load_task(write(frame, card=LIST_CARD.replace("{decision}", decision)))
    assert task.archs.tolist() == [[0], [2], [1]]
    assert task.space.variables[0].values == (0.0, 1.0, 2.0)


def test_seeds_in_columns_are_averaged_and_give_the_noise(write, table):
    frame = table.copy()
    frame["acc2"] = frame["acc"] + 2.0
    task = load_task(write(frame, swap=('target = "acc"', 'target = ["acc", "acc2"]')))
    assert task.truth[0] == 91.0
    assert task.noise == pytest.approx(np.sqrt(2.0))
    assert task.runs == 2
    assert [task.evaluate((0, 0), seed=s).value for s in (0, 1, 2)] == [90.0, 92.0, 90.0]


def test_seeds_count_the_runs_that_there_are(write, table):
    frame = table.copy()
    frame["acc"] = [[v - 2, v, np.nan, np.nan, v + 1, v + 4] for v in frame["acc"]]
    frame.at[0, "acc"] = [88.0, 90.0, *[np.nan] * 4]
    frame.at[1, "acc"] = [70.0, np.nan, 71.0, 72.0, *[np.nan] * 2]  # the first diverged
    options = 'layout = "seeds-epochs"\nseeds = 3\n'
    task = load_task(write(frame, task=options))
    once, diverged, twice = (tuple(arch) for arch in task.archs[:3].tolist())
    assert [task.runs_of(arch) for arch in (once, diverged, twice)] == [1, 2, 2]
    assert [task.evaluate(once, seed=s).value for s in (0, 1, 2)] == [90.0] * 3
    assert [task.evaluate(diverged, seed=s).status for s in (0, 1)] == ["diverged", "ok"]
    first, second, again = (task.evaluate(twice, seed=s).value for s in (0, 1, 2))
    assert second == first + 4
    assert again == first


def test_learning_curves_give_value_curve_and_cost(write, table):
    frame = table.copy()
    frame["acc"] = [[v - 2, v, v - 1] for v in frame["acc"]]
    frame["seconds"] = [[1.0, 2.0, 3.0]] * len(frame)
    options = 'layout = "epochs"\ncost = "seconds"\n'
    last = load_task(write(frame, task=options))
    assert last.truth[0] == 89.0
    assert last.fidelities == (1, 2, 3)
    result = last.evaluate((0, 0), epochs=2)
    assert (result.value, result.cost, result.curve) == (90.0, 3.0, (88.0, 90.0))
    best = load_task(write(frame, task=options + 'final = "best"\n'))
    assert best.truth[0] == 90.0


def test_a_curve_that_stops_is_a_diverged_run(write, table):
    frame = table.copy()
    frame["acc"] = [[v, v] for v in frame["acc"]]
    frame.at[2, "acc"] = [50.0, float("nan")]
    task = load_task(write(frame, top='missing = "allow"', task='layout = "epochs"'))
    assert (len(task), task.missing) == (5, 1)
    assert task.evaluate((1, 0)).status == "diverged"


def test_other_fidelities_and_scaled_costs(write, table):
    frame = table.copy()
    frame["early"] = frame["acc"] - 30
    frame["early_s"] = 12.0
    options = 'epochs = 200\nfidelities = { 12 = "early" }\ncosts = { 12 = "early_s" }'
    task = load_task(write(frame, task=options))
    assert task.fidelities == (12, 200)
    early, full = task.evaluate((0, 0), epochs=12), task.evaluate((0, 0))
    assert (early.value, early.cost) == (60.0, 12.0)
    assert (full.value, full.cost, full.curve) == (90.0, 200.0, (60.0, 90.0))


def test_where_picks_rows_and_the_space_is_theirs(write):
    task = load_task(write(task='where = { op = "conv" }'))
    assert task.truth.tolist() == [90.0, 91.0, 92.0]
    assert task.space.variables[1].choices == ("conv",)


def test_groups_subsets_and_what_info_says(write, table):
    frame = table.copy()
    frame["network"] = [0, 1, 0, 1, 2, 2]
    frame["good"] = frame["acc"] > 85
    top = 'groups = "network"\nsubsets = { good = "good" }'
    spec = write(frame, top=top, task='noise = "groups"')
    task, info = load_task(spec), task_info(spec)
    assert task.groups.tolist() == [0, 1, 0, 1, 2, 2]
    assert task.subsets["good"].tolist() == frame["good"].tolist()
    assert (info.groups, info.repeated, info.subsets) == (3, 6, {"good": 3})
    assert info.noise == info.group_spread == pytest.approx(np.sqrt((0.5 + 0.5 + 50) / 3))
    assert {"one-hot", "ordinal", "measured"} <= set(info.encodings)
    assert info.measured == {"params": 0}


def test_equal_decisions_may_be_averaged(write, table):
    frame = pd.concat([table.copy(), table.copy().assign(acc=100.0)], ignore_index=True)
    task = load_task(write(frame, top='duplicates = "mean"'))
    assert (len(task), task.merged) == (6, 6)
    assert task.truth[0] == 95.0


def test_repeated_equal_rows_are_harmless(write, table):
    frame = pd.concat([table.copy(), table.copy()], ignore_index=True)
    assert load_task(write(frame)).merged == 6


def test_rows_of_a_known_space_by_column_and_by_text(write):
    strings = [
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|",
        "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|none~1|avg_pool_3x3~2|",
    ]
    frame = pd.DataFrame({"cell": strings, "acc": [1.0, 2.0, 3.0]})
    card = LIST_CARD.replace("decisions = [{decision}]", 'space = "nb201"\narchitecture = "cell"')
    task = load_task(write(frame, card=card))
    assert task.space.name == "nb201"
    assert task.archs[1].tolist() == [3, 0, 0, 0, 0, 1]
    assert task.groups.tolist()[0] != task.groups.tolist()[1] or len(task) == 3
    assert task.subsets["without-unreachable"].tolist() == [True, False, False]
    columns = {f"e{i}": task.archs[:, i] for i in range(6)}
    frame = pd.DataFrame({**columns, "acc": [1.0, 2.0, 3.0]})
    listed = ", ".join(f'"e{i}"' for i in range(6))
    card = LIST_CARD.replace("decisions = [", 'space = "nb201"\ndecisions = [')
    again = load_task(write(frame, card=card.replace("{decision}", listed)))
    assert again.archs.tolist() == task.archs.tolist()


def test_fingerprint_follows_the_numbers(write, table):
    one = load_task(write()).fingerprint
    assert load_task(write()).fingerprint == one
    frame = table.copy()
    frame.loc[0, "acc"] += 1e-9
    assert load_task(write(frame)).fingerprint != one


def test_names_of_tasks_of_a_card(write, tmp_path):
    spec = write()
    assert expand_tasks(spec) == [f"{spec}:accuracy"]
    assert expand_tasks(f"{spec}:accuracy") == [f"{spec}:accuracy"]
    assert expand_tasks("card.toml", tmp_path) == ["card.toml:accuracy"]
    assert display_name(f"{spec}:accuracy") == "mine/accuracy"
    assert load_task("card.toml:accuracy", tmp_path).name == "mine/accuracy"
    with pytest.raises(UserError, match="Did you mean 'accuracy'"):
        load_task(f"{spec}:acuracy")


def test_data_are_also_found_through_the_environment(write, tmp_path, monkeypatch):
    spec = write()
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (tmp_path / "mine.parquet").rename(folder / "mine.parquet")
    with pytest.raises(UserError, match="SURROBENCH_TABLES"):
        load_task(spec)
    monkeypatch.setenv("SURROBENCH_TABLES", str(folder))
    assert len(load_task(spec)) == 6


def test_the_best_of_a_curve_that_is_minimised_is_its_lowest_point(write, table):
    frame = table.copy()
    frame["acc"] = [[v, v - 3, v - 1] for v in frame["acc"]]
    options = 'layout = "epochs"\nfinal = "best"\n'
    task = load_task(write(frame, task=options, swap=('"maximize"', '"minimize"')))
    assert task.truth.tolist() == [-(v - 3) for v in table["acc"]]


def test_values_that_average_runs_are_less_noisy_than_one_run(write, table):
    frame = pd.concat([table.assign(acc=table["acc"] + shift) for shift in (-1.0, 1.0)])
    options = 'noise = "duplicates"\nruns = {}\n'
    once, four = (
        load_task(write(frame, top='duplicates = "mean"', task=options.format(runs)))
        for runs in (1, 4)
    )
    assert once.noise == pytest.approx(2.0**0.5)
    assert four.noise == pytest.approx(2.0 * 2.0**0.5)
