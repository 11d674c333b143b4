from __future__ import annotations

import pickle

import pytest
from hostile_pickles import hostile

from surrobench.errors import UserError
from surrobench.tasks.files.unpickle import read_pickled_frame


def test_nothing_hostile_ever_runs(tmp_path):
    marker = tmp_path / "ran"
    for name, content in hostile(marker).items():
        with pytest.raises(UserError, match="was not read"):
            read_pickled_frame(content, name)
        assert not marker.exists(), name


def test_the_hostile_files_are_really_hostile(tmp_path):
    marker = tmp_path / "ran"
    pickle.loads(hostile(marker)["os.system 4"])
    assert marker.exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"nonsense", pickle.dumps([1, 2, 3])])
def test_other_contents_are_refused(content):
    with pytest.raises(UserError, match="was not read"):
        read_pickled_frame(content, "file")


def test_allowed_names_alone_do_not_make_a_frame():
    content = pickle.dumps({"a": slice(0, 3, 1)}, protocol=4)
    with pytest.raises(UserError, match="does not hold a data frame"):
        read_pickled_frame(content, "file")
