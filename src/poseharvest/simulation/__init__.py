"""Captures made by code, with known truth: for the first command, for tests and for experiments."""

from __future__ import annotations

from poseharvest.simulation.camera_rigs import random_rig as random_rig
from poseharvest.simulation.camera_rigs import studio_rig as studio_rig
from poseharvest.simulation.detector_errors import CLEAN as CLEAN
from poseharvest.simulation.detector_errors import MEASURED as MEASURED
from poseharvest.simulation.detector_errors import ONE_VIEW_WRONG as ONE_VIEW_WRONG
from poseharvest.simulation.detector_errors import REALISTIC as REALISTIC
from poseharvest.simulation.detector_errors import DetectorErrors as DetectorErrors
from poseharvest.simulation.scene import GroundTruth as GroundTruth
from poseharvest.simulation.scene import Scene as Scene
from poseharvest.simulation.simulated_detector import SimulatedDetector as SimulatedDetector
from poseharvest.simulation.synthetic_capture import Simulation as Simulation
from poseharvest.simulation.synthetic_capture import SyntheticCapture as SyntheticCapture
from poseharvest.simulation.synthetic_capture import simulate as simulate
