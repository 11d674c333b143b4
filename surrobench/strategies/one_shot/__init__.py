"""One-shot methods: searches that train one network of shared weights instead of many networks.

They do not ask for evaluations, so they have a registry of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surrobench.base.registry import Registry
from surrobench.errors import UserError

if TYPE_CHECKING:
    from surrobench.strategies.one_shot.method import OneShotMethod, Progress
    from surrobench.strategies.one_shot.shared_training import OneShotResult
    from surrobench.tasks.live.live import LiveTask

ONE_SHOT: Registry[OneShotMethod] = Registry("one_shot_method")


def _register(name: str, target: str, summary: str, **options: Any) -> None:
    ONE_SHOT.register(name, f"surrobench.strategies.one_shot.{target}", summary, **options)


_register("spos", "sampled:SinglePath", "a random path each step, then evolution (Guo et al.)")
_register(
    "random-sharing",
    "sampled:SinglePath",
    "a random path each step, then random search (Li & Talwalkar)",
    chooser="random",
)
_register("darts", "differentiable:Darts", "all operations, mixed (Liu et al., first order)")
_register(
    "darts-second-order",
    "differentiable:Darts",
    "the same through one step of the weights",
    order=2,
)
_register("gdas", "differentiable:Gdas", "one operation, drawn by the Gumbel trick (Dong & Yang)")
_register("enas", "enas:Enas", "a controller that shared weights reward (Pham et al.)")


def make_one_shot(name: str, **options: Any) -> OneShotMethod:
    """Build a one-shot method.

    Args:
        name: a registered name or a dotted path ``"module:Class"``.
        options: of the method.

    Raises:
        UserError: for an unknown name, and an unknown or wrong option.
    """
    return ONE_SHOT.make(name, **options)


def one_shot_search(
    method: str,
    task: LiveTask,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> OneShotResult:
    """Search the cells of a live task with shared weights.

    The supernet has the skeleton of the task's networks. Its weights are fitted to the training
    images and the architecture to the validation images; the test images are not looked at. The
    result holds the architecture, and scores any architecture by the shared weights. For example::

        task = live_task("live:cells")
        found = one_shot_search("spos", task, epochs=24)
        print(task.space.to_string(found.arch), task.evaluate(found.arch).value)
        print(found.score([(3, 3, 3, 3, 3, 3)]))

    Args:
        method: a registered name or a dotted path.
        task: a live task of cells with an operation on each edge.
        seed: of the initial weights and all random draws.
        progress: told the number of finished epochs and of all after every epoch.
        options: of the method.

    Raises:
        UserError: for an unknown method or option, and for a task of another kind.
    """
    from surrobench.training.loop.trainer import initialised
    from surrobench.training.supernet import supernet_around

    made = make_one_shot(method, **options)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UserError(f"seed is {seed!r}; it must be a whole number, 0 or more.")
    if task.data.kind != "images":
        raise UserError(f"one-shot search needs images, which {task.name} does not have.")
    arch, images = next(iter(task.space)), task.data
    supernet = initialised(lambda: supernet_around(task.build(arch), task.space, images), seed)
    data = images.to(task.device)
    return made.search(supernet, data, seed=seed, name=method, progress=progress)
