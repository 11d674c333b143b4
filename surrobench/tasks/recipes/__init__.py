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


_HERE = "surrobench.tasks.recipes"

RECIPES: dict[str, Recipe] = {
    "nb201": Recipe(f"{_HERE}.nb201:convert", 2),
    "nb201-hw": Recipe(f"{_HERE}.nb201_extras:convert_hardware", 3),
    "nb201-robust": Recipe(f"{_HERE}.nb201_extras:convert_robustness", 2),
    "nb201-supernet": Recipe(f"{_HERE}.nb201_extras:convert_supernets"),
    "nb201-360": Recipe(f"{_HERE}.nb201_360:convert"),
    "nb101-sample": Recipe(f"{_HERE}.naslib_samples:convert_nb101"),
    "nb301-surrogate": Recipe(f"{_HERE}.naslib_samples:convert_nb301"),
    "suite-zero": Recipe(f"{_HERE}.naslib_samples:convert_suite_zero"),
    "suite-zero-micro": Recipe(f"{_HERE}.naslib_samples:convert_suite_zero_micro"),
    "tnb101-micro": Recipe(f"{_HERE}.tnb101:convert_micro"),
    "tnb101-macro": Recipe(f"{_HERE}.tnb101:convert_macro"),
    "darts-oncenas": Recipe(f"{_HERE}.oncenas:convert"),
    "lanas": Recipe(f"{_HERE}.lanas:convert"),
    "fbnet": Recipe(f"{_HERE}.help_devices:convert_fbnet"),
    "nbmr": Recipe(f"{_HERE}.nbmr:convert"),
    "nbgraph": Recipe(f"{_HERE}.nbgraph:convert"),
    "vitbench": Recipe(f"{_HERE}.vitbench:convert"),
    "cvpr22-vit": Recipe(f"{_HERE}.cvpr22:convert"),
    "hat": Recipe(f"{_HERE}.hat:convert"),
    "hwgpt": Recipe(f"{_HERE}.hwgpt:convert"),
    "nbnlp": Recipe(f"{_HERE}.nbnlp_ptb:convert"),
    "nbnlp-wikitext2": Recipe(f"{_HERE}.nbnlp:convert"),
    "steplaw": Recipe(f"{_HERE}.steplaw:convert"),
    "lcbench": Recipe(f"{_HERE}.hpo_pools:convert_lcbench"),
    "hpob": Recipe(f"{_HERE}.hpo_pools:convert_hpob"),
}
