"""Networks that learn from harvests: the shared loop, 2D heatmaps, personalisation, and single-view 3D poses.

It is taught by annotations, never by the truth. Start with `loop`; each of the others is one task on top of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.learning import heatmaps2d, loop, personalize, pose3d
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["heatmaps2d", "loop", "personalize", "pose3d"]
