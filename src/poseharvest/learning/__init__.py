"""Networks that learn from harvests: the shared loop, 2D heatmaps, personalisation, and single-view 3D poses.

It is taught by annotations, never by the truth. Start with `loop`; each of the others is one task on top of it.
"""

from poseharvest.learning import heatmaps2d, loop, personalize, pose3d

__all__ = ["heatmaps2d", "loop", "personalize", "pose3d"]
