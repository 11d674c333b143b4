"""The words for how much of a report is made, apart from what makes it."""

from __future__ import annotations

DETAILS = ("none", "short", "full")
"""How much of a report is made: the ranking alone, the essentials, everything."""
