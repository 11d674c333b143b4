"""The toy tables for every test here."""

from __future__ import annotations

from live_toy import live_cache, trained
from search_toy import in_maze, maze
from toy import in_toy, toy

__all__ = ["in_maze", "in_toy", "live_cache", "maze", "toy", "trained"]
