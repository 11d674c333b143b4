"""Predictors and regressors handed over as objects, such as a class from a notebook."""

from __future__ import annotations

import pickle
from typing import Any

_HERE: dict[str, Any] = {}


class GivenPart(str):
    """A class or an instance that stands where a name would: its name, with the object beside it.

    Worker processes get it by cloudpickle, which takes what was defined in a
    notebook along. What cannot be pickled stays in the process that made it.

    Attributes:
        payload: the pickled object; None if it cannot be pickled.
    """

    payload: bytes | None

    @classmethod
    def of(cls, value: Any) -> GivenPart:
        """Take an object in."""
        import cloudpickle

        kind = value if isinstance(value, type) or hasattr(value, "__qualname__") else type(value)
        module = getattr(kind, "__module__", None) or "__main__"
        name = str(kind.__qualname__).replace(".<locals>", "")
        given = cls(f"{module}:{name}")
        try:
            given.payload = cloudpickle.dumps(value)
        except Exception:  # whatever the object's own methods raise
            given.payload = None
            given._key = f"{given}@{id(value)}"
            _HERE[given._key] = value
        return given

    @property
    def is_bound(self) -> bool:
        """Whether the object cannot leave this process."""
        return self.payload is None

    _key: str = ""

    @property
    def short(self) -> str:
        """The name of the class alone."""
        return self.rpartition(":")[2]

    def value(self) -> Any:
        """The object, a new copy where it can be pickled.

        Raises:
            LookupError: in another process than its own, if it cannot be pickled.
        """
        if self.payload is not None:
            return pickle.loads(self.payload)
        if self._key not in _HERE:
            raise LookupError(f"{self} cannot be pickled and lives in another process.")
        return _HERE[self._key]

    def __reduce__(self) -> Any:
        return _again, (str(self), self.payload, self._key)


def _again(name: str, payload: bytes | None, key: str) -> GivenPart:
    given = GivenPart(name)
    given.payload, given._key = payload, key
    return given
