"""Cameras from footage of a calibration board: lenses, places, the world, and what to film again.

The package never looks for people and never reads true cameras. Start with `solve`, the steps in order; `sightings` is
what they work on, `bundle` the adjustment of all numbers together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.rig_calibration.options import CalibrationOptions, LensModel
    from poseharvest.rig_calibration.sightings import Sighting, Sightings, find_boards
    from poseharvest.rig_calibration.solve import RigCalibration, calibrate_footage, calibrate_rig
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = [
    "CalibrationOptions",
    "LensModel",
    "RigCalibration",
    "Sighting",
    "Sightings",
    "calibrate_footage",
    "calibrate_rig",
    "find_boards",
]
