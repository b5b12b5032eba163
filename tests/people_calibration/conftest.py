"""Simulated people before simulated cameras, as a detector sees them."""

from __future__ import annotations

import pytest
import torch

from poseharvest.people_calibration.joint_sightings import JointSightings
from poseharvest.simulation.camera_rigs import random_rig
from poseharvest.simulation.scene import Scene, make_scene
from study.seen_joints import seen_by_cameras


@pytest.fixture(scope="session")
def filmed() -> tuple[Scene, JointSightings]:
    """A person before four cameras of 1280 x 720 pixels, with the errors of a usual detector."""
    scene = make_scene(2, random_rig(4, torch.Generator().manual_seed(2)))
    return scene, seen_by_cameras(scene, 120, seed=2)
