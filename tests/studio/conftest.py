"""Small rigs for the tests of the studio."""

from __future__ import annotations

import pytest
import torch

from poseharvest.geometry.rig import Rig
from poseharvest.simulation.camera_rigs import random_rig


@pytest.fixture
def small_rig() -> Rig:
    """Two cameras of 120 x 160 pixels around the origin."""
    return random_rig(2, torch.Generator().manual_seed(4), image_size=(120, 160))
