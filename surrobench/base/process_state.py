"""Settings of a whole process that code of others may change: kept, and put back.

A predictor that sets torch's default dtype, NumPy's error handling or the working folder would
change the numbers of whatever runs after it in the same process. So a cell leaves the process as it
found it (:func:`restored`), and our own parts do not depend on what they find
(:func:`standard_numerics`). The random generators are looked after elsewhere, cell by cell.

Not put back: ``sys.path`` and the modules that were imported, since code that was imported once
goes on relying on both.
"""

from __future__ import annotations

import functools
import gc
import locale
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import Any, TypeVar

T = TypeVar("T")

Setting = tuple[Callable[[], Any], Callable[[Any], Any]]
"""How a setting is read, and how it is set to what was read."""

_SIGNALS = ("SIGALRM", "SIGINT", "SIGTERM", "SIGFPE", "SIGUSR1", "SIGUSR2")


@contextmanager
def restored() -> Iterator[None]:
    """Put every setting back at the end, whatever happens in between."""
    before = read_settings()
    streams = sys.stdin, sys.stdout, sys.stderr
    with warnings.catch_warnings():
        try:
            yield
        finally:
            apply_settings(before)
            sys.stdin, sys.stdout, sys.stderr = streams


@contextmanager
def without_collection() -> Iterator[None]:
    """Make many objects without looking for cycles among them, which takes longer than they do."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def standard_numerics(*, gradients: bool = True) -> Iterator[None]:
    """Compute as in a fresh process: torch's defaults, and NumPy's and Python's warnings.

    torch's deterministic mode stays as it is: it picks algorithms of which each is right.

    Args:
        gradients: whether gradients are on, as in a fresh process; otherwise they stay as they are.
    """
    import numpy as np
    import torch

    before = torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()
    usual = torch.float32, torch.device("cpu"), gradients or before[2]
    if before != usual:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        torch.set_grad_enabled(usual[2])
    try:
        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            yield
    finally:
        if before != usual:
            torch.set_default_dtype(before[0])
            torch.set_default_device(None if before[1] == usual[1] else before[1])
            torch.set_grad_enabled(before[2])


def if_settled(method: Callable[..., T]) -> Callable[..., T]:
    """A method that computes by :func:`standard_numerics` where its object's ``settled`` is true.

    It is false for models of others, which may rely on what they set.
    """

    @functools.wraps(method)
    def call(self: Any, *arguments: Any, **options: Any) -> T:
        if not self.settled:
            return method(self, *arguments, **options)
        with standard_numerics():
            return method(self, *arguments, **options)

    return call


class ImportEffects:
    """What modules set when they were imported, so that it holds in every cell that uses them.

    A module is imported once in a process, in the first cell that names it. What it sets then would
    be gone in the next cell, so it is set again.
    """

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Any]] = {}

    @contextmanager
    def of(self, module: str) -> Iterator[None]:
        """Around the import of a module that may have been imported before."""
        if module in self._found:
            yield
            apply_settings(self._found[module])
            return
        before = read_settings()
        yield
        after = read_settings()
        changed = {name: value for name, value in after.items() if before.get(name) != value}
        self._found[module] = {name: value for name, value in changed.items() if name in before}


def read_settings() -> dict[str, Any]:
    """The value of every setting that exists in this process at the moment."""
    return {name: read() for name, (read, _) in _settings().items()}


def apply_settings(values: Mapping[str, Any]) -> None:
    """Set what :func:`read_settings` gave, where it is different now."""
    for name, (read, write) in _settings().items():
        if name in values:
            with suppress(Exception):  # such as a folder that is gone; the others still count
                if read() != values[name]:
                    write(values[name])


def _settings() -> dict[str, Setting]:
    """Settings of Python, and of those libraries that are imported."""
    found = _python()
    parts = {"numpy": _numpy, "torch": _torch, "sklearn": _sklearn, **_FLAGS}
    for library, settings in parts.items():
        module = sys.modules.get(library)
        if module is not None:
            with suppress(AttributeError):  # imported in part, or another module of that name
                found |= settings(module)
    return found


def _python() -> dict[str, Setting]:
    found: dict[str, Setting] = {
        "environment": (lambda: dict(os.environ), _set_environment),
        "working folder": (_folder, os.chdir),
        "locale": (partial(locale.setlocale, locale.LC_ALL), _set_locale),
        "recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
        "garbage collection": (gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    }
    if threading.current_thread() is threading.main_thread():
        for name in _SIGNALS:
            if number := getattr(signal, name, None):
                found[name] = (partial(signal.getsignal, number), partial(signal.signal, number))
        if hasattr(signal, "setitimer"):
            timer = signal.ITIMER_REAL
            found["alarm"] = (
                lambda: signal.getitimer(timer)[0] > 0,
                lambda on: None if on else signal.setitimer(timer, 0),
            )
    return found


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""


def _set_environment(values: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(values):
        del os.environ[name]
    os.environ.update(values)


def _set_locale(value: str) -> None:
    locale.setlocale(locale.LC_ALL, value)


def _numpy(np: Any) -> dict[str, Setting]:
    return {
        "numpy errors": (np.geterr, lambda how: np.seterr(**how)),
        "numpy error call": (np.geterrcall, np.seterrcall),
        "numpy printing": (np.get_printoptions, lambda how: np.set_printoptions(**how)),
    }


def _torch(torch: Any) -> dict[str, Setting]:
    backends = torch.backends
    found: dict[str, Setting] = {
        "torch dtype": (torch.get_default_dtype, torch.set_default_dtype),
        "torch device": (torch.get_default_device, _set_device),
        "torch gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
        "torch anomalies": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
        "torch deterministic": (
            torch.get_deterministic_debug_mode,
            torch.set_deterministic_debug_mode,
        ),
        "torch threads": (torch.get_num_threads, torch.set_num_threads),
        "torch precision": (
            torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision,
        ),
    }
    for owner, name in (
        (backends.cudnn, "benchmark"),
        (backends.cudnn, "deterministic"),
        (backends.cudnn, "enabled"),
    ):
        found[f"torch cudnn {name}"] = (
            partial(getattr, owner, name),
            partial(setattr, owner, name),
        )
    if torch.cuda.is_initialized():
        found["torch GPU"] = (torch.cuda.current_device, torch.cuda.set_device)
    return found


def _set_device(device: Any) -> None:
    """The CPU is what torch uses when no default was set, and quicker than a default."""
    import torch

    torch.set_default_device(None if device == torch.device("cpu") else device)


def _sklearn(sklearn: Any) -> dict[str, Setting]:
    return {"scikit-learn": (sklearn.get_config, lambda how: sklearn.set_config(**how))}


def _flags(module: Any) -> dict[str, Setting]:
    """The global values of the settings of GPyTorch and its relatives."""
    return _flags_of(module, len(vars(module)))  # which grows while it is being imported


@cache
def _flags_of(module: Any, names: int) -> dict[str, Setting]:
    """A setting has a value of its own once it was used; until then it has that of its base."""
    return {
        f"{module.__name__} {name} {field}": (
            partial(getattr, setting, field),
            partial(setattr, setting, field),
        )
        for name, setting in vars(module).items()
        if isinstance(setting, type)
        for field in {field: None for owner in setting.__mro__ for field in vars(owner)}
        if field == "_state" or field.startswith("_global")
    }


_FLAGS = dict.fromkeys(
    ("linear_operator.settings", "gpytorch.settings", "botorch.settings"), _flags
)
