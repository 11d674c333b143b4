"""Studies: a grid of cells, run by local workers, kept as one file per cell.

``study_file`` reads a study, ``config`` checks it, ``grid`` turns it into cells, ``prediction``
computes one cell, ``executor`` runs many, ``store`` keeps them, ``runner`` ties them together.
"""

from __future__ import annotations

from importlib.resources import files


def study_names() -> list[str]:
    """Names of the bundled studies, the one to start with first."""
    names = (
        entry.name.removesuffix(".toml")
        for entry in files("surrobench.studies").joinpath("suites").iterdir()
        if entry.name.endswith(".toml")
    )
    return sorted(names, key=lambda name: (name != "quickstart", name))
