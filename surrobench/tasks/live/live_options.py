"""Live tasks from plain values, as a study file or a command line states them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from surrobench.errors import UserError, did_you_mean
from surrobench.tasks.live.live import LIVE_TASKS, LiveTask, live_factory, live_task
from surrobench.tasks.live.live_images import CELL_IMAGES
from surrobench.tasks.live.live_sequences import SEQUENCE_TASKS, short_motifs
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.datasets.division import read_images
from surrobench.training.datasets.fasta import read_sequences
from surrobench.training.datasets.signals import synthetic_signals
from surrobench.training.loop.trainer import Recipe

Options = Mapping[str, Any]

SIZES = ("train", "validation", "test")
_OF_DATA = ("data", "data_seed", "side", *SIZES)
_OF_SEARCHES = ("lengths", "pool")
_NOT_PLAIN = ("data", "recipe", "device", "cache")
_DIGITS = "real handwritten digits (scikit-learn), procedurally distorted"
_SIGNALS = "synthetic signals, in the manner of MNIST-1D"
_MOTIFS = "synthetic sequences of motifs in an order (no biology)"
_GENERATORS: Mapping[str, tuple[Callable[..., Data], str]] = {
    "live:cells": (partial(distorted_digits, train=CELL_IMAGES), _DIGITS),
    "live:chain": (distorted_digits, _DIGITS),
    "live:signals": (synthetic_signals, _SIGNALS),
    "live:transformer": (short_motifs, _MOTIFS),
    "live:lora": (short_motifs, _MOTIFS),
}
"""What makes the data of a task where the user gives none, and what to call them."""


@dataclass(frozen=True, eq=False)
class LiveSetting:
    """A live task as a study names it.

    Attributes:
        label: the name of the task with the options that decide its numbers.
        task: the task.
        data: what it is trained on, in words.
        lengths: epochs that a search may ask for, ascending; the last is the full training.
        pool: how many candidates a search gets to see, None if the study does not say.
    """

    label: str
    task: LiveTask
    data: str
    lengths: tuple[int, ...]
    pool: int | None

    @property
    def training(self) -> tuple[int, int]:
        """Examples that a full training goes through, and its epochs."""
        epochs = self.task.recipe.epochs
        return epochs * len(self.task.data.train), epochs


def check_live_options(options: Any) -> dict[str, Any]:
    """Options of live tasks, each known to one of them and of a fitting type.

    Raises:
        UserError: naming the option.
    """
    if not isinstance(options, Mapping):
        raise UserError(f"{options!r} must be a table such as {{epochs = 4, train = 8192}}.")
    known = {name: kind for task in LIVE_TASKS for name, kind in _known(task).items()}
    for name, value in options.items():
        if name not in known:
            raise UserError(f"live tasks have no option {name!r}. " + did_you_mean(name, known))
        _check_type(name, value, known[name])
    return dict(options)


def _known(task: str) -> dict[str, Any]:
    """Option -> type, of one live task."""
    common = {**dict.fromkeys(("data_seed", "side", "pool", *SIZES), int), "lengths": list}
    hints = get_type_hints(Recipe)
    recipe = {field.name: hints[field.name] for field in fields(Recipe)}
    return {"data": str, "device": str, **common, **recipe, **_network_options(task)}


def _network_options(task: str) -> dict[str, Any]:
    """Option -> type of what decides the networks: arguments, and fields of those with fields."""
    found: dict[str, Any] = {}
    factory = live_factory(task)
    hints = get_type_hints(factory)
    for name in inspect.signature(factory).parameters:
        kind = _without_none(hints[name])
        if name in _NOT_PLAIN:
            continue
        if isinstance(kind, type) and is_dataclass(kind):
            inner = get_type_hints(kind)
            found.update({field.name: inner[field.name] for field in fields(kind)})
        elif kind in (int, float, str, bool) or get_origin(kind) is Literal:
            found[name] = kind
    return found


def _without_none(kind: Any) -> Any:
    members = [member for member in get_args(kind) if member is not NoneType]
    return members[0] if NoneType in get_args(kind) and len(members) == 1 else kind


def _check_type(name: str, value: Any, kind: Any) -> None:
    kind = _without_none(kind)
    if kind is list:
        whole = isinstance(value, list) and value and all(type(n) is int and n > 0 for n in value)
        if not whole or sorted(set(value)) != value:
            raise UserError(
                f"{name} = {value!r} must be a list of epochs, ascending, such as [1, 3]."
            )
        return
    if not isinstance(kind, type):  # a choice of words
        words = [str(word) for word in get_args(kind)]
        if value not in words:
            raise UserError(f"{name} = {value!r} is not one of {', '.join(words)}.")
        return
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (kind is not bool and isinstance(value, bool)):
        raise UserError(f"{name} = {value!r} must be of the type {kind.__name__}.")
    if isinstance(value, int | float) and value < 0:
        raise UserError(f"{name} = {value!r} must not be negative.")


def make_live(name: str, options: Options, base: Path) -> LiveSetting:
    """The live task that a study names.

    Args:
        name: such as ``"live:cells"``.
        options: plain values. ``data`` is the path of the user's images, or of a FASTA file beside
            which a table of labels has the same name with ``.tsv``; ``data_seed``, ``side``
            and the sizes of the splits shape them; fields of the recipe (``epochs`` …) and of the
            network (``channels`` …) stand beside them, and ``device``.
        base: folder that a relative path of data starts from.

    Raises:
        UserError: for an unknown task or option, or data that cannot be read.
    """
    if name not in LIVE_TASKS:
        raise UserError(f"unknown live task {name!r}. " + did_you_mean(name, LIVE_TASKS))
    known = _known(name)
    for option in options:
        if option not in known:
            raise UserError(f"{name} has no option {option!r}. " + did_you_mean(option, known))
    check_live_options(options)
    return _made(name, tuple((key, _frozen(options[key])) for key in sorted(options)), str(base))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@lru_cache(maxsize=8)
def _made(name: str, pairs: tuple[tuple[str, Any], ...], base: str) -> LiveSetting:
    options = dict(pairs)
    data, words = _data(name, options, Path(base))
    task = live_task(name, data, device=options.get("device", "auto"), **_network(name, options))
    own = {field.name for field in fields(task.recipe)}
    recipe = replace(task.recipe, **{key: value for key, value in options.items() if key in own})
    label = _label(name, options)
    lengths = tuple(options.get("lengths") or _halves(recipe.epochs))
    if lengths[-1] != recipe.epochs:
        raise UserError(
            f"{name}: lengths = {list(lengths)} must end with the epochs of a full training, "
            f"{recipe.epochs}."
        )
    whole = replace(task, name=label, recipe=recipe)
    return LiveSetting(label, whole, words, lengths, options.get("pool"))


def _halves(epochs: int) -> list[int]:
    """The full length, half of it, and so on, ascending."""
    lengths = [epochs]
    while lengths[0] > 1:
        lengths.insert(0, lengths[0] // 2)
    return lengths


def _label(name: str, options: Options) -> str:
    """The name with what decides the numbers, as other parts with options are written."""
    shown = {key: options[key] for key in sorted(options) if key != "device"}
    if "data" in shown:
        shown["data"] = Path(shown["data"]).name
    texts = [f"{key}={_text(value)}" for key, value in shown.items() if key not in _OF_SEARCHES]
    return f"{name}({', '.join(texts)})" if texts else name


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _data(name: str, options: Options, base: Path) -> tuple[Data | None, str]:
    """The user's images or sequences, or those of the task; with words for them."""
    sizes = {split: options[split] for split in SIZES if split in options}
    if "data" in options:
        path = base / str(options["data"])
        seed, side = options.get("data_seed", 0), options.get("side")
        if name in SEQUENCE_TASKS:
            if side is not None:
                raise UserError(f"{name}: side resizes images, but the data are sequences.")
            labels = path.with_suffix(".tsv")
            return read_sequences(path, labels, seed=seed, **sizes), f"sequences of {path.name}"
        return read_images(path, seed=seed, side=side, **sizes), f"images of {path.name}"
    generator, words = _GENERATORS.get(name, (None, f"the data that {name} makes"))
    if "side" in options:
        raise UserError(f"{name}: side resizes images of the option data, which is not given.")
    given = [option for option in _OF_DATA if option in options]
    if not given:
        return None, words
    if generator is None:
        raise UserError(f"{name} has data of its own; {given[0]} cannot be chosen.")
    seed = [options["data_seed"]] if "data_seed" in options else []
    return generator(*seed, **sizes), words


def _network(name: str, options: Options) -> dict[str, Any]:
    """Arguments of the factory: plain ones, and those with fields put together."""
    arguments: dict[str, Any] = {}
    hints = get_type_hints(live_factory(name))
    defaults = inspect.signature(live_factory(name)).parameters
    for parameter, kind in _arguments(hints):
        if is_dataclass(kind):
            own = {f.name: options[f.name] for f in fields(kind) if f.name in options}
            if own:
                plain = defaults[parameter].default
                arguments[parameter] = replace(plain if plain is not None else kind(), **own)  # type: ignore[operator]
        elif parameter in options:
            arguments[parameter] = options[parameter]
    return arguments


def _arguments(hints: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for parameter, hint in hints.items():
        if parameter not in (*_NOT_PLAIN, "return"):
            yield parameter, _without_none(hint)


def shortened(task: LiveTask, share: float) -> LiveTask:
    """The task with the first part of its training data; validation and test stay as they are.

    Args:
        task: the task.
        share: of the training data, above 0, at most 1.
    """
    if share == 1.0:
        return task
    n = max(1, round(share * len(task.data.train)))
    return replace(task, data=task.data.with_fewer(n))
