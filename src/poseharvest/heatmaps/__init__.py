"""Heatmaps: the data type, their peaks, and the target heatmaps for training.

The package depends on no detector and on no footage. Start with `maps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.heatmaps.encode import targets_at
    from poseharvest.heatmaps.maps import Heatmaps, Peaks, heatmap_peaks, map_peaks
    from poseharvest.heatmaps.simcc import simcc_heatmaps
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["Heatmaps", "Peaks", "heatmap_peaks", "map_peaks", "simcc_heatmaps", "targets_at"]
