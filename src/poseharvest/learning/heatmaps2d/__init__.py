"""2D networks that give heatmaps (Sec. 3.1, 4.2): where their samples come from, their loss, their files.

Start with `train_network`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.learning.heatmaps2d.heatmap_task import HeatmapTask
    from poseharvest.learning.heatmaps2d.network_files import write_weights
    from poseharvest.learning.heatmaps2d.train_network import train2d
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["HeatmapTask", "train2d", "write_weights"]
