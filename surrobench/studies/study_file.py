"""From the name of a study or its file, with the overrides of the command line, to the study."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from surrobench.base.paths import is_file
from surrobench.base.strict_toml import line_of, parse_toml, read_toml
from surrobench.errors import UserError, did_you_mean
from surrobench.studies import study_names
from surrobench.studies.kind import Kind
from surrobench.studies.kinds import KINDS, AnyStudy, kind_of
from surrobench.studies.settings import place


@dataclass(frozen=True)
class StudySource:
    """Where a study came from: ``name`` as typed and the folder of its relative paths."""

    name: str
    base: Path
    bundled: bool


def load_study(
    source: str,
    settings: Sequence[str] = (),
    *,
    replace: Mapping[str, Any] | None = None,
    live: Mapping[str, Any] | None = None,
    added_predictors: Sequence[Any] = (),
    added_strategies: Sequence[Any] = (),
    allow_code: bool = False,
) -> tuple[AnyStudy, StudySource]:
    """Read a study.

    Args:
        source: a bundled name (``"quickstart"``) or the path of a TOML file.
        settings: ``"key=value"`` overrides, each value in TOML's notation (or a bare text).
        replace: further overrides as Python values; they win.
        live: options of live tasks that are put beside those of the study, or replace them.
        added_predictors: predictors beside those of the study: names or tables.
        added_strategies: strategies beside those of the study: names or tables.
        allow_code: whether the file may name code (``module:Attribute``); overrides always may.

    Raises:
        UserError: listing every mistake with file and line.
    """
    content, text, origin = _read_source(source)
    if isinstance(content.get("tasks"), dict) and "kind" not in content:
        raise UserError(
            f"{source} is the card of a table, not a study. Run one on it: surrobench run "
            f"quickstart --task {shlex.quote(source)}"
        )
    written = content
    overrides = {**dict(_read_setting(setting) for setting in settings), **(replace or {})}
    number = line_of(text, ["kind"])
    kind = kind_of(content, f"{origin.name}:{number}" if number else origin.name)
    if not allow_code:
        _refuse_code(kind, kind.build(content, text, origin.name), content, text, origin)
    for key in overrides:
        _check_key(kind, key)
    content = {**content, **overrides}
    if live:
        _check_live(kind, live)
        content["live"] = {**content.get("live", {}), **live}
    for key, added in (("predictors", added_predictors), ("strategies", added_strategies)):
        if added:
            _check_key(kind, key)
            content[key] = [*_listed(kind, content, key), *added]
    try:
        return kind.build(content, text, origin.name), origin
    except UserError:
        if content == written or not _stands(kind, written, text, origin):
            raise
    # What is wrong is not in the file, so no line of it must be blamed.
    return kind.build(content, "", f"{origin.name} with the options given"), origin


def _stands(kind: Kind, content: dict[str, Any], text: str, origin: StudySource) -> bool:
    try:
        kind.build(content, text, origin.name)
    except UserError:
        return False
    return True


def _check_key(kind: Kind, key: str) -> None:
    valid = kind.model.model_fields
    if key not in valid:
        raise UserError(f"a {kind.name} study has no key {key!r}. " + did_you_mean(key, valid))


def _check_live(kind: Kind, live: Mapping[str, Any]) -> None:
    if "live" not in kind.model.model_fields:
        raise UserError(
            f"a {kind.name} study trains no networks, so it takes none of the options of live "
            f"tasks: {', '.join(live)}."
        )


def _listed(kind: Kind, content: Mapping[str, Any], key: str) -> list[Any]:
    """The list that something is added to."""
    if isinstance(content.get(key), list):
        return list(content[key])
    if key == kind.methods:
        return []
    raise UserError(
        f"this study leaves {key} to its {kind.methods}, so there is none to add to; say which "
        f"all of them take with --{key.removesuffix('s')}, or add one of the {kind.methods}."
    )


def _refuse_code(
    kind: Kind, study: AnyStudy, content: Mapping[str, Any], text: str, origin: StudySource
) -> None:
    """Files are data: what they name is imported only if the user says so."""
    for what, name in study.code():
        listed = content.get(kind.methods)
        alone = isinstance(listed, list) and any(one in (name, {"use": name}) for one in listed)
        otherwise = (  # which would lose the options of a table
            f"; or name the {what} yourself: --add-{what} {name}"
            if what == kind.subject and alone
            else "."
        )
        raise UserError(
            f"{place(name, text, origin.name)}: the {what} {name!r} is code outside surrobench. "
            f"If you trust this file, run it with --allow-code{otherwise}"
        )


def _read_source(source: str) -> tuple[dict[str, Any], str, StudySource]:
    path = Path(source)
    if source in study_names() and not is_file(path):
        text = files("surrobench.studies").joinpath("suites", f"{source}.toml").read_text("utf-8")
        return parse_toml(text, source), text, StudySource(source, Path.cwd(), True)
    if not is_file(path):
        if path.suffix == ".toml":
            raise UserError(f"{source}: there is no such study file (in {Path.cwd()}).")
        raise UserError(
            f"{source!r} is neither a study file (*.toml) nor a bundled study. "
            + did_you_mean(source, study_names())
        )
    content, text = read_toml(path)
    return content, text, StudySource(source, path.resolve().parent, False)


def _read_setting(setting: str) -> tuple[str, Any]:
    """``key=value`` of ``--set``."""
    key, equals, value = setting.partition("=")
    key = key.strip()
    if not equals or not key:
        raise UserError(f"--set {setting!r} is not of the form key=value, e.g. --set seeds=3.")
    known = {name: None for kind in KINDS.values() for name in kind.model.model_fields}
    if key not in known:
        raise UserError(f"--set {setting!r}: unknown key {key!r}. " + did_you_mean(key, known))
    try:
        return key, parse_toml(f"value = {value}", "--set")["value"]
    except UserError:
        if re.fullmatch(r"[\w.:+/-]+", value.strip()):  # a bare word needs no quotation marks
            return key, value.strip()
        raise UserError(
            f"--set {setting!r}: {value!r} is not a TOML value "
            '(text "…", number, list […] or table {…}).'
        ) from None
