"""Live tasks whose data are images or signals: cells and chains."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.tasks.files.sources import cache_folder
from surrobench.tasks.live.live import LiveTask, Value
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.datasets.signals import synthetic_signals
from surrobench.training.loop.devices import choose_device
from surrobench.training.loop.fidelity import whole
from surrobench.training.loop.groups import LARGEST_GROUP
from surrobench.training.loop.recipe import Recipe
from surrobench.training.networks.cells import CellNetwork, Skeleton, learns, useful_edges
from surrobench.training.networks.networks import build_chain

CELL_IMAGES = 1024
"""Training images of cells.

Few images for many channels: with half the channels and twice the images a training takes not much
less, but more of its result is due to the seed.
"""
CELL_SKELETON = Skeleton(channels=16)
SIGNAL_SKELETON = Skeleton(ndim=1)
CELL_RECIPE = Recipe(batch_size=16, learning_rate=0.1, label_smoothing=0.2)
"""Smoothed labels cost nothing and make good cells differ by more than their seeds do."""
CACHED_BYTES = 2**21
"""What a tensor of a group of cells may hold on a CPU; larger ones leave the cache and are slow."""


def live_cells(
    data: Data | None = None,
    *,
    skeleton: Skeleton = CELL_SKELETON,
    recipe: Recipe | None = None,
    value: Value = "cross-entropy",
    device: str = "auto",
    cache: Path | None = None,
) -> LiveTask:
    """Cells of NAS-Bench-201, by default on distorted digits: ``live:cells``.

    Args:
        data: images; 1,024 distorted digits if omitted.
        skeleton: channels, cells per stage and reduction; by default 16, 1 and thin.
        recipe: three epochs of batches of 16 with a learning rate of 0.1 and a label smoothing of
            0.2 if omitted.
        value: what cells are compared by, see :class:`~surrobench.tasks.live.live.LiveTask`; two
            seeds agree better on the cross-entropies of good cells than on their accuracies.
        device: as for :func:`~surrobench.training.loop.devices.choose_device`.
        cache: folder of finished trainings; in the user's cache folder if omitted.
    """
    data = data or distorted_digits(train=CELL_IMAGES)
    data.check_kind("images", "live:signals" if skeleton.ndim == 1 else "live:cells")
    space = nas_bench_201()
    recipe, chosen = recipe or CELL_RECIPE, choose_device(device)
    channels, classes = data.shape[0], data.classes

    if skeleton.ndim == 1 and data.shape[1] != 1:
        raise UserError(f"skeleton: ndim is 1, but the images are {data.shape[1]} high, not 1.")

    def build(arch: Arch, width: float = 1.0) -> nn.Module:
        share = whole(width * skeleton.channels, f"width {width:g} of the channels")
        narrow = replace(skeleton, channels=share)
        return CellNetwork(space, arch, narrow, channels=channels, classes=classes)

    def cost_key(arch: Arch) -> Hashable:
        # Nothing else has parameters, or operations that are counted.
        convolutions = [edge for edge, i in enumerate(arch) if learns(space.operations[i])]
        useful = set(useful_edges(space, arch))
        computed = [arch[edge] for edge in convolutions if edge in useful]
        return tuple(sorted(arch[edge] for edge in convolutions)), tuple(sorted(computed))

    return LiveTask(
        "live:cells",
        space,
        build,
        {"skeleton": skeleton.settings},
        data,
        recipe,
        chosen,
        cache or cache_folder() / "live",
        _cells_together(skeleton, data, recipe, chosen),
        build_at=build,
        cost_key=cost_key,
        value=value,
    )


def _cells_together(skeleton: Skeleton, data: Data, recipe: Recipe, device: torch.device) -> int:
    """How many cells to train together: as many as the cache holds, on a GPU as many as allowed."""
    largest = LARGEST_GROUP[device.type]
    if device.type != "cpu":
        return largest
    _, height, width = data.shape
    bytes_each = 4 * recipe.batch_size * skeleton.channels * height * width
    return min(largest, max(1, CACHED_BYTES // bytes_each))


def live_signals(
    data: Data | None = None,
    *,
    skeleton: Skeleton = SIGNAL_SKELETON,
    recipe: Recipe | None = None,
    value: Value = "accuracy",
    **options: Any,
) -> LiveTask:
    """Cells of NAS-Bench-201 for signals, by default synthetic ones: ``live:signals``.

    Args:
        data: images of height 1; 4,096 signals of
            :func:`~surrobench.training.datasets.signals.synthetic_signals` if omitted.
        skeleton: as for :func:`live_cells`, by default with 8 channels; of one dimension, whatever
            it says.
        recipe: four epochs with a learning rate of 0.1 if omitted.
        value: as for :func:`live_cells`.
        options: as for :func:`live_cells`.
    """
    task = live_cells(
        data or synthetic_signals(),
        skeleton=replace(skeleton, ndim=1),
        recipe=recipe or Recipe(epochs=4, learning_rate=0.1),
        value=value,
        **options,
    )
    return replace(task, name="live:signals")


def live_chain(
    data: Data | None = None,
    *,
    div: int = 4,
    recipe: Recipe | None = None,
    value: Value = "accuracy",
    device: str = "auto",
    cache: Path | None = None,
) -> LiveTask:
    """Chains of convolutions and fully-connected layers, by default on distorted digits.

    Args:
        data: square images; 4,096 distorted digits if omitted.
        div: filters and widths are divided by it.
        recipe: three epochs with a learning rate of 0.05 if omitted.
        value: as for :func:`live_cells`.
        device: as for :func:`~surrobench.training.loop.devices.choose_device`.
        cache: folder of finished trainings; in the user's cache folder if omitted.

    Raises:
        UserError: for images that are not square.
    """
    data = data or distorted_digits()
    data.check_kind("images", "live:chain")
    channels, height, width = data.shape
    if height != width:
        raise UserError(f"live:chain needs square images, but these are {height} x {width}.")
    space, classes = Chains(side=height), data.classes

    def build(arch: Arch, width: float = 1.0) -> nn.Module:
        narrow = whole(div / width, f"div {div} over width {width:g}")
        return build_chain(space, arch, div=narrow, channels=channels, classes=classes)

    return LiveTask(
        "live:chain",
        space,
        build,
        {"side": height, "div": div},
        data,
        recipe or Recipe(),
        choose_device(device),
        cache or cache_folder() / "live",
        build_at=build,
        value=value,
    )
