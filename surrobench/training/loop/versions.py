"""What the numbers of a training depend on beside its settings."""

from __future__ import annotations

from importlib.metadata import version


def versions() -> dict[str, str]:
    """Versions of the packages that numbers of a training depend on."""
    return {name: version(name) for name in ("torch", "numpy", "scikit-learn")}
