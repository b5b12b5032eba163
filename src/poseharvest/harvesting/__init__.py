"""The main job: footage in, a harvest folder out.

It connects the other packages. The only numbers computed here are limb lengths and the support of joints. Start with
`harvest_capture`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.harvesting.harvest_capture import harvest
    from poseharvest.harvesting.harvest_options import HarvestOptions
    from poseharvest.harvesting.on_ray import RayWorkers, ray_workers
    from poseharvest.harvesting.subject import Subject, SubjectLearner
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["HarvestOptions", "RayWorkers", "Subject", "SubjectLearner", "harvest", "ray_workers"]
