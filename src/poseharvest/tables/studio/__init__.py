"""Tables 4 and 5 on the studio's footage, and the demo that tells their story.

Start with `study`: every choice that changes a number.
"""

from __future__ import annotations

from poseharvest.tables.studio.studio_demo import run_demo
from poseharvest.tables.studio.study import Study

__all__ = ["Study", "run_demo"]
