"""The survey before trajectories are written: frames without a joint, and a person who does not stand upright."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.export.registry import export_with_findings
from poseharvest.export.survey import runs
from poseharvest.export.trc import ROTATIONS
from poseharvest.export.upright import AXES
from walker_kit import walking_pose


def write_walk(path: Path, up: str = "z", frames: tuple[int, ...] = (0, 1, 2, 5)) -> Harvest:
    """Write a walk in a world in which `up` points up."""
    upright = torch.tensor(ROTATIONS["z"], dtype=torch.float64)
    turned = torch.tensor(ROTATIONS[up], dtype=torch.float64)
    world_from_walk = turned.T @ upright
    records = [
        replace(record, mean=torch.tensor(walking_pose(0.2 * record.frame)) @ world_from_walk.T)
        for record in make_records(frames)
    ]
    return write_harvest(path, records)


@pytest.mark.parametrize("name", ["trc", "c3d"])
@pytest.mark.parametrize("up", AXES)
def test_a_world_that_lays_the_person_down_is_named_with_its_own_up(name: str, up: str, tmp_path: Path) -> None:
    if name == "c3d":
        pytest.importorskip("ezc3d")
    harvest = write_walk(tmp_path / "h", up)
    findings = [
        f for f in export_with_findings(harvest, name, tmp_path / "default", up="z").findings if f.topic == "axes"
    ]
    assert bool(findings) == (up != "z")
    assert all(f"give --up {up} (" in finding.message for finding in findings)
    again = export_with_findings(harvest, name, tmp_path / "again", up=up)
    assert not [f for f in again.findings if f.topic == "axes"]


def test_axes_that_are_kept_have_y_up(tmp_path: Path) -> None:
    kept = export_with_findings(write_walk(tmp_path / "y", "y"), "trc", tmp_path / "y.trc", up="keep")
    assert "axes" not in {finding.topic for finding in kept.findings}
    lying = export_with_findings(write_walk(tmp_path / "z", "z"), "trc", tmp_path / "z.trc", up="keep")
    assert "give --up z" in next(f.message for f in lying.findings if f.topic == "axes")


def test_runs_of_frames_are_short() -> None:
    assert runs([], 1) == ""
    assert runs([3, 4, 5, 9], 1) == "3-5, 9"
    assert runs([0, 5, 10, 25], 5) == "0-10, 25"
    assert runs(range(0, 20, 2), 1) == "0, 2, 4, 6, 8 and 5 more runs"
