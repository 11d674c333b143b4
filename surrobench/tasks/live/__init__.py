"""Tasks whose evaluation trains a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrobench.tasks.live.live import LiveTask, live_factory, live_task

__all__ = ["LiveTask", "live_factory", "live_task"]


def __getattr__(name: str) -> Any:
    """What trains is imported on first use: torch takes seconds."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from surrobench.tasks.live import live

    return getattr(live, name)
