"""Sightings come back from the disk as they went."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile

import pytest
import torch

from harvest_kit import small_disk
from poseharvest.errors import StoreError
from poseharvest.harvesting.spool import SightingSpool
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.follow.one_person import Tracker
from poseharvest.localization.sighting import Sighting
from poseharvest.simulation import Simulation


@pytest.fixture(scope="module")
def sightings(simulation: Simulation) -> list[Sighting]:
    tracker = Tracker(simulation.detector, simulation.capture.rig)
    return tracker.observe(list(simulation.capture.frames(0, 3)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_every_sighting_is_read_back_in_any_order(sightings: list[Sighting], dtype: torch.dtype) -> None:
    stored = [replace(s, heatmaps=Heatmaps(s.heatmaps.values.to(dtype), s.heatmaps.crops)) for s in sightings]
    with TemporaryFile(buffering=0) as file:
        spool = SightingSpool(file, Path("out"))
        for sighting in stored:
            spool.append(sighting)
        assert len(spool) == 3
        for index in (2, 0, 1, 0):
            read, wanted = spool[index], stored[index]
            assert torch.equal(read.heatmaps.values, wanted.heatmaps.values)
            assert read.heatmaps.values.dtype == dtype
            assert read.heatmaps.crops == wanted.heatmaps.crops
            assert replace(read, heatmaps=wanted.heatmaps).__dict__ == wanted.__dict__
        assert [sighting.frame for sighting in spool] == [0, 1, 2]


def test_maps_of_several_sizes_stand_side_by_side(sightings: list[Sighting]) -> None:
    small = Heatmaps(sightings[0].heatmaps.values[..., :5, :7], sightings[0].heatmaps.crops)
    with TemporaryFile(buffering=0) as file:
        spool = SightingSpool(file, Path("out"))
        for sighting in (replace(sightings[0], heatmaps=small), sightings[1]):
            spool.append(sighting)
        assert torch.equal(spool[0].heatmaps.values, small.values)
        assert torch.equal(spool[1].heatmaps.values, sightings[1].heatmaps.values)


def test_a_full_disk_is_named(sightings: list[Sighting], tmp_path: Path) -> None:
    with small_disk(tmp_path, kilobytes=200), TemporaryFile(dir=tmp_path, buffering=0) as file:
        spool = SightingSpool(file, Path("out"))
        with pytest.raises(StoreError, match="out: cannot be written: No space left on device"):
            spool.append(sightings[0])
