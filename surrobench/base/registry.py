"""Lazy registries: a name stands for a ``module:attribute`` that is imported on first use.

Listing names must stay cheap (no torch, no scikit-learn), so an entry stores where a part lives and
with which options it is built, never the part itself.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

from surrobench.base.homes import home_of
from surrobench.base.options import check_names, option_names
from surrobench.base.plug_ins import PlugIn, claimed, plug_ins
from surrobench.errors import UserError, did_you_mean, fault, place_of

T = TypeVar("T")
PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True)
class Spec:
    """A part as a study or a user names it.

    Attributes:
        name: a registered name or a dotted path.
        options: what differs from the defaults.
        label: what to call it instead of its name.
    """

    name: str
    options: dict[str, Any]
    label: str | None = None


@dataclass(frozen=True)
class Entry:
    """Where a registered part lives, how it is built and one line about it.

    Attributes:
        name: as it is asked for.
        target: ``module:Attribute``.
        summary: one line.
        options: presets.
        owners: the packages that announce it; none for a part of this one.
    """

    name: str
    target: str
    summary: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    owners: tuple[PlugIn, ...] = ()


@dataclass(frozen=True)
class Listed:
    """A line of a list of names.

    Attributes:
        name: as it is asked for.
        summary: one line about it.
        package: the distribution that it comes from; "" for this one.
        broken: why it cannot be used; "" if it can.
    """

    name: str
    summary: str
    package: str = ""
    broken: str = ""


def import_attribute(path: str) -> Any:
    """Import ``package.module:Attribute`` (the current folder is searched too).

    Modules of this package may be given without the folder of their family.

    Raises:
        UserError: if the module or the attribute does not exist, naming which.
    """
    module_name, _, attribute = path.partition(":")
    if not module_name or not attribute:
        raise UserError(f"{path!r} is not of the form 'package.module:Attribute'.")
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.append(folder)
    module_name = home_of(module_name)
    module = _import_module(path, module_name, folder)
    value: Any = module
    for part in attribute.split("."):
        if not hasattr(value, part):
            public = [name for name in vars(module) if not name.startswith("_")]
            raise UserError(
                f"{path!r}: module {module_name!r} has no attribute {part!r}. "
                + did_you_mean(part, public)
            )
        value = getattr(value, part)
    return value


def _import_module(path: str, name: str, folder: str) -> ModuleType:
    """Import a module; what goes wrong in one of others is theirs, with its file and line."""
    try:
        with nullcontext() if is_own(name) else _around_import(name):
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(missing + "."):
            of_a_file = f" Name the module, without .py: {name[:-3]}:…" * name.endswith(".py")
            raise UserError(
                f"{path!r}: there is no module {missing!r} on the Python path or in {folder}."
                + of_a_file
            ) from error
        raise UserError(f"{path!r}: importing it needs the package {missing!r}.") from error
    except (Exception, SystemExit) as error:
        if is_own(name) or isinstance(error, UserError):
            raise
        raise UserError(f"{path!r} cannot be imported: {fault(error)}.") from error


_around_import: Callable[[str], AbstractContextManager[object]] = nullcontext


@contextmanager
def watched_imports(around: Callable[[str], AbstractContextManager[object]]) -> Iterator[None]:
    """Enter ``around(module)`` whenever a module of others is asked for, also a known one."""
    global _around_import
    before, _around_import = _around_import, around
    try:
        yield
    finally:
        _around_import = before


def is_own(target: str) -> bool:
    """Whether a module, or ``module:Attribute``, belongs to this package."""
    return target.partition(":")[0].partition(".")[0] == PACKAGE


class Registry(Generic[T]):
    """Names of one kind of part (``"predictor"``, ``"encoding"``, …).

    Packages add names through the entry-point group ``surrobench.<kinds>`` (such as
    ``surrobench.predictors`` or ``surrobench.strategies``, see :mod:`surrobench.base.plug_ins`);
    anything else is reached by its dotted path ``module:Attribute``.

    Args:
        kind: of the parts, in the singular, with underscores between words.
        example: of a specification with options, for messages.
    """

    def __init__(self, kind: str, example: str = "") -> None:
        self.kind = kind
        self.noun = kind.replace("_", " ")
        self._example = example
        self._entries: dict[str, Entry] = {}
        self._shadowed: dict[str, tuple[PlugIn, ...]] = {}
        self._plugins_read = False

    def register(self, name: str, target: str, summary: str = "", **options: Any) -> None:
        """Add a name; a second owner of the same name is an error that names both."""
        known = self._entries.get(name)
        if known is not None and (known.target, dict(known.options)) != (target, options):
            raise UserError(
                f"the {self.noun} name {name!r} is claimed by {known.target} and by {target}."
            )
        self._entries[name] = Entry(name, target, summary, options)

    def _read_plugins(self) -> None:
        """Add what packages announce; a name of this package's own stays what it is."""
        if self._plugins_read:
            return
        self._plugins_read = True
        by_name: dict[str, list[PlugIn]] = {}
        for group in _groups(self.kind):
            for found in plug_ins(group):
                owners = by_name.setdefault(found.name, [])
                if all((o.target, o.package) != (found.target, found.package) for o in owners):
                    owners.append(found)
        for name, owners in by_name.items():
            if name in self._entries:
                self._shadowed[name] = tuple(owners)
            else:
                self._entries[name] = Entry(name, owners[0].target, "plug-in", owners=tuple(owners))

    def names(self) -> list[str]:
        """All registered names, in the order of registration."""
        self._read_plugins()
        return list(self._entries)

    def entry(self, name: str) -> Entry:
        """The entry of a name.

        Raises:
            UserError: for an unknown name, with the nearest valid ones.
        """
        self._read_plugins()
        self.check_name(name)
        if name not in self._entries:
            own = " One of your own is written module:Name." * ("." in name)
            suggestion = did_you_mean(name, self._entries)
            raise UserError(f"unknown {self.noun} {name!r}. {suggestion}{own}")
        return self._entries[name]

    def own_modules(self, names: Iterable[str]) -> set[str]:
        """The modules of this package in which the parts of these names live."""
        targets = {self._entries[name].target for name in names if name in self._entries}
        return {target.partition(":")[0] for target in targets if is_own(target)}

    def listed(self) -> list[Listed]:
        """A line for each name; parts of other packages are imported, to say which are broken."""
        found = []
        for name in self.names():
            entry = self._entries[name]
            if entry.owners:
                found.append(self._listed_plug_in(entry))
            else:
                found.append(Listed(name, entry.summary))
        for name, owners in self._shadowed.items():
            own = PlugIn(name, self._entries[name].target, PACKAGE)
            for owner in owners:
                told = claimed(self.noun, name, [own, owner])
                found.append(Listed(name, "", owner.origin, told))
        return found

    def _listed_plug_in(self, entry: Entry) -> Listed:
        origin = " and ".join(owner.origin for owner in entry.owners)
        try:
            part = self.load(entry.name)
        except UserError as error:
            return Listed(entry.name, "", origin, str(error))
        said = (inspect.getdoc(part) or "").strip() if callable(part) else ""
        return Listed(entry.name, said.partition("\n")[0].rstrip("."), origin)

    def load(self, name: str) -> Any:
        """What stands behind a registered name: a class, a function or an object.

        Raises:
            UserError: for an unknown name, for one that two packages claim (naming both), and where
                it cannot be imported (with file and line, or with how to install what is missing).
        """
        entry = self.entry(name)
        if len(entry.owners) > 1:
            raise UserError(claimed(self.noun, name, entry.owners))
        try:
            return import_attribute(entry.target)
        except UserError as error:
            if not entry.owners:
                raise
            raise UserError(self._cannot_load(entry.owners[0], error)) from error
        except (Exception, SystemExit) as error:  # its ``__getattr__``, for example
            if not entry.owners:
                raise
            raise UserError(self._cannot_load(entry.owners[0], error)) from error

    def _cannot_load(self, owner: PlugIn, error: BaseException) -> str:
        told = str(error) if isinstance(error, UserError) else f"{fault(error)}."
        cause = error.__cause__
        if isinstance(cause, ModuleNotFoundError) and cause.name:
            inside = owner.target.partition(":")[0].partition(".")[0]
            if cause.name.partition(".")[0] != inside:
                told += f" Install it with: {owner.install_line(cause.name)}"
        return f"the {self.noun} {owner.name!r} of {owner.origin} is broken: {told}"

    def check_name(self, name: object) -> None:
        """Refuse what is no text, such as a list where a study has room for one name.

        Raises:
            UserError: saying so.
        """
        if not isinstance(name, str):
            raise UserError(f"{name!r} is no {self.noun}: a name in quotation marks belongs here.")

    def read(self, spec: str | Mapping[str, Any], **options: Any) -> Spec:
        """Name and options of a specification.

        Args:
            spec: a name or dotted path, or a mapping with that under ``use``, perhaps a ``label``,
                and options beside it (``{use = "random-forest", trees = 500}``).
            options: override those of ``spec``.

        Raises:
            UserError: for anything else.
        """
        if not isinstance(spec, Mapping):
            self.check_name(spec)
            return Spec(spec, options)
        if not isinstance(spec.get("use"), str):
            raise UserError(
                f"{self.noun} {dict(spec)!r}: say which {self.noun} under the key 'use', for "
                f"example {self._example}."
            )
        own = {key: value for key, value in spec.items() if key not in ("use", "label")}
        return Spec(spec["use"], {**own, **options}, spec.get("label"))

    def find(self, name: str) -> tuple[Any, dict[str, Any]]:
        """What makes the part ``name`` (registered or a dotted path), and its preset options.

        Raises:
            UserError: for an unknown name, with the nearest valid ones.
        """
        self.check_name(name)
        if ":" in name and name not in self.names():
            return import_attribute(name), {}
        return self.load(name), dict(self.entry(name).options)

    def make(self, spec: str | Mapping[str, Any], **options: Any) -> T:
        """Build a part from a specification; see :meth:`read`.

        Raises:
            UserError: for an unknown name or option, with the nearest valid ones.
        """
        read = self.read(spec, **options)
        owner = f"{self.noun} {read.name!r}"
        check_names(owner, read.options, option_names(self.find(read.name)[0]))
        return self.create(read.name, **read.options)

    def create(self, name: str, **options: Any) -> T:
        """Build the part ``name`` (registered or a dotted path); options override defaults."""
        value, defaults = self.find(name)
        target = name if ":" in name and name not in self.names() else self.entry(name).target
        merged = {**defaults, **options}
        if not callable(value) or (not isinstance(value, type) and not merged and _is_part(value)):
            if merged:
                raise UserError(f"{self.noun} {name!r} is an object and takes no options.")
            return cast(T, value)
        return cast(T, built(self.noun, name, target, value, merged))


