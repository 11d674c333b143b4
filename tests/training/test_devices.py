"""The device that is asked for, or a sentence that says why not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from surrobench.errors import UserError
from surrobench.training.loop.devices import (
    CPU,
    choose_device,
    clock,
    forget_peak_memory,
    peak_memory,
)


def _machine(monkeypatch: pytest.MonkeyPatch, *, cuda: int, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(2, True, "cuda"), (0, True, "mps"), (0, False, "cpu")]
)
def test_auto_prefers_cuda_then_mps(
    monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool, expected: str
) -> None:
    _machine(monkeypatch, cuda=cuda, mps=mps)
    assert choose_device().type == expected


def test_one_gpu_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, cuda=2, mps=False)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(UserError, match="'cuda:2': there are 2 CUDA GPUs"):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_an_absent_gpu_is_said_to_be_absent(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    _machine(monkeypatch, cuda=0, mps=False)
    with pytest.raises(UserError, match=f"device '{name}'"):
        choose_device(name)


@pytest.mark.parametrize("name", ["gpu", "cpu:0", "cuda:x", "", "cuda:-1"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="is not one of auto, cpu, cuda, mps"):
        choose_device(name)


def test_the_clock_of_the_cpu_counts_work() -> None:
    now = clock(torch.device("cpu"))
    started = now()
    torch.randn(200, 200).matmul(torch.randn(200, 200))
    assert now() > started


class FakeCuda:
    """What is asked of torch.cuda, and of which GPU."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, torch.device]] = []
        for name in ("synchronize", "reset_peak_memory_stats", "max_memory_allocated"):
            monkeypatch.setattr(torch.cuda, name, self.answer(name))

    def answer(self, name: str) -> Callable[[torch.device], int]:
        def called(device: torch.device) -> int:
            self.asked.append((name, device))
            return 2**20

        return called


def test_times_and_memory_are_those_of_the_gpu_that_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake, second = FakeCuda(monkeypatch), torch.device("cuda:1")
    clock(second)()
    forget_peak_memory(second)
    assert peak_memory(second) == 2**20
    names = ["synchronize", "reset_peak_memory_stats", "max_memory_allocated"]
    assert fake.asked == [(name, second) for name in names]


def test_the_peak_of_a_process_never_falls() -> None:
    before = peak_memory(CPU)
    held = torch.zeros(2**23).sum()  # 32 MiB
    assert held == 0
    assert peak_memory(CPU) >= before > 0
