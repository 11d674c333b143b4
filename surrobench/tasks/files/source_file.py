"""Where the raw file of a table is published, as a card names it.

A file in a repository on GitHub, at a commit::

    [sources.table]
    repo = "owner/name"
    commit = "0123456789abcdef0123456789abcdef01234567"
    path = "results/table.csv"
    sha256 = "…"

At an address of its own (``url = "https://…"``), or inside the wheel of a Python package
(``package``, ``version``, ``path`` in the wheel and ``wheel_sha256``).
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

LARGEST_FILE = 2**30
"""Bytes that a file may have whose card does not state its size."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_WAYS = {
    "url": ("url",),
    "repository": ("repo", "commit", "path"),
    "wheel": ("package", "version", "path", "wheel_sha256"),
}
Way = Literal["url", "repository", "wheel"]


class SourceFile(BaseModel):
    """A raw file as its authors published it, pinned by its checksum.

    Attributes:
        url: its address (https alone); or
        repo: the repository on GitHub, ``"owner/name"``, with
        commit: the commit in full, and ``path``; or
        package: the Python package in whose wheel it lies, with ``path``, and
        version: that version of it, and
        wheel_sha256: the SHA-256 of the wheel.
        path: of the file in the repository or in the wheel.
        sha256: of the file.
        bytes: its size; a download that grows larger is broken off. Without it, at most
            :data:`LARGEST_FILE`.
        licence: of the file.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    url: str | None = None
    repo: str | None = None
    commit: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    package: str | None = None
    version: str | None = None
    wheel_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    path: str | None = None
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int | None = Field(default=None, gt=0)
    licence: str = "not stated"

    @field_validator("url")
    @classmethod
    def _https(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
                raise ValueError("give an address that begins with https:// and holds no password")
            if not _name_in(parts.path):
                raise ValueError("the address must end with the name of a file")
        return value

    @field_validator("repo", "package", "version")
    @classmethod
    def _plain(cls, value: str | None, info: object) -> str | None:
        field = getattr(info, "field_name", "")
        pattern = {"repo": _REPOSITORY, "package": _DISTRIBUTION, "version": _VERSION}[field]
        if value is not None and (not pattern.fullmatch(value) or ".." in value):
            kind = {"repo": "owner/name", "package": "a package", "version": "one version"}[field]
            raise ValueError(f"write {kind}")
        return value

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str | None) -> str | None:
        if value is not None:
            parts = PurePosixPath(value).parts
            if not parts or parts[0] == "/" or ".." in parts or re.search(r"[\\:\x00]", value):
                raise ValueError("give a path inside the repository or wheel, without '..'")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> SourceFile:
        fields = {name for names in _WAYS.values() for name in names}
        given = {name for name in fields if getattr(self, name) is not None}
        if not any(given == set(names) for names in _WAYS.values()):
            ways = "; ".join(", ".join(names) for names in _WAYS.values())
            raise ValueError(f"name the file in one of three ways: {ways}")
        return self

    @property
    def way(self) -> Way:
        """How the file is named."""
        if self.url is not None:
            return "url"
        return "repository" if self.repo is not None else "wheel"

    @property
    def name(self) -> str:
        """The name of the file itself."""
        return _name_in(self.path or urlsplit(self.url or "").path)

    @property
    def label(self) -> str:
        """What a reader knows the file by: its path, or its address."""
        return self.path or self.url or ""

    @property
    def origin(self) -> str:
        """Who publishes it, for messages: a repository, a package or a host."""
        if self.way == "url":
            return urlsplit(self.url or "").hostname or ""
        return self.repo or f"{self.package} {self.version}"

    @property
    def relative(self) -> str:
        """Where the file lies in a mirror.

        owner+repo / first 12 of the commit / path; pypi+package / version / path; or url+host /
        first 12 of the checksum / name.
        """
        if self.way == "repository":
            return f"{(self.repo or '').replace('/', '+')}/{(self.commit or '')[:12]}/{self.path}"
        if self.way == "wheel":
            return f"{self.package_folder}/{self.path}"
        return f"url+{self.origin}/{self.sha256[:12]}/{self.name}"

    @property
    def package_folder(self) -> str:
        """Where files of the same wheel lie in a mirror."""
        return f"pypi+{self.package}/{self.version}"

    @property
    def limit(self) -> int:
        """Bytes that the file may have."""
        return self.bytes or LARGEST_FILE


def _name_in(path: str) -> str:
    """The last part of a path, with nothing in it that a file system could misread."""
    name = PurePosixPath(path).name
    return "" if name in ("", ".", "..") else re.sub(r"[^A-Za-z0-9._+-]", "_", name)
