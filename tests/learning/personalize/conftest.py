"""A harvest of a drawn person by a simulated detector, and a small network with the same joints."""

from __future__ import annotations

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.detectors.network import NetworkDetector
from poseharvest.localization.boxes import Boxes
from rendered_harvest_kit import boxes_of, harvested, simulation, untrained_network

__all__ = ["harvested", "simulation"]  # fixtures of the tests here


@pytest.fixture(scope="session")
def boxes(harvested: Harvest) -> Boxes:
    """The windows of that harvest."""
    return boxes_of(harvested)


@pytest.fixture(scope="session")
def untrained() -> NetworkDetector:
    """A small hourglass; fine-tuning leaves it as it is."""
    return untrained_network()
