"""The toy table for the tests here."""

from __future__ import annotations

from toy import in_toy, toy

__all__ = ["in_toy", "toy"]
