"""Cameras from nobody but the people in the footage: places, and lenses that were guessed, from the joints they show.

The package never reads true cameras or poses. Start with `solve_people`, the steps in order; `joint_sightings` is what
they work on, `joint_bundle` the adjustment of all numbers together. `refined_rig` makes given cameras better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.people_calibration.joint_sightings import JointSightings, watch_people
    from poseharvest.people_calibration.known_length import KnownLength
    from poseharvest.people_calibration.solve_people import PeopleCalibration, calibrate_by_people
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["JointSightings", "KnownLength", "PeopleCalibration", "calibrate_by_people", "watch_people"]
