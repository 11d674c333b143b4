"""How figures look: one colour, marker and dash for each method, the same everywhere.

Colours come from Okabe and Ito's and Tol's palettes for colour-blind readers. No palette has
thirty colours that stay apart, so the channels share the work: colour says the predictor (blues
and greens are Gaussian processes), the marker too, a dash one lengthscale per feature, and a
hollow marker quantile-normal targets. A style depends on the method alone, never on its company.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl

ONE_COLUMN = 3.3
TWO_COLUMNS = 6.9
"""Widths in inches of figures in one and two columns of common conference templates."""

WIDTHS = {
    "neurips": (5.5, 5.5),
    "iclr": (5.5, 5.5),
    "icml": (3.25, 6.75),
    "ieee": (3.5, 7.16),
    "slides": (3.0, 4.8),
}
"""Inches of figures in one column and across the page, by the template that they are made for.

Slides are shown larger than printed: a small figure has large letters there.
"""

MUTED = "#c4c7cb"
"""Grey for everything that gives context only."""
INK = "#26292e"

Dash = str | tuple[float, tuple[float, ...]]

SOLID: Dash = "solid"
DASHED: Dash = (0, (4.0, 1.4))
DOTTED: Dash = (0, (1.2, 1.2))
DASH_DOT: Dash = (0, (4.0, 1.2, 1.0, 1.2))

PALETTE = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#332288", "#882255"),
)
"""Colours of things that are not methods, such as operations."""
_SHADES = (-0.45, 0.35, -0.7, 0.5, -0.25, -0.6, 0.2, 0.6)
"""How much black (below zero) or white is mixed into a colour that is used again."""
_LEAST_CONTRAST = 2.2
"""With white, of a shade: thin lines and names in a paler one are not seen on paper."""
_DARK_CARD = "#1d2024"
_LEAST_ON_DARK = 4.0
"""Contrast with a dark page."""
_GREY = 24
"""Channels of a grey differ by less."""

# name: family, colour, marker
_KNOWN = {
    "gp-matern52": ("Gaussian process", "#0072b2", "o"),
    "gp-matern32": ("Gaussian process", "#56b4e9", "s"),
    "gp-matern12": ("Gaussian process", "#332288", "^"),
    "gp-rbf": ("Gaussian process", "#009e8e", "D"),
    "random-forest": ("trees", "#117733", "v"),
    "xgboost": ("trees", "#e69f00", "P"),
    "mlp-ensemble": ("neural", "#d1341b", "X"),
    "svr": ("kernel machine", "#cc79a7", "<"),
    "knn": ("neighbours", "#882255", ">"),
    "bayesian-ridge": ("linear", "#8a7f1e", "d"),
    "params": ("floor", "#5c636b", "p"),
    "flops": ("floor", "#8d949c", "h"),
    "layers": ("floor", "#747b83", "H"),
    "constant": ("floor", "#5c636b", "."),
}
_SPARE_COLOURS = (
    "#aa4499",
    "#7a5195",
    "#1b9e4b",
    "#a6761d",
    "#3b6fb6",
    "#b2442e",
    "#0b7a75",
    "#6b4226",
)
_SPARE_MARKERS = ("*", "H", "8", "p", "s", "D", "^", "v")
_ENCODING_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "d")
_ENCODING_DASHES: tuple[Dash, ...] = (DASHED, DOTTED, DASH_DOT)


@dataclass(frozen=True)
class MethodStyle:
    """Colour, marker and dash of a method, and the family of methods that it belongs to."""

    family: str
    colour: str
    marker: str
    dash: Dash = SOLID
    hollow: bool = False

    @property
    def face(self) -> str:
        """Fill colour of the marker."""
        return "white" if self.hollow else self.colour


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def method_id(method: str) -> str:
    """The id of whatever shows a method in an SVG file, up to a further number after a dot."""
    return f"method-{hashlib.sha256(method.encode()).hexdigest()[:10]}"


def method_style(predictor: str, transform: str = "", encoding: str = "") -> MethodStyle:
    """The look of a predictor; names of others are hashed to spare colours and markers.

    Args:
        predictor: its name.
        transform: of the targets; ``none`` dots the line, other than the default hollows markers.
        encoding: given only where one predictor appears with several encodings; changes the
            marker and the dash.
    """
    base = predictor.removesuffix("-tuned").removesuffix("-ard")
    if base in _KNOWN:
        family, colour, marker = _KNOWN[base]
        dash = DASHED if predictor.removesuffix("-tuned") != base else SOLID
        if predictor.endswith("-tuned"):
            dash = DASH_DOT
    else:
        number = _digest(predictor)
        family, dash = "other", (SOLID, DASHED, DASH_DOT)[number // 64 % 3]
        colour = _SPARE_COLOURS[number % 8]
        marker = _SPARE_MARKERS[number // 8 % 8]
    if transform == "none":
        dash = DASH_DOT if dash == DASHED else DOTTED
    if encoding not in ("", "one-hot"):
        number = _digest(encoding)
        marker = _ENCODING_MARKERS[number % 8]
        dash = _ENCODING_DASHES[number // 8 % 3]
    return MethodStyle(family, colour, marker, dash, transform not in ("", "standardise", "none"))


def shade(colour: str, times: int) -> str:
    """A colour that was used ``times`` times before, made darker or lighter to differ from these.

    None is paler than can be seen on white. Five shades differ; the sixth is the first again.
    """
    mixed = dict.fromkeys(_mixed(colour, share) for share in _SHADES)
    seen = [m for m in mixed if m != colour and contrast(m, "#ffffff") >= _LEAST_CONTRAST]
    return [colour, *seen[:4]][times % (1 + len(seen[:4]))]


def on_dark(colour: str) -> str:
    """The colour made light enough to be seen on a dark page; greys from black on turn round."""
    channels = _channels(colour)
    if max(channels) - min(channels) < _GREY and contrast(colour, _DARK_CARD) < _LEAST_ON_DARK:
        level = round(255 - 0.8 * sum(channels) / 3)
        return f"#{level:02x}{level:02x}{level:02x}"
    steps = (_mixed(colour, step / 20) for step in range(20))
    return next(one for one in steps if contrast(one, _DARK_CARD) >= _LEAST_ON_DARK)


def contrast(one: str, other: str) -> float:
    """Ratio of the luminances of two colours, from 1 to 21 (WCAG 2.2)."""
    low, high = sorted(_luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    shares = (value / 255 for value in _channels(colour))
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue


def _mixed(colour: str, share: float) -> str:
    """A colour with so much white, or if it is negative black."""
    target = 255 if share > 0 else 0
    mixed = (round(value + abs(share) * (target - value)) for value in _channels(colour))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def apart(colours: Iterable[str]) -> list[str]:
    """The colours, each repetition in another shade."""
    seen: dict[str, int] = {}
    shades = []
    for colour in colours:
        shades.append(shade(colour, seen.get(colour, 0)))
        seen[colour] = seen.get(colour, 0) + 1
    return shades


def distinct_colours(count: int) -> list[str]:
    """So many colours, the first eight of :data:`PALETTE`, then shades of these."""
    return apart(PALETTE[place % len(PALETTE)] for place in range(count))


RC: dict[str, object] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 6.5,
    "axes.titlesize": 7,
    "axes.labelsize": 6.5,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.fontsize": 6,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e6e8ea",
    "grid.linewidth": 0.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.4,
    "lines.markeredgewidth": 0.8,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "legend.columnspacing": 1.4,
    "legend.labelspacing": 0.35,
    "figure.dpi": 150,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.hashsalt": "surrobench",
    "text.usetex": False,
    "axes.unicode_minus": True,
}
"""Settings that hold while a figure is drawn and while it is saved."""


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw and save under :data:`RC`, whatever the user's own matplotlib settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)  # type: ignore[arg-type]
        yield
