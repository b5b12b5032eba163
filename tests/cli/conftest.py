"""The program as a user runs it, and a small capture on the disk that it can harvest without weights."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from poseharvest.calibration.native import write_rig
from poseharvest.cli.app import main
from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.simulation import CLEAN, random_rig, simulate
from poseharvest.simulation.camera_rigs import look_at
from poseharvest.skeleton.definitions import MPII16

SIZE = (240, 320)
NUM_FRAMES = 6
_STAND_INS = {"nose": "head_top", "eye": "head_top", "ear": "head_top", "toe": "ankle", "heel": "ankle"}


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `poseharvest` with some arguments."""

    def call(*arguments: object, columns: int = 200) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["poseharvest", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", str(columns))
        try:
            main()
            code = 0
        except SystemExit as end:
            code = 0 if end.code is None else int(end.code)
        streams = capsys.readouterr()
        return Outcome(code, streams.out, streams.err)

    return call


def write_video(path: Path, size: tuple[int, int] = SIZE, num_frames: int = NUM_FRAMES) -> None:
    """Film a grey wall."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        for index in range(num_frames):
            picture = np.full((*size, 3), 100 + index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def write_keypoints(folder: Path, rig: Rig, positions: torch.Tensor) -> None:
    """Write what OpenPose would find: the true projections, as BODY_25B; face and feet stand in for each other."""
    for camera in rig.at(0):
        (folder / camera.name).mkdir(parents=True)
        for frame, pose in enumerate(positions):
            pixels = camera.project(pose).pixels
            rows = [value for name in LAYOUTS["body_25b"] for value in (*pixels[_channel(name)].tolist(), 0.9)]
            content = {"people": [{"pose_keypoints_2d": rows}]}
            (folder / camera.name / f"{camera.name}_{frame:012d}_keypoints.json").write_text(json.dumps(content))


def _channel(name: str) -> int:
    if name in MPII16.joints:
        return MPII16.index(name)
    side, part = name.split("_", 1) if "_" in name else ("", name)
    stand_in = _STAND_INS[part.rsplit("_", 1)[-1]]
    return MPII16.index(stand_in if stand_in == "head_top" else f"{side}_{stand_in}")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `capture`, `keypoints` and the true positions."""
    folder = tmp_path_factory.mktemp("made")
    rig = random_rig(3, torch.Generator().manual_seed(8), image_size=SIZE)
    simulation = simulate(NUM_FRAMES, 1, rig=rig, errors=CLEAN, render=False)
    (folder / "capture" / "videos").mkdir(parents=True)
    for name in rig.names:
        write_video(folder / "capture" / "videos" / f"{name}.mp4")
    write_rig(rig, folder / "capture" / "studio.rig.json")
    write_keypoints(folder / "keypoints", rig, simulation.truth.positions)
    torch.save(simulation.truth.positions, folder / "truth.pt")
    return folder


@dataclass(frozen=True)
class Footage:
    """A capture of one's own, to be damaged."""

    folder: Path
    capture: Path
    keypoints: Path
    truth: torch.Tensor

    @property
    def calibration(self) -> Path:
        """The only calibration."""
        return self.capture / "studio.rig.json"

    def video(self, name: str) -> Path:
        """The video of a view."""
        return self.capture / "videos" / f"{name}.mp4"


@pytest.fixture
def footage(made_once: Path, tmp_path: Path) -> Footage:
    """A copy of the capture with the folder in which outputs go."""
    shutil.copytree(made_once / "capture", tmp_path / "capture")
    truth = torch.load(made_once / "truth.pt", weights_only=True)
    return Footage(tmp_path, tmp_path / "capture", made_once / "keypoints", truth)


@pytest.fixture
def close_pair(tmp_path: Path) -> Callable[[float], Footage]:
    """A capture of two cameras side by side, 5 m before the person, as far apart as asked for, in mm."""

    def make(baseline_mm: float) -> Footage:
        folder = tmp_path / f"apart{baseline_mm:g}"
        target = torch.tensor([0.0, 0.0, 900.0], dtype=torch.float64)
        rig = Rig(tuple(_beside(f"cam{i + 1}", side * baseline_mm / 2, target) for i, side in enumerate((-1, 1))))
        simulation = simulate(NUM_FRAMES, 1, rig=rig, errors=CLEAN, render=False)
        (folder / "capture" / "videos").mkdir(parents=True)
        for camera in rig:
            write_video(folder / "capture" / "videos" / f"{camera.name}.mp4", camera.image_size)
        write_rig(rig, folder / "capture" / "studio.rig.json")
        write_keypoints(folder / "keypoints", rig, simulation.truth.positions)
        return Footage(folder, folder / "capture", folder / "keypoints", simulation.truth.positions)

    return make


def _beside(name: str, offset_mm: float, target: torch.Tensor) -> Camera:
    center = torch.tensor([5000.0, offset_mm, 1500.0], dtype=torch.float64)
    rotation = look_at(center, target)
    lens = torch.tensor([[1100.0, 0, 499.5], [0, 1100, 499.5], [0, 0, 1]], dtype=torch.float64)
    return Camera(name, (1000, 1000), lens, rotation, -rotation @ center)
