"""Damaged input for everything that reads files: a clear message or an answer, never a traceback.

    python benchmarks/fuzz.py results/reliability [--inputs 2000] [--seed 0]

Changes intact files at random (bytes flipped, cut out, doubled, put in from elsewhere, numbers and
quotes replaced) and gives them to the readers of study files, cards, records, segments, plans,
archives and tables. An input may be read, or be refused with a ``UserError`` (of records: be
recognised as damaged). Writes ``fuzz.csv``: how many of each were tried and how they ended.
"""

from __future__ import annotations

import argparse
import gzip
import io
import random
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from surrobench.errors import UserError
from surrobench.studies.run_folder.plan_file import PLAN_FILE, read_plan_file
from surrobench.studies.run_folder.record import make_record
from surrobench.studies.run_folder.segments import CorruptRecordError, seal, unseal
from surrobench.studies.run_folder.store import ResultStore
from surrobench.studies.study_file import load_study
from surrobench.tasks import load_task
from surrobench.tasks.files.archives import members

STUDY = b"""\
kind = "prediction"
name = "fuzz"
tasks = ["grid.toml"]
predictors = ["knn", {use = "gp-rbf", transform = "none"}]
encodings = ["default", "one-hot"]
train_sizes = [4, 8]
seeds = 3
timeout_seconds = 60
max_train_size = {"gp-*" = 8}
"""
SEARCH = b"""\
kind = "search"
name = "fuzz"
tasks = ["grid.toml"]
strategies = ["random", {use = "bayesian", predictor = "knn"}]
evaluations = 20
seeds = [0, 1]
"""
CARD = b"""\
name = "grid"
data = "grid.csv"
decisions = ["a", "b", {column = "op", kind = "categorical"}]
measured = ["params"]
licence = "CC0-1.0"

[tasks.value]
target = "value"
direction = "maximize"
unit = "%"
"""
TABLE = "a,b,op,params,value\n" + "".join(
    f"{a},{b},{'xyz'[c]},{100 + a},{a - b + c / 3:.3f}\n"
    for a in range(4) for b in range(4) for c in range(3)
)  # fmt: skip
PIECES = (b'"', b"[", b"]", b"{", b"}", b"=", b"\n", b"\x00", b"\xff", b"-1", b"1e999", b"nan",
          b"[[", b"true", b"''", b'"""', b"../../x", b"9" * 40, "🙂".encode(), b"\r", b"#",
          b"[" * 3000)  # fmt: skip
SECONDS = 20.0


def changed(content: bytes, rng: random.Random) -> bytes:
    """A copy with one or two changes."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 2)):
        at = rng.randrange(len(found) + 1)
        end = min(len(found), at + rng.choice((1, 1, 3, 20)))
        kind = rng.randrange(6)
        if kind == 0 and at < len(found):
            found[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del found[at:end]
        elif kind == 2:
            found[at:at] = found[at:end]
        elif kind == 3:
            found[at:at] = rng.choice(PIECES)
        elif kind == 4:
            found[at:end] = rng.choice(PIECES)
        else:
            other = rng.randrange(len(found) + 1)
            found[at:at] = found[other : other + 30]
    return bytes(found)


def readers(folder: Path) -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """What is changed, and who reads it."""
    (folder / "grid.csv").write_text(TABLE)
    (folder / "grid.toml").write_bytes(CARD)
    record = seal(make_record("a" * 40, {"status": "ok", "rmse": 0.25, "task": "t"}, {"s": 1.5}))

    def written(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
        def given(content: bytes) -> object:
            path = folder / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_bytes(content)
            return read(path)

        return given

    def planned(content: bytes) -> object:
        study, origin = load_study(_put(folder / "study.toml", content))
        from surrobench.studies.kinds import kind_of

        return kind_of(study).plan(study, origin.base)

    def segment(path: Path) -> object:
        store = ResultStore(path.parent.parent)
        found = store.check()
        return [store.read(key) for key in found.statuses]

    made = ResultStore(folder / "made")
    made.write_all(make_record(f"{n:040x}", {"status": "ok", "x": n / 7}) for n in range(4))
    (packed,) = made.segments.iterdir()
    plan = b'{"kind":"prediction","cells":[["%s","t","p"]],"skipped":[],"ingredients":{}}' % (
        b"a" * 40
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("grid.csv", TABLE)
    parquet = io.BytesIO()
    pd.read_csv(io.StringIO(TABLE)).to_parquet(parquet)
    card_of = {
        name: CARD.replace(b"grid.csv", name.encode())
        for name in ("t.csv", "t.parquet", "t.csv.gz")
    }

    def table(name: str) -> Callable[[bytes], object]:
        def given(content: bytes) -> object:
            (folder / name).write_bytes(content)
            return load_task(_put(folder / f"{name}.toml", card_of[name]), folder).truth

        return given

    return {
        "study file (prediction)": (STUDY, planned),
        "study file (search)": (SEARCH, planned),
        "card": (CARD, written("card.toml", lambda path: load_task(str(path), folder).truth)),
        "table (CSV)": (TABLE.encode(), table("t.csv")),
        "table (Parquet)": (parquet.getvalue(), table("t.parquet")),
        "table (gzip)": (gzip.compress(TABLE.encode()), table("t.csv.gz")),
        "archive (zip)": (archive.getvalue(), written("t.zip", lambda path: list(members(path)))),
        "record": (record, unseal),
        "segment": (packed.read_bytes(), written("run/segments/00000001.jsonl", segment)),
        "plan": (plan, written(f"p/{PLAN_FILE}", lambda path: read_plan_file(path.parent))),
    }


def _put(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def main(folder: Path, inputs: int, seed: int) -> int:
    rng, rows, bugs = random.Random(seed), [], 0
    with tempfile.TemporaryDirectory() as place:
        for name, (content, read) in readers(Path(place)).items():
            ends: Counter[str] = Counter()
            read(content)
            for _ in range(inputs):
                given, begun = changed(content, rng), time.process_time()
                try:
                    read(given)
                    ends["read"] += 1
                except (UserError, CorruptRecordError):
                    ends["refused"] += 1
                except Exception:
                    ends["traceback"] += 1
                    if ends["traceback"] <= 3:
                        print(f"--- {name}: {given!r:.2000}", file=sys.stderr)
                        traceback.print_exc(limit=-4)
                ends["slow"] += time.process_time() - begun > SECONDS
            bugs += ends["traceback"] + ends["slow"]
            rows.append({"input": name, "tried": inputs, **{end: ends[end] for end in
                         ("read", "refused", "traceback", "slow")}})  # fmt: skip
            print(rows[-1], flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(folder / "fuzz.csv", index=False)
    return int(bugs > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    sys.exit(main(asked.folder, asked.inputs, asked.seed))
