#!/usr/bin/env bash
# arch 7.2.0, and with it rliable 1.2.0, installs beside pandas 3.1.1 and cannot be imported.
#
# arch uses a private decorator of pandas whose arguments changed. Neither package states an upper
# bound for pandas, so the installer finds no conflict. rliable.metrics, which does not need arch,
# can still be imported; rliable.library, which holds the stratified bootstrap intervals, cannot.
# Seen: TypeError that names deprecate_kwarg on 'import rliable.library'.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q numpy==2.4.6 pandas==3.1.1 arch==7.2.0 rliable==1.2.0
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import importlib.metadata

import rliable.metrics  # noqa: F401

versions = {name: importlib.metadata.version(name) for name in ("pandas", "arch", "rliable")}
print(versions)
try:
    import rliable.library
except TypeError as error:
    print("import rliable.library:", error)
    assert "deprecate_kwarg" in str(error), "the behaviour has changed"
else:
    raise SystemExit("rliable.library can be imported: the behaviour has changed")
PYTHON
