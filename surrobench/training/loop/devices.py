"""Where networks are trained, and how time is taken there."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal

import torch

from surrobench.base.wording import counted
from surrobench.errors import UserError, did_you_mean

CPU = torch.device("cpu")
KINDS = ("auto", "cpu", "cuda", "mps")
Precision = Literal["float32", "bfloat16"]


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name.

    Args:
        name: ``"cpu"``, ``"cuda"`` or one GPU of several (``"cuda:1"``), ``"mps"`` (Apple), or
            ``"auto"``: CUDA if there is such a GPU, else MPS, else the CPU.

    Raises:
        UserError: for a name that is none of these, or a device that this machine lacks.
    """
    kind, _, number = name.partition(":")
    if kind not in KINDS or (number and (kind != "cuda" or not number.isdecimal())):
        raise UserError(
            f"device {name!r} is not one of {', '.join(KINDS)} or 'cuda:1'. "
            + did_you_mean(name, KINDS)
        )
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu"
    elif kind == "cuda":
        _check_cuda(name, int(number or 0))
    elif kind == "mps" and not _has_mps():
        raise UserError("device 'mps': this machine or this build of torch has no Apple GPU.")
    return torch.device(kind, int(number)) if number else torch.device(kind)


def _check_cuda(name: str, number: int) -> None:
    if not torch.cuda.is_available():
        built = torch.version.cuda
        reason = "torch finds no NVIDIA GPU" if built else "this build of torch is for CPU only"
        raise UserError(f"device {name!r}: {reason}; use 'auto' or 'cpu'.")
    if number >= torch.cuda.device_count():
        raise UserError(
            f"device {name!r}: there are {counted(torch.cuda.device_count(), 'CUDA GPU')}."
        )


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


def clock(device: torch.device) -> Callable[[], float]:
    """A clock in seconds: of all threads on the CPU; on a GPU of the wall, all work done."""
    if device.type == "cpu":
        return time.process_time

    def after_all_work() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        else:
            torch.mps.synchronize()
        return time.perf_counter()

    return after_all_work


def computing_in(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Inside, convolutions and matrix products are computed in that precision; weights stay."""
    if precision == "float32":
        return nullcontext()
    # Every weight is used once a pass, and a kept copy would outlive a recorded graph.
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)


@contextmanager
def threads_on(device: torch.device, threads: int | None) -> Iterator[None]:
    """Inside, torch uses so many threads on the CPU; its own setting for None or another device."""
    before = torch.get_num_threads()
    if threads is None or device.type != "cpu" or threads == before:
        yield
        return
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def forget_peak_memory(device: torch.device) -> None:
    """Begin to watch for the peak that :func:`peak_memory` tells, where that is possible."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> float:
    """Most bytes in use at a time; NaN where nobody counts.

    On a CUDA GPU those of tensors since :func:`forget_peak_memory`; on the CPU those of the whole
    process since it began (its resident set, as the operating system counts it).
    """
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    if device.type != "cpu":
        return float("nan")
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else 1024 * peak)
