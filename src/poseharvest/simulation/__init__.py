"""Captures made by code, with known truth: for the first command, for tests and for experiments.

No package that infers poses may import it. Start with `scene`, the truth, then `synthetic_capture`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.simulation.camera_rigs import random_rig, studio_rig
    from poseharvest.simulation.detector_errors import CLEAN, MEASURED, ONE_VIEW_WRONG, REALISTIC, DetectorErrors
    from poseharvest.simulation.scene import GroundTruth, Scene
    from poseharvest.simulation.simulated_detector import SimulatedDetector
    from poseharvest.simulation.synthetic_capture import Simulation, SyntheticCapture, simulate
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = [
    "CLEAN",
    "MEASURED",
    "ONE_VIEW_WRONG",
    "REALISTIC",
    "DetectorErrors",
    "GroundTruth",
    "Scene",
    "SimulatedDetector",
    "Simulation",
    "SyntheticCapture",
    "random_rig",
    "simulate",
    "studio_rig",
]
