"""A harvest as people use it in Python: arrays, tables, data sets and figures, and harvesting in one call.

It computes no poses and changes no harvest; what it returns comes from the columns of the folder. Everything below is
imported when it is used. Start with `harvest_object`, the class that `poseharvest.Harvest` is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.analysis.harvest_object import Harvest, HarvestFrame
    from poseharvest.analysis.make_harvest import harvest
    from poseharvest.analysis.pose_dataset import PoseDataset, PoseSample
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["Harvest", "HarvestFrame", "PoseDataset", "PoseSample", "harvest"]
