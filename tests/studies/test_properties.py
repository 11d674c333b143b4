"""Whatever is written is read back: records, stores, study files and cards of any content."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surrobench.errors import UserError
from surrobench.studies.prediction.config import Study
from surrobench.studies.run_folder.plan_file import PlannedCells, read_plan_file
from surrobench.studies.run_folder.record import Record, canonical_json
from surrobench.studies.run_folder.store import CorruptRecordError, ResultStore, seal, unseal
from surrobench.studies.search.config import SearchStudy
from surrobench.studies.study_file import load_study
from surrobench.tasks.tables.card_file import read_card

quick = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
texts = st.text(max_size=12)
numbers = st.one_of(st.floats(), st.integers(-(2**70), 2**70), st.booleans(), st.none())
values = st.one_of(texts.filter(lambda text: not text.startswith("@")), numbers)
payloads = st.dictionaries(texts, values, max_size=5)
keys = st.integers(0, 5).map(lambda number: f"{number:040x}")


def same(one: Any, other: Any) -> bool:
    return canonical_json(one) == canonical_json(other)


@quick
@given(payload=payloads, provenance=payloads)
def test_any_record_comes_back(payload: dict[str, Any], provenance: dict[str, Any]) -> None:
    written = Record("a" * 40, {**payload, "status": "ok"}, {"fit_seconds": 0.5}, provenance)
    read = unseal(seal(written))
    assert same(read.payload, written.payload)
    assert same(read.provenance, written.provenance)
    assert nans(read.payload) == nans(written.payload)


def nans(payload: Any) -> int:
    """How many values are no number, and are read as such."""
    return sum(isinstance(value, float) and math.isnan(value) for value in payload.values())


@quick
@given(content=st.binary(max_size=400))
def test_no_other_bytes_are_a_record(content: bytes) -> None:
    with pytest.raises(CorruptRecordError):
        unseal(content)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), keys, st.floats(0, 1)),
        st.tuples(st.just("write all"), st.lists(keys, max_size=4), st.floats(0, 1)),
        st.tuples(st.just("pack"), st.none(), st.none()),
        st.tuples(st.just("damage"), st.integers(0, 10**6), st.integers(0, 7)),
    ),
    max_size=8,
)


def damaged(folder: Path, place: int, bit: int) -> None:
    """Change one bit somewhere in the store."""
    files = sorted([*folder.glob("cells/*/*.json"), *folder.glob("segments/*.jsonl")])
    if files:
        path = files[place % len(files)]
        content = bytearray(path.read_bytes())
        content[place % len(content)] ^= 1 << bit
        path.write_bytes(content)


@quick
@given(todo=steps)
def test_a_store_holds_what_was_last_written(todo: list[tuple[str, Any, Any]]) -> None:
    """Damage is found, set aside, and costs no record that was not touched."""
    with tempfile.TemporaryDirectory() as place:
        store, known = ResultStore(Path(place)), {}
        for step, what, value in todo:
            made = [what] if step == "write" else (what if step == "write all" else [])
            records = [Record(key, {"status": "ok", "x": value}, {}, {}) for key in made]
            if step == "write":
                store.write(records[0])
            elif step == "write all":
                store.write_all(records)
            elif step == "pack":
                store.pack()
            known.update({record.key: record for record in records})
            if step == "damage" and known:
                damaged(Path(place), what, value)
                found = store.check()
                assert found.corrupt
                assert len(found.corrupt) <= 2
                store.set_aside(found.corrupt)
                kept = store.scan().records
                assert len(known.keys() - kept.keys()) <= 1
                known = kept  # what was damaged may have been the newer of two
        for reader in (store, ResultStore(Path(place))):
            found = reader.scan()
            assert found.corrupt == []
            assert found.records == known
            assert reader.finished_keys() == set(known)


names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=10
).filter(lambda text: text.strip() == text)


@quick
@given(
    name=names,
    tasks=st.lists(names, min_size=1, max_size=3, unique=True),
    sizes=st.lists(st.integers(1, 10**6), min_size=1, max_size=4, unique=True),
    seeds=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4, unique=True),
    timeout=st.floats(1, 1e6),
    kind=st.booleans(),
)
def test_a_study_is_written_and_read_again(
    name: str,
    tasks: list[str],
    sizes: list[int],
    seeds: list[int],
    timeout: float,
    kind: bool,
    tmp_path: Path,
) -> None:
    content: dict[str, Any] = {"name": name, "tasks": tasks, "seeds": seeds}
    content["timeout_seconds"] = timeout
    try:
        if kind:
            given = {"kind": "prediction", "predictors": ["knn"], "train_sizes": sizes}
            study: Any = Study.read({**content, **given}, "", "study")
        else:
            given = {"kind": "search", "strategies": ["random"], "evaluations": sizes[0]}
            study = SearchStudy.read({**content, **given}, "", "study")
    except UserError:
        return
    (tmp_path / "study.toml").write_text(study.to_toml(), encoding="utf-8")
    read, _ = load_study(str(tmp_path / "study.toml"))
    assert read == study


CARD = """\
name = "grid"
data = "grid.csv"
decisions = ["a", {column = "op", kind = "categorical"}]

[tasks.value]
target = "value"
direction = "maximize"
unit = "%"
"""


@quick
@given(at=st.integers(0, len(CARD)), cut=st.integers(0, 12), put=st.text(max_size=8))
def test_a_changed_card_is_read_or_refused_in_words(
    at: int, cut: int, put: str, tmp_path: Path
) -> None:
    changed = CARD[:at] + put + CARD[at + cut :]
    (tmp_path / "card.toml").write_bytes(changed.encode("utf-8", "surrogatepass"))
    try:
        read_card(tmp_path / "card.toml")
    except UserError as error:
        assert "card.toml" in str(error)  # noqa: PT017


cell = st.tuples(texts, texts, st.integers(0, 10), st.integers(0, 10**9))


@quick
@given(cells=st.lists(cell, min_size=1, max_size=12, unique=True), many=st.integers(0, 12))
def test_a_plan_is_read_as_it_was_written_in_rows_or_columns(
    cells: list[tuple[Any, ...]], many: int
) -> None:
    from surrobench.studies.run_folder import plan_file

    keys = {name: f"{number:040x}" for number, name in enumerate(cells)}
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_file, "MANY", many)
        planned = PlannedCells(keys)
        planned.save(Path(place))
        read = read_plan_file(Path(place))
    assert read.keys == keys
    assert list(read.keys) == list(keys)
