"""Cameras that were moved, turned or are late, made from the balance capture: named in the command's last lines."""

from __future__ import annotations

import math
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cases_kit import VIEWS
from poseharvest.annotations.reader import Harvest
from poseharvest.calibration.native import write_rig
from poseharvest.calibration.registry import read_calibration
from poseharvest.cli.app import main
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig

pytestmark = [pytest.mark.data, pytest.mark.slow]

START, STOP = 19, 43
RESOLUTION = 24

LastLines = Callable[..., list[str]]


@pytest.fixture
def last_lines(
    shared_dir: Path,
    tmp_path: Path,
    scene_calibration: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> LastLines:
    """Harvest the capture, or a faulty copy of its calibration or keypoints; return the lines below the verdict's.

    The keypoints alone are read: `test_keypoint_harvests.py` shows that the poses are those with footage.
    """
    capture = shared_dir / "captures" / "balance"

    def call(
        *options: str,
        calibration: Path = scene_calibration,
        keypoints: Path = capture / "openpose",
        out: str = "out",
        code: int = 0,
    ) -> list[str]:
        folder, alone = tmp_path / out, tmp_path / "alone"
        alone.mkdir(exist_ok=True)
        arguments = ("harvest", alone, "--calibration", calibration, "--detector", keypoints, "--out", folder)
        arguments += ("--start", START, "--stop", STOP, "--resolution", RESOLUTION)
        monkeypatch.setattr(sys, "argv", ["poseharvest", *map(str, arguments), *options])
        with pytest.raises(SystemExit) as end:
            main()
        assert (end.value.code or 0) == code, capsys.readouterr().err
        lines = capsys.readouterr().out.splitlines()
        below = lines[next(i for i, line in enumerate(lines) if line.startswith("verdict:")) + 1 :]
        stored = [f"{finding.severity}: {finding.message}" for finding in Harvest.open(folder).info.findings]
        assert all(re.sub(r" \(and \d+ more like this\)$", "", line) in stored for line in below)
        return below

    return call


@pytest.fixture
def faulty_rig(scene_calibration: Path, tmp_path: Path) -> Callable[[str, Callable[[Camera], Camera]], Path]:
    """Write the calibration with one camera changed."""

    def write(view: str, change: Callable[[Camera], Camera]) -> Path:
        cameras = [camera for camera in read_calibration(scene_calibration) if isinstance(camera, Camera)]
        named = [replace(camera, name=name) for camera, name in zip(cameras, VIEWS, strict=True)]
        path = tmp_path / "faulty.rig.json"
        write_rig(Rig(tuple(change(camera) if camera.name == view else camera for camera in named)), path)
        return path

    return write


@pytest.fixture
def exchanged_rig(scene_calibration: Path, tmp_path: Path) -> Path:
    """Write the calibration with the names of two cameras exchanged."""
    cameras = [camera for camera in read_calibration(scene_calibration) if isinstance(camera, Camera)]
    one, two, *rest = (replace(camera, name=name) for camera, name in zip(cameras, VIEWS, strict=True))
    path = tmp_path / "exchanged.rig.json"
    write_rig(Rig((replace(two, name=one.name), replace(one, name=two.name), *rest)), path)
    return path


def turned(degrees: float) -> Callable[[Camera], Camera]:
    """Turn a camera about its own upright axis, its place unchanged."""

    def change(camera: Camera) -> Camera:
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        turn = torch.tensor([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], dtype=camera.rotation.dtype) @ camera.rotation
        return replace(camera, rotation=turn, translation=-(turn @ camera.center))

    return change


def moved(mm: float) -> Callable[[Camera], Camera]:
    """Move a camera sideways."""

    def change(camera: Camera) -> Camera:
        aside = torch.tensor([mm, 0, 0], dtype=camera.translation.dtype)
        return replace(camera, translation=camera.translation + aside)

    return change


def late_keypoints(source: Path, target: Path, view: str, frames: int) -> Path:
    """Copy keypoint files; those of one view hold what it saw some frames before."""
    for folder in source.iterdir():
        (target / folder.name).mkdir(parents=True)
        files = sorted(folder.glob("*.json"))
        shift = frames if folder.name.startswith(view) else 0
        for number, file in enumerate(files):
            shutil.copyfile(files[max(0, number - shift)], target / folder.name / file.name)
    return target


def test_the_capture_as_it_is_has_no_warning_about_its_cameras(last_lines: LastLines) -> None:
    lines = last_lines("--strict")
    assert not [line for line in lines if "other cameras" in line or "in depth" in line or "from the pose" in line]


def test_a_camera_that_is_late_is_named(last_lines: LastLines, shared_dir: Path, tmp_path: Path) -> None:
    source = shared_dir / "captures" / "balance" / "openpose"
    lines = last_lines("--strict", keypoints=late_keypoints(source, tmp_path / "late", "cam02", 5), code=3)
    assert lines[0].startswith('warning: camera "cam02": its pictures are ')
    assert "behind those of the others" in lines[0]
    assert 'the harvest is without "cam02"' in lines[0]


@pytest.mark.parametrize(
    "change", [moved(200.0), pytest.param(turned(4.0), marks=pytest.mark.long)], ids=["moved", "turned"]
)
def test_a_camera_that_was_moved_or_turned_is_named_and_left_out(
    last_lines: LastLines, faulty_rig, tmp_path: Path, change
) -> None:
    lines = last_lines(calibration=faulty_rig("cam02", change))
    assert lines[0].startswith('warning: camera "cam02": it was moved or turned after its calibration')
    assert 'the harvest is without "cam02"' in lines[0]
    others = last_lines("--views", "cam01,cam03,cam04", out="others")
    assert not [line for line in others if "cam02" in line]
    one, other = (
        np.stack([row.mean for row in Harvest.open(tmp_path / name).iter_frames()]) for name in ("out", "others")
    )
    assert np.abs(one - other).max() < 1e-3  # nothing but the calibration file differs


def test_a_camera_at_fault_may_be_kept_and_the_result_is_called_wrong(last_lines: LastLines, faulty_rig) -> None:
    lines = last_lines("--strict", "--keep-cameras", calibration=faulty_rig("cam02", moved(200.0)), code=3)
    assert lines[0].startswith('error: camera "cam02": it was moved or turned after its calibration')
    assert "the poses are wrong" in lines[0]
    assert not [line for line in lines[1:] if '"cam0' in line and "other cameras" in line]


def test_exchanged_calibrations_are_named(last_lines: LastLines, exchanged_rig: Path) -> None:
    lines = last_lines("--strict", calibration=exchanged_rig, code=3)
    assert lines[0].startswith(
        'warning: cameras "cam01" and "cam02": their calibrations, or their footage, are exchanged'
    )


def test_cameras_that_were_started_at_other_moments_are_named(
    last_lines: LastLines, shared_dir: Path, tmp_path: Path
) -> None:
    source, target = shared_dir / "captures" / "balance" / "openpose", tmp_path / "late"
    for view, frames in (("cam02", 9), ("cam03", 5)):
        source, target = late_keypoints(source, target, view, frames), tmp_path / f"later_{view}"
    lines = last_lines("--strict", "--stop", "69", keypoints=source, code=3)
    assert lines[0].startswith("error: camera")
    assert '"cam02"' in lines[0]
    assert '"cam03"' in lines[0]
    assert "frames late" in lines[0]
    assert "--sync" in lines[0]
    # With the offsets that motion shows, all cameras are in step.
    lines = last_lines("--strict", "--stop", "60", "--sync", keypoints=source, out="synchronised")
    assert not any("late" in line for line in lines if line.startswith("error"))
    assert any("offsets by motion beside cam01: cam02 -9" in line or "cam02 -8" in line for line in lines)


def test_two_cameras_alone_that_are_out_of_step(last_lines: LastLines, shared_dir: Path, tmp_path: Path) -> None:
    keypoints = late_keypoints(shared_dir / "captures" / "balance" / "openpose", tmp_path / "late", "cam04", 8)
    lines = last_lines("--strict", "--stop", "69", "--views", "cam03,cam04", keypoints=keypoints, code=3)
    assert "out of step with cam03" in lines[0]
