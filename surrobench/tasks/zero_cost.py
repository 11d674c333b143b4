"""Zero-cost proxies of the architectures of a live task, as measured columns and as a table.

They are columns of an encoding, and what the predictors named after them rank by. For example, a
search among some candidates whose predictor knows the proxies::

    task = live_task("live:cells")
    archs = connected_candidates  # a list of architectures of task.space
    columns = zero_cost_columns(task, archs)
    candidates = Candidates(task.space, archs, columns)
    search(candidates, task.evaluate, predictor="random-forest", encoding="one-hot+measured")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from surrobench.spaces.architecture import Arch
from surrobench.tasks.live import LiveTask
from surrobench.training.zero_cost import PROXIES
from surrobench.training.zero_cost.scoring import IMAGES, all_proxies

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int], None]


def zero_cost_columns(
    task: LiveTask,
    archs: Sequence[Arch],
    *,
    names: Sequence[str] | None = None,
    seed: int = 0,
    images: int = IMAGES,
    progress: Progress | None = None,
) -> dict[str, npt.NDArray[np.float64]]:
    """Zero-cost proxies of architectures, a column each.

    As in training, equal networks share the values of the canonical one.

    Args:
        task: what builds the networks; its training images are looked at.
        archs: architectures of its space, ``n``.
        names: registered proxies or dotted paths; all registered ones if omitted.
        seed: of the initial weights, the batch and the proxies that draw random numbers.
        images: size of the batch.
        progress: told the number of networks done and of all networks.

    Returns:
        The proxies by name, ``n`` values each: NaN where a proxy is not defined, possibly infinite.

    Raises:
        UserError: for an unknown proxy, an architecture of another space, or fewer images than 2.
    """
    canonical = [task.space.canonical(task.space.check(arch)) for arch in archs]
    found: dict[Arch, dict[str, float]] = {}
    distinct, data = list(dict.fromkeys(canonical)), task.data.to(task.device)
    for done, arch in enumerate(distinct, start=1):
        build = partial(task.build, arch)
        found[arch] = all_proxies(build, data, seed, images=images, names=names)
        if progress:
            progress(done, len(distinct))
    return {
        name: np.array([found[arch][name] for arch in canonical], dtype=np.float64)
        for name in names or PROXIES.names()
    }


def zero_cost_table(
    task: LiveTask,
    archs: Sequence[Arch],
    *,
    names: Sequence[str] | None = None,
    seed: int = 0,
    images: int = IMAGES,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """The same as a frame: a row per architecture, ``arch`` as text, then a column per proxy."""
    import pandas as pd

    columns = zero_cost_columns(
        task, archs, names=names, seed=seed, images=images, progress=progress
    )
    return pd.DataFrame({"arch": [task.space.to_string(arch) for arch in archs], **columns})
