"""Captures made by code, with known truth: for the first command, for tests and for experiments."""

from __future__ import annotations

from poseharvest.synthetic.capture import Simulation as Simulation
from poseharvest.synthetic.capture import SyntheticCapture as SyntheticCapture
from poseharvest.synthetic.capture import simulate as simulate
from poseharvest.synthetic.detector import SimulatedDetector as SimulatedDetector
from poseharvest.synthetic.detector_errors import CLEAN as CLEAN
from poseharvest.synthetic.detector_errors import MEASURED as MEASURED
from poseharvest.synthetic.detector_errors import ONE_VIEW_WRONG as ONE_VIEW_WRONG
from poseharvest.synthetic.detector_errors import REALISTIC as REALISTIC
from poseharvest.synthetic.detector_errors import DetectorErrors as DetectorErrors
from poseharvest.synthetic.rig import random_rig as random_rig
from poseharvest.synthetic.rig import studio_rig as studio_rig
from poseharvest.synthetic.scene import GroundTruth as GroundTruth
from poseharvest.synthetic.scene import Scene as Scene
