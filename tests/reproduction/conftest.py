"""Miniatures of the paper's data sets, and quick settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dataset_kits.discs import DiscDetectors
from dataset_kits.paper_data import write_football, write_human36m
from poseharvest.harvesting.options import HarvestOptions
from poseharvest.pictorial.infer import InferenceOptions
from poseharvest.reproduction.request import TableRequest
from poseharvest.training.augment import NO_AUGMENTATION

QUICK = HarvestOptions(inference=InferenceOptions(resolution=16, floor=1e-5), warm_up_frames=4, num_previews=0)


def quick_request(data: Path, out: Path, **changes) -> TableRequest:
    request = TableRequest(data, out, harvesting=QUICK, **({"detector": DiscDetectors()} | changes))
    return replace(request, refinement=replace(request.refinement, epochs=1, augmentation=NO_AUGMENTATION))


@pytest.fixture(scope="session")
def football(tmp_path_factory) -> Path:
    """KTH Multiview Football II; not to be changed."""
    return write_football(tmp_path_factory.mktemp("football") / "kth")


@pytest.fixture(scope="session")
def human36m(tmp_path_factory) -> Path:
    """Human3.6M with two actions of S9 and S11; not to be changed."""
    return write_human36m(tmp_path_factory.mktemp("human36m") / "h36m", ("Posing-1", "Sitting-1"))
