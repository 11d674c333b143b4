from __future__ import annotations

import itertools

import matplotlib as mpl
from matplotlib.colors import to_rgb

from surrobench.report.common.style import RC, method_style, paper_style

KNOWN = [
    "gp-rbf",
    "gp-matern12",
    "gp-matern32",
    "gp-matern52",
    "random-forest",
    "xgboost",
    "mlp-ensemble",
    "svr",
    "knn",
    "bayesian-ridge",
    "params",
    "flops",
    "constant",
]


def test_every_variant_of_a_gp_looks_different() -> None:
    variants = [
        method_style(name + suffix, transform)
        for name in KNOWN[:4]
        for suffix in ("", "-ard")
        for transform in ("standardise", "none", "quantile-normal")
    ]
    assert len(set(variants)) == len(variants)


def test_known_predictors_differ_in_marker_and_clearly_in_colour() -> None:
    styles = [method_style(name) for name in KNOWN]
    assert len({item.marker for item in styles}) == len(styles)
    learned = [to_rgb(item.colour) for item in styles if item.family != "floor"]
    for a, b in itertools.combinations(learned, 2):
        assert sum(abs(x - y) for x, y in zip(a, b, strict=True)) > 0.15


def test_a_predictor_of_ones_own_keeps_its_look() -> None:
    assert method_style("mine:Model") == method_style("mine:Model")
    names = {(method_style(f"m:P{i}").colour, method_style(f"m:P{i}").marker) for i in range(60)}
    assert len(names) > 30


def test_an_encoding_changes_the_marker_or_the_dash() -> None:
    assert method_style("xgboost", "standardise", "path") != method_style(
        "xgboost", "standardise", "one-hot"
    )


def test_settings_do_not_leak() -> None:
    before = mpl.rcParams["font.size"]
    with paper_style():
        assert mpl.rcParams["pdf.fonttype"] == 42
        assert mpl.rcParams["font.size"] == RC["font.size"]
    assert mpl.rcParams["font.size"] == before
