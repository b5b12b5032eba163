"""Cameras that were moved, turned or are late, made from the balance capture: named in the command's last lines."""

from __future__ import annotations

import math
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

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
    """Harvest the capture, or a faulty copy of its calibration or keypoints; return the lines below the report's.

    The keypoints alone are read: `test_keypoint_harvests.py` shows that the poses are those with footage.
    """
    capture = shared_dir / "captures" / "balance"

    def call(calibration: Path = scene_calibration, keypoints: Path = capture / "openpose") -> list[str]:
        out, alone = tmp_path / "out", tmp_path / "alone"
        alone.mkdir()
        arguments = ("harvest", alone, "--calibration", calibration, "--detector", keypoints, "--out", out)
        arguments += ("--start", START, "--stop", STOP, "--resolution", RESOLUTION)
        monkeypatch.setattr(sys, "argv", ["poseharvest", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, capsys.readouterr().err
        lines = capsys.readouterr().out.splitlines()
        below = lines[next(i for i, line in enumerate(lines) if line.startswith("report:")) + 1 :]
        stored = [f"{finding.severity}: {finding.message}" for finding in Harvest.open(out).info.findings]
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
    lines = last_lines()
    assert not [line for line in lines if "other cameras" in line or "in depth" in line or "from the pose" in line]


def test_a_camera_that_is_late_is_named(last_lines: LastLines, shared_dir: Path, tmp_path: Path) -> None:
    source = shared_dir / "captures" / "balance" / "openpose"
    lines = last_lines(keypoints=late_keypoints(source, tmp_path / "late", "cam02", 12))
    (line,) = [line for line in lines if "its joints move about 0." in line]
    assert line.startswith('warning: camera "cam02"')
    assert "behind those of the other cameras" in line
    assert line.endswith("leave it out with --views")


@pytest.mark.parametrize(
    "change", [moved(220.0), pytest.param(turned(4.0), marks=pytest.mark.long)], ids=["moved", "turned"]
)
def test_a_camera_that_was_moved_or_turned_is_named(last_lines: LastLines, faulty_rig, change) -> None:
    lines = last_lines(calibration=faulty_rig("cam02", change))
    (line,) = [line for line in lines if "always to the same side" in line]
    assert line.startswith('warning: camera "cam02": its joints lie ')
    assert line.endswith("calibrate anew, or leave it out with --views")
