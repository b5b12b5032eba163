"""Tables 4 and 5 on the studio's footage, and the demo that tells their story.

Start with `study`: every choice that changes a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.tables.studio.studio_demo import run_demo
    from poseharvest.tables.studio.study import Study
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["Study", "run_demo"]
