"""A training step recorded once as a CUDA graph and replayed for every further batch.

Small networks spend most of a step starting operations one by one; a graph starts all of them at
once. What is recorded reads its batch from fixed places in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor

Step = Callable[[Tensor, Tensor], Tensor]
Replay = Callable[[], Tensor]
WARM_UP = 3
"""Steps before recording: libraries choose their algorithms, and optimisers their memory."""


class GraphedStep:
    """A step that is replayed as soon as it can be.

    The first steps are done one operation at a time, as is every batch of another shape than the
    first (the last one of an epoch may be smaller). If recording fails, all steps are.

    Args:
        step: from a batch and its targets to the loss of each member; it changes weights in place
            and leaves nothing to Python that differs from step to step.
        record: turns the step of fixed tensors into its replay without doing it.
        aside: does a step as recording will do it.

    Attributes:
        reason: why nothing is replayed, empty otherwise.
    """

    def __init__(
        self,
        step: Step,
        record: Callable[[Callable[[], Tensor]], Replay] | None = None,
        aside: Callable[[Callable[[], Tensor]], Tensor] | None = None,
    ) -> None:
        self.reason = ""
        self._step, self._record, self._aside = step, record or _recorded, aside or _on_side_stream
        self._done = 0
        self._buffers: tuple[Tensor, Tensor] | None = None
        self._replay: Replay | None = None

    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """One step; the loss of each member before it."""
        # Streams and graphs belong to the current GPU, which may be another one of several.
        with torch.cuda.device(inputs.device) if inputs.is_cuda else nullcontext():
            return self._do(inputs, targets)

    def _do(self, inputs: Tensor, targets: Tensor) -> Tensor:
        if self._buffers is None:
            fixed = torch.empty(targets.shape, dtype=targets.dtype, device=targets.device)
            self._buffers = torch.empty_like(inputs), fixed
        shapes = [buffer.shape for buffer in self._buffers]
        if self.reason or shapes != [inputs.shape, targets.shape]:
            return self._step(inputs, targets)
        for buffer, value in zip(self._buffers, (inputs, targets), strict=True):
            buffer.copy_(value)
        self._done += 1
        if self._done <= WARM_UP:
            return self._aside(self._fixed)
        if self._replay is None:
            self._replay = self._try_to_record()
        return self._fixed() if self._replay is None else self._replay().clone()

    def _fixed(self) -> Tensor:
        """The step of what is in the buffers."""
        assert self._buffers is not None
        return self._step(*self._buffers)

    def _try_to_record(self) -> Replay | None:
        try:
            return self._record(self._fixed)
        except Exception as error:  # whatever CUDA does not want to record
            first = (str(error).strip() or "no message").splitlines()[0]
            self.reason = f"no CUDA graph: {type(error).__name__}: {first}"
            return None


def _recorded(step: Callable[[], Tensor]) -> Replay:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        losses = step()

    def replay() -> Tensor:
        graph.replay()
        return losses

    return replay


def _on_side_stream(step: Callable[[], Tensor]) -> Tensor:
    """Recording happens beside the default stream, so what comes before it must as well."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        losses = step()
    torch.cuda.current_stream().wait_stream(stream)
    return losses
