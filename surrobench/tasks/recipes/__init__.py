"""Recipes: how the raw files of a published table become its rows.

A recipe is a function from ``{name of a source in the card: path}`` to an Arrow table. Raise its
version whenever its result changes; conversions made by another version are made again.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Where a recipe's function lives (``module:function``) and the version of its result."""

    target: str
    version: int = 1


RECIPES: dict[str, Recipe] = {
    "nb201": Recipe("surrobench.tasks.recipes.nb201:convert", 2),
    "nb201-hw": Recipe("surrobench.tasks.recipes.nb201_extras:convert_hardware", 2),
    "nb201-robust": Recipe("surrobench.tasks.recipes.nb201_extras:convert_robustness", 2),
    "tnb101-micro": Recipe("surrobench.tasks.recipes.tnb101:convert_micro"),
    "tnb101-macro": Recipe("surrobench.tasks.recipes.tnb101:convert_macro"),
    "hat": Recipe("surrobench.tasks.recipes.hat:convert"),
    "nbnlp-wikitext2": Recipe("surrobench.tasks.recipes.nbnlp:convert"),
}
