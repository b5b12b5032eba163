"""Harvests of synthetic captures, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation import CLEAN, Simulation, simulate

QUICK = HarvestOptions(inference=InferenceOptions(resolution=32), warm_up_frames=4, num_previews=2)


@pytest.fixture(scope="session")
def quick() -> HarvestOptions:
    """A coarse grid and a short look at the subject."""
    return QUICK


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    """Twelve frames of a person before the studio's four cameras, detected without errors."""
    return simulate(12, 0, errors=CLEAN, render=False)


@pytest.fixture(scope="session")
def harvested(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """Its harvest."""
    out: Path = tmp_path_factory.mktemp("harvest") / "h"
    return harvest(simulation.capture, simulation.detector, out, options=QUICK)
