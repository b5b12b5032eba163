"""Exit codes beyond 0 (done), 1 (one of our errors), 2 (wrong usage) and those of signals."""

from __future__ import annotations

from typing import Final

FAULTY: Final = 3
"""With `--strict`: done, and something is at fault."""
