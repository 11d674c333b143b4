"""Pickles that would create a file if anything unpickled them."""

from __future__ import annotations

import builtins
import os
import pickle
import subprocess
from pathlib import Path


class Calls:
    """Is pickled as a call of a function."""

    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def hostile(marker: Path) -> dict[str, bytes]:
    """Name of a kind of attack -> a pickle that would create the file ``marker``."""
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
