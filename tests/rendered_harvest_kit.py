"""A harvest of a drawn person by a simulated detector, as fixtures that a conftest imports."""

from __future__ import annotations

import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.infer import InferenceOptions
from poseharvest.simulation import CLEAN, Simulation, random_rig, simulate

NUM_FRAMES = 10
QUICK = HarvestOptions(inference=InferenceOptions(resolution=24), warm_up_frames=4, num_previews=1)


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    """A rendered person before three cameras with non-square pictures."""
    rig = random_rig(3, torch.Generator().manual_seed(8), image_size=(240, 320))
    return simulate(NUM_FRAMES, 1, rig=rig, errors=CLEAN)


@pytest.fixture(scope="session")
def harvested(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """Its harvest."""
    return harvest(simulation.capture, simulation.detector, tmp_path_factory.mktemp("h") / "first", options=QUICK)
