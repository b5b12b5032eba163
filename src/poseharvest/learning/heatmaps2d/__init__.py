"""2D networks that give heatmaps (Sec. 3.1, 4.2): where their samples come from, their loss, their files.

Start with `train_network`.
"""

from __future__ import annotations

from poseharvest.learning.heatmaps2d.heatmap_task import HeatmapTask
from poseharvest.learning.heatmaps2d.network_files import write_weights
from poseharvest.learning.heatmaps2d.train_network import train2d

__all__ = ["HeatmapTask", "train2d", "write_weights"]