def built(
    kind: str, name: str, target: str, factory: Callable[..., Any], options: Mapping[str, Any]
) -> Any:
    """Call a factory of a part.

    Args:
        kind: of the part.
        name: as it was asked for.
        target: ``module:Attribute`` of the factory.
        factory: what is called.
        options: its keyword arguments.

    Raises:
        UserError: if the options do not fit, and for whatever a factory from outside this package
            raises, with its file and line.
    """
    try:
        return factory(**options)
    except UserError:
        raise
    except TypeError as error:
        where = "" if is_own(target) or not place_of(error) else f" [{place_of(error)}]"
        raise UserError(f"{kind} {name!r} could not be built: {error}{where}.") from error
    except (Exception, SystemExit) as error:
        if is_own(target):
            raise
        raise UserError(f"{kind} {name!r} could not be built: {fault(error)}.") from error


def _groups(kind: str) -> tuple[str, ...]:
    """Entry-point groups of a kind; a plural that was misspelt once is still read."""
    if kind.endswith("y"):
        return f"surrobench.{kind[:-1]}ies", f"surrobench.{kind}s"
    return (f"surrobench.{kind}s",)


def _is_part(value: object) -> bool:
    """Whether a callable object is already a part (an instance), not a factory of one."""
    return not hasattr(value, "__qualname__")
