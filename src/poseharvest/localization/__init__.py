"""Where people are: found in the views, matched across them, and followed from frame to frame.

It gives inference its windows, its cameras and the middle of the volume. It never decides where a joint finally is.
Start with `sighting`, the result of this package, then read `follow` and `find`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.localization.boxes import Boxes, read_boxes, write_boxes
    from poseharvest.localization.sighting import (
        FrameSightings,
        PartialPose,
        Sighting,
        TrackedSighting,
        TriangulatedPose,
    )
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = [
    "Boxes",
    "FrameSightings",
    "PartialPose",
    "Sighting",
    "TrackedSighting",
    "TriangulatedPose",
    "read_boxes",
    "write_boxes",
]
