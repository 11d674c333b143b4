"""The homes of modules: which folder of its family a module lives in is no part of its name.

Keys of cells, saved searches and study files name classes by family and module, as
``surrobench.predictors.trees:XGBoost``, wherever in the family the module lies. So a module can
move into a folder, and what was computed before is found again.
"""

from __future__ import annotations

from importlib.util import find_spec

FOLDERS = {
    "predictors": ("gp", "graphs", "learners", "transfer"),
    "strategies": ("bayesian", "evolution", "fidelity", "peers", "reinforcement", "running"),
}
"""Family -> folders that its modules moved into without a new name."""
RENAMED = {"surrobench.predictors.gp.recipe": "surrobench.predictors.pool_gp.recipe"}
"""Home -> name, of modules whose classes keys name and that came from another folder."""
_NAMED = {name: home for home, name in RENAMED.items()}


def name_of(module: str) -> str:
    """The name that keys and files know a module by: ``surrobench.predictors.trees``."""
    parts = module.split(".")
    if module in RENAMED or len(parts) != 4 or parts[0] != "surrobench":
        return RENAMED.get(module, module)
    _, family, folder, stem = parts
    return f"surrobench.{family}.{stem}" if folder in FOLDERS.get(family, ()) else module


def home_of(module: str) -> str:
    """Where a module is that a file knows by its name: ``surrobench.predictors.learners.trees``.

    A folder may have the name of a module in it: ``surrobench.predictors.gp`` is the module.
    """
    parts = module.split(".")
    if module in _NAMED or len(parts) != 3 or parts[0] != "surrobench":
        return _NAMED.get(module, module)
    _, family, stem = parts
    folders = FOLDERS.get(family, ())
    if stem not in folders and find_spec(module) is not None:
        return module
    homes = (f"surrobench.{family}.{folder}.{stem}" for folder in folders)
    return next((home for home in homes if find_spec(home) is not None), module)
