"""A harvest of a drawn person by a simulated detector, and a small network with the same joints."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.detectors.hourglass import HOURGLASS
from poseharvest.detectors.network import NetworkDetector, RunOptions
from poseharvest.localization.boxes import Boxes
from poseharvest.networks.hourglass import HourglassShape, StackedHourglass
from rendered_harvest_kit import harvested, simulation

__all__ = ["harvested", "simulation"]  # fixtures of the tests here


@pytest.fixture(scope="session")
def boxes(harvested: Harvest) -> Boxes:
    """The windows of that harvest: a network that has seen little finds nobody by itself."""
    return Boxes({
        (record.frame, view): crop
        for record in harvested.iter_frames()
        for view, crop in zip(harvested.view_names, record.crops, strict=True)
        if crop is not None
    })


@pytest.fixture(scope="session")
def untrained() -> NetworkDetector:
    """A small hourglass that knows nothing; fine-tuning leaves it as it is."""
    torch.manual_seed(0)
    preprocessing = replace(HOURGLASS.preprocessing, input_size=(64, 64))
    network = StackedHourglass(HourglassShape(stacks=1, features=24, stem=16, depth=2))
    return NetworkDetector(network, replace(HOURGLASS, preprocessing=preprocessing), RunOptions())
