"""``python -m surrobench``."""

from __future__ import annotations

from surrobench.cli import main

if __name__ == "__main__":
    main()
