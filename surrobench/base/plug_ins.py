"""Parts that installed packages announce by entry points, and what is said where one fails.

A package names its parts in the groups ``surrobench.predictors``, ``.encodings``, ``.spaces``,
``.tasks``, ``.acquisitions``, ``.strategies`` and ``.figures``. Nothing is imported to read them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points, requires


@dataclass(frozen=True)
class PlugIn:
    """One name that a package announces.

    Attributes:
        name: as it is asked for.
        target: ``module:Attribute``.
        package: name of the distribution, "" if it is not known.
        version: of the distribution.
        extras: of the distribution that the part needs, as the entry point says.
    """

    name: str
    target: str
    package: str = ""
    version: str = ""
    extras: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """The distribution with its version, in words."""
        return f"{self.package} {self.version}".strip() or "an unnamed package"

    def install_line(self, missing: str) -> str:
        """How to get a module that the part cannot be imported without.

        Args:
            missing: name of the module.
        """
        extra = _extra_with(self.package, missing) or ",".join(self.extras)
        wanted = f"'{self.package}[{extra}]'" if self.package and extra else missing
        return f"pip install {wanted}"


@lru_cache(maxsize=16)
def plug_ins(group: str) -> tuple[PlugIn, ...]:
    """What installed packages announce in an entry-point group, each once, in order of names."""
    found = {_plug_in(point): None for point in entry_points(group=group)}
    return tuple(sorted(found, key=lambda plug_in: (plug_in.name, plug_in.package)))


def _plug_in(point: EntryPoint) -> PlugIn:
    owner = point.dist
    target = f"{point.module}:{point.attr}" if point.attr else point.module
    extras = tuple(point.extras)
    if owner is None:
        return PlugIn(point.name, target, extras=extras)
    return PlugIn(point.name, target, owner.name, owner.version, extras)


def claimed(kind: str, name: str, owners: Sequence[PlugIn]) -> str:
    """A sentence about two owners of one name."""
    named = " and by ".join(f"{owner.target} ({owner.origin})" for owner in owners)
    return (
        f"the {kind} name {name!r} is claimed by {named}; uninstall one of the packages, or name "
        "the part that you mean by its path."
    )


def _extra_with(package: str, module: str) -> str:
    """The extra of a package that brings a module, as far as the names tell; "" if none does."""
    if not package:
        return ""
    for requirement in requires(package) or ():
        head, _, marker = requirement.partition(";")
        required = re.match(r"\s*[\w.-]+", head)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", marker)
        if required and extra and _plain(required[0]) == _plain(module.partition(".")[0]):
            return extra[1]
    return ""


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
