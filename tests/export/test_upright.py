"""Which way is up: the body says it, the cameras too, and where they differ the choice is a warning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harvest_kit import make_records, make_run
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.export.registry import export_with_findings
from poseharvest.export.trc import ROTATIONS
from poseharvest.export.upright import AXES, find_up, guess_up
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.skeleton.definitions import MPII16
from walker_kit import walker_rig, walking_pose


def write_turned_walk(path: Path, up: str) -> Harvest:
    """Write a walk with its cameras, all in a world in which `up` points up."""
    upright = torch.tensor(ROTATIONS["z"], dtype=torch.float64)
    world_from_walk = torch.tensor(ROTATIONS[up], dtype=torch.float64).T @ upright
    cameras = tuple(
        Camera(c.name, c.image_size, c.px_from_cam, c.rotation @ world_from_walk.T, c.translation, c.distortion)
        for c in walker_rig()
        if isinstance(c, Camera)
    )
    with HarvestWriter(path, rig=Rig(cameras[:3]), skeleton=MPII16) as writer:
        for record in make_records(range(4)):
            record.mean[:] = torch.tensor(walking_pose(0.2 * record.frame)) @ world_from_walk.T
            writer.add(record)
        return writer.finish(make_run(4), None)


@pytest.mark.parametrize("up", AXES)
def test_a_person_who_stands_says_which_way_is_up(up: str, tmp_path: Path) -> None:
    harvest = write_turned_walk(tmp_path / "h", up)
    findings = [f for f in export_with_findings(harvest, "trc", tmp_path / "a.trc").findings if f.topic == "axes"]
    assert [finding.severity for finding in findings] == ["note"]
    assert findings[0].message.startswith(f"{up} is taken as up, as the person stands (")
    export_with_findings(harvest, "trc", tmp_path / "b.trc", up=up)
    assert (tmp_path / "a.trc").read_bytes() == (tmp_path / "b.trc").read_bytes()


@given(st.floats(0, 180), st.floats(0, 360))
def test_only_a_body_nearer_to_the_floor_than_to_upright_is_named(tilt_deg: float, turn_deg: float) -> None:
    tilt, turn = np.deg2rad(tilt_deg), np.deg2rad(turn_deg)
    upwards = np.array([np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), np.cos(tilt)])
    findings = find_up(None, upwards, "z").findings  # type: ignore[arg-type]  # cameras are not asked for a given axis
    if abs(tilt_deg - 60) > 1e-6:
        assert bool(findings) == (tilt_deg > 60)


def test_a_body_without_a_direction_is_not_judged() -> None:
    for upwards in (None, np.array([0.3, 0, 0])):
        assert find_up(None, upwards, "z").findings == ()  # type: ignore[arg-type]


@given(st.floats(0, 30), st.floats(0, 360), st.sampled_from(list(AXES)))
def test_the_nearest_axis_is_taken_and_a_slanted_body_is_a_warning(tilt_deg: float, turn_deg: float, up: str) -> None:
    tilt, turn = np.deg2rad(1.4 * tilt_deg), np.deg2rad(turn_deg)
    upwards = np.array([np.sin(tilt) * np.cos(turn), np.cos(tilt), np.sin(tilt) * np.sin(turn)]) @ ROTATIONS[up]
    if np.sort(np.abs(upwards))[-1] - np.sort(np.abs(upwards))[-2] < 1e-6 or abs(1.4 * tilt_deg - 30) < 1e-6:
        return
    guess = guess_up(upwards, None)
    assert guess.axis == up
    assert [finding.severity for finding in guess.findings] == ["warning" if 1.4 * tilt_deg > 30 else "note"]


def test_people_who_lie_before_upright_cameras_do_not_turn_the_world() -> None:
    guess = guess_up(np.array([0.95, 0, 0.1]), np.array([0, 0.1, 0.97]))
    assert guess.axis == "z"
    assert (
        "z is taken as up, the top of the cameras' pictures, but the person lies along x" in guess.findings[0].message
    )
    assert guess.findings[0].severity == "warning"


def test_cameras_on_their_sides_around_a_person_are_not_asked() -> None:
    assert guess_up(np.array([0, 0, 0.95]), np.array([0.64, 0, 0])).axis == "z"


def test_what_nothing_tells_is_said() -> None:
    guess = guess_up(None, None)
    assert guess.axis == "z"
    assert "neither from the body nor from the cameras" in guess.findings[0].message
    alone = guess_up(None, np.array([0, -0.9, 0]))
    assert alone.axis == "-y"
    assert "the body shows no direction" in alone.findings[0].message
