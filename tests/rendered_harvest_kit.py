"""A harvest of a drawn person by a simulated detector, as fixtures that a conftest imports."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.detectors.hourglass import HOURGLASS
from poseharvest.detectors.network import NetworkDetector, RunOptions
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.localization.boxes import Boxes
from poseharvest.networks.hourglass import StackedHourglass
from poseharvest.networks.hourglass_shape import HourglassShape
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation import CLEAN, Simulation, random_rig, simulate

NUM_FRAMES = 10
QUICK = HarvestOptions(inference=InferenceOptions(resolution=24), warm_up_frames=4, num_previews=1)


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    """A rendered person before three cameras with non-square pictures."""
    return draw_person()


def draw_person() -> Simulation:
    """Return the same person at every call, in every process."""
    rig = random_rig(3, torch.Generator().manual_seed(8), image_size=(240, 320))
    return simulate(NUM_FRAMES, 1, rig=rig, errors=CLEAN)


@pytest.fixture(scope="session")
def harvested(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """Its harvest."""
    return harvest(simulation.capture, simulation.detector, tmp_path_factory.mktemp("h") / "first", options=QUICK)


def boxes_of(harvested: Harvest) -> Boxes:
    """Return the windows of a harvest: a network that has seen little finds nobody by itself."""
    return Boxes({
        (record.frame, view): crop
        for record in harvested.iter_frames()
        for view, crop in zip(harvested.view_names, record.crops, strict=True)
        if crop is not None
    })


def untrained_network() -> NetworkDetector:
    """Return a small hourglass that knows nothing, the same at every call."""
    torch.manual_seed(0)
    preprocessing = replace(HOURGLASS.preprocessing, input_size=(64, 64))
    network = StackedHourglass(HourglassShape(stacks=1, features=24, stem=16, depth=2))
    return NetworkDetector(network, replace(HOURGLASS, preprocessing=preprocessing), RunOptions())
