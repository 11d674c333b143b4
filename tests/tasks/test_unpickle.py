from __future__ import annotations

import builtins
import os
import pickle
import subprocess

import pytest

from surrobench.errors import UserError
from surrobench.tasks.unpickle import read_pickled_frame


class Calls:
    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def hostile(marker) -> dict[str, bytes]:
    shell = Calls(os.system, f"touch {marker}")
    evaluate = Calls(builtins.eval, f"open({str(marker)!r}, 'w').close()")
    execute = Calls(builtins.exec, f"open({str(marker)!r}, 'w').close()")
    opened = Calls(builtins.open, str(marker), "w")
    popen = Calls(subprocess.Popen, ["touch", str(marker)])
    old = f"cos\nsystem\n(S'touch {marker}'\ntR.".encode()
    instance = f"(S'touch {marker}'\nios\nsystem\n.".encode()
    persistent = b"Pmarker\n."
    extension = b"\x80\x02\x82\x01."
    dotted = b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__class__\x93."
    lookalike = b"\x80\x04\x8c\x05numpy\x8c\x04load\x93."
    direct = {
        f"{kind} {protocol}": pickle.dumps(payload, protocol=protocol)
        for kind, payload in {
            "os.system": shell,
            "eval": evaluate,
            "exec": execute,
            "open": opened,
            "popen": popen,
            "nested": {"_data": [1, (2, {"deep": shell})]},
        }.items()
        for protocol in (0, 2, 4, 5)
    }
    return {
        **direct,
        "old": old,
        "instance": instance,
        "persistent": persistent,
        "extension": extension,
        "dotted": dotted,
        "lookalike": lookalike,
    }


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
