"""What the adapters of other packages share."""

from __future__ import annotations

import importlib
from types import ModuleType

from surrobench.errors import UserError


def require(module: str, package: str, extra: str) -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: its name.
        package: what the user knows it as.
        extra: the extra of ours that installs it.

    Raises:
        UserError: if it is not installed, saying how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(
            f"this strategy needs {package}, which is not installed ({error.name} is missing); "
            f"run: pip install 'surrobench[{extra}]'"
        ) from error
