"""The main job: footage in, a harvest folder out.

It connects the other packages. The only numbers computed here are limb lengths and the support of joints. Start with
`harvest_capture`.
"""

from __future__ import annotations

from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.on_ray import RayWorkers, ray_workers
from poseharvest.harvesting.subject import Subject, SubjectLearner

__all__ = ["HarvestOptions", "RayWorkers", "Subject", "SubjectLearner", "harvest", "ray_workers"]
