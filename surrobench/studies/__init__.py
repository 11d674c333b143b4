"""Studies: a grid of cells, run by workers, kept as sealed records.

``study_file`` reads a study, ``executor`` runs its cells, ``store`` keeps them, ``view`` puts them
into one table and ``runner`` ties these together, whatever the kind of study. What the kinds bring
of their own stands in ``kinds``: settings (``config``, ``search_config``, ``pipeline_config``),
cells (``grid``, ``search_grid``, ``pipeline_grid``), how one is computed (``prediction``,
``search``, ``pipeline``) and the rows of the table. ``cluster`` has the cells computed by Dask.
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
