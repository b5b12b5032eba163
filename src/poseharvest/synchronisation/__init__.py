"""When do the cameras show the same moment?

Offsets between the views' clocks, and rates over long takes, found from what the footage itself shows or tells: the
motion of people under the calibration's geometry (`clock_search`), sound (`sound`) and time codes (`time_codes`). This
room never changes the footage; `capture_clocks` writes what was found into `capture.toml`, where asked to. Start
reading at `capture_clocks`, then `clock_search`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.synchronisation.capture_clocks import (
        capture_by_sound,
        capture_by_time_code,
        clocks_by_motion,
        settings_with,
        step_findings,
        synchronised,
        write_clocks,
    )
    from poseharvest.synchronisation.clock_search import ClocksFound, ViewClock, find_clocks
    from poseharvest.synchronisation.view_joints import ViewJoints, ViewRays
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = [
    "ClocksFound",
    "ViewClock",
    "ViewJoints",
    "ViewRays",
    "capture_by_sound",
    "capture_by_time_code",
    "clocks_by_motion",
    "find_clocks",
    "settings_with",
    "step_findings",
    "synchronised",
    "write_clocks",
]
