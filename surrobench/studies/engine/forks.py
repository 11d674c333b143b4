"""Whether the workers of a run are forks, and the template that they are forks of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from surrobench.studies.engine.run_settings import RunSettings
from surrobench.studies.engine.template import Template, new_template
from surrobench.studies.kinds import AnyStudy
from surrobench.tasks.catalogue import is_live

_ACCELERATORS = ("nvidiactl", "kfd", "dxg", "dri/renderD128")
"""What Linux calls the devices of those that torch computes on, under ``/dev``."""


def may_fork(study: AnyStudy, settings: RunSettings) -> bool:
    """Whether local workers may be forks: there are some, and none of them trains on a GPU."""
    if settings.engine != "local" or settings.devices:
        return False
    device = str(getattr(study, "live", {}).get("device", "auto")).partition(":")[0]
    on_cpu = device == "cpu" or not any(is_live(str(task)) for task in study.tasks)
    here = [name for name in _ACCELERATORS if Path("/dev", name).exists()]
    return on_cpu or (device == "auto" and not here)


class Forks:
    """The template of a run's workers, which may begin to import while the run is planned.

    Args:
        target: what workers compute with.
        allowed: whether there is to be one.
    """

    def __init__(self, target: str, allowed: bool) -> None:
        self._target, self._allowed = target, allowed
        self._template: Template | None = None

    def begin(self) -> None:
        """Start it, if that is possible."""
        if self._allowed and (self._template is None or self._template.lost):
            self._template = new_template(self._target)

    @property
    def begun(self) -> bool:
        """Whether there is a template that may be able to fork."""
        return self._template is not None and not self._template.lost

    def of(self, modules: Iterable[str]) -> Template | None:
        """The template, if there is one, with modules that it imports beforehand."""
        self.begin()
        if self._template is not None:
            self._template.preload(sorted(modules))
        return self._template

    def close(self) -> None:
        """End it."""
        if self._template is not None:
            self._template.close()
