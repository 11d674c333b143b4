"""Checkpoints of in-context models: where they are, whose they are, and that they are only data.

Nothing is downloaded. A file is looked through before its package gets it: with
``torch.load(weights_only=True)`` or as safetensors, neither of which runs what a file says.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from surrobench.base.paths import expanded, is_file
from surrobench.errors import UserError

SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Origin:
    """Where the checkpoints of a package come from.

    Attributes:
        package: as its authors write it.
        variable: of the environment, which names the file where no option does.
        repository: on Hugging Face.
        file: in it, the regressor that the package uses by default.
        licence: of the weights, as far as the package says.
    """

    package: str
    variable: str
    repository: str
    file: str
    licence: str

    def how_to_get(self) -> str:
        """What a user does who has none."""
        return (
            f"surrobench downloads none: get it once with 'hf download {self.repository} "
            f"{self.file} --local-dir FOLDER' ({self.licence}) and name the file as the option "
            f"'checkpoint' or in the environment variable {self.variable}"
        )


def find_checkpoint(given: str, origin: Origin) -> Path:
    """The file that the option names, or else the environment variable.

    Raises:
        UserError: if none is named, saying how to get one, or what is named is no file.
    """
    named = given or os.environ.get(origin.variable, "")
    if not named:
        raise UserError(
            f"this predictor is unavailable without a checkpoint of {origin.package}. "
            f"{origin.how_to_get()}."
        )
    path = Path(os.path.abspath(expanded(named)))
    if not is_file(path):
        by = "the option 'checkpoint'" if given else f"the environment variable {origin.variable}"
        what = "is a folder" if os.path.isdir(path) else "does not exist"
        raise UserError(
            f"{by} names {named}, which {what}. It must be a checkpoint of {origin.package}, a "
            f"file such as {origin.file}. {origin.how_to_get()}."
        )
    return path


def check_checkpoint(path: Path, origin: Origin, sha256: str = "") -> None:
    """See that a file is what it should be, without running anything that is in it.

    Args:
        path: of the file.
        origin: whose checkpoint it should be.
        sha256: its checksum in hexadecimal digits; "" for any.

    Raises:
        UserError: if it has another checksum, is damaged, holds more than tensors and plain
            values, or belongs to another package.
    """
    stat = path.stat()
    identity = (stat.st_mtime_ns, stat.st_size)
    if sha256 and (found := _digest(path, identity)) != sha256.lower():
        raise UserError(
            f"{path} has the SHA-256 {found}, and the option 'sha256' asks for {sha256.lower()}."
        )
    owner = _owner(path, identity)
    if owner != origin.package:
        whose = f"a checkpoint of {owner}" if owner else "no checkpoint of a regressor known here"
        raise UserError(
            f"{path} is {whose}; this predictor needs one of {origin.package}, such as "
            f"{origin.file}."
        )


@lru_cache(maxsize=8)
def _digest(path: Path, identity: tuple[int, int]) -> str:
    """SHA-256 of a file; ``identity`` (time and size) tells when it is another one."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=8)
def _owner(path: Path, identity: tuple[int, int]) -> str:
    """The package whose checkpoint it is, or ""; a classifier is nobody's."""
    with path.open("rb") as file:
        start = file.read(9)
    if start[:2] == b"PK":
        return _owner_of_archive(_archive(path))
    if start[8:] == b"{":
        return _owner_of_tensors(_header(path))
    raise UserError(
        f"{path} is no checkpoint: neither a zip archive as torch.save writes it nor safetensors."
    )


def _archive(path: Path) -> Mapping[str, Any]:
    """What is in a file of torch; tensors are not read into memory."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:
        raise UserError(
            f"{path} cannot be read with torch.load(weights_only=True): it is damaged or "
            "incomplete, or holds Python objects, which could run code of their own. It was not "
            "opened in another way. Get it again."
        ) from error
    return content if isinstance(content, Mapping) else {}


def _owner_of_archive(content: Mapping[str, Any]) -> str:
    config, state = content.get("config"), content.get("state_dict")
    if not isinstance(config, Mapping) or not isinstance(state, Mapping):
        return ""
    if any(str(name).startswith("icl_predictor.") for name in state):
        return "TabICL" if config.get("max_classes") == 0 else ""
    return "TabPFN" if "architecture_name" in content or "emsize" in config else ""


def _header(path: Path) -> Mapping[str, str]:
    """The texts that safetensors have beside their tensors."""
    try:
        from safetensors import safe_open
    except ModuleNotFoundError as error:
        raise UserError(f"reading {path} needs the package safetensors.") from error
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return file.metadata() or {}
    except Exception as error:
        raise UserError(f"{path} is damaged or incomplete ({error}). Get it again.") from error


def _owner_of_tensors(header: Mapping[str, str]) -> str:
    if "cfg" in header:
        return "TabDPT"
    with suppress(ValueError, TypeError):
        if isinstance(json.loads(header["config"]), Mapping) and "architecture_name" in header:
            return "TabPFN"
    return ""
