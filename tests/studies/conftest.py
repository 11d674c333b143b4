"""The toy tables for every test here."""

from __future__ import annotations

from search_toy import in_maze, maze
from toy import in_toy, toy

__all__ = ["in_maze", "in_toy", "maze", "toy"]
