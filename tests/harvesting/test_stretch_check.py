"""A view that is suspected in a part of the take is at fault only if its pictures, or its keypoint files, say so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.capture.capture import Capture
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.registry import load_detector
from poseharvest.diagnosis.verdict import verdict_of
from poseharvest.diagnosis.view_stretches import ViewStretch
from poseharvest.geometry.rig import Rig
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.stretch_check import stretch_faults
from poseharvest.simulation import CLEAN, Simulation, simulate

VIEW, FIRST, STOP = 2, 20, 50
HEIGHT, WIDTH = 120, 164


class Footage:
    """Footage whose view VIEW has its own pictures from frame FIRST to STOP."""

    def __init__(self, rig: Rig, picture: Callable[[int], np.ndarray | None]) -> None:
        self.rig, self.picture, self.num_frames, self.frame_rate, self.name = rig, picture, 60, 30.0, "pictures"

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        for index in range(start, self.num_frames if stop is None else stop):
            own = self.picture(index) if FIRST <= index < STOP else scene(index)
            images = tuple(own if view == VIEW else scene(index) for view in range(len(self.rig)))
            yield MultiViewFrame(index, index / self.frame_rate, images)


def scene(shift: int, compression: int = 0) -> np.ndarray:
    """A picture of smooth stripes that move."""
    stripes = np.broadcast_to(120 + 90 * np.sin((np.arange(WIDTH) + shift) / 9), (HEIGHT, WIDTH))
    noise = np.random.default_rng(shift).integers(-compression, compression + 1, (HEIGHT, WIDTH))
    return np.repeat((stripes + noise)[..., None], 3, axis=-1).astype(np.uint8)


def noise(frame: int) -> np.ndarray:
    return np.random.default_rng(frame).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def nearly_frozen(frame: int) -> np.ndarray:
    return (scene(FIRST) + np.random.default_rng(frame).integers(0, 5, (HEIGHT, WIDTH, 1))).astype(np.uint8)


@pytest.fixture(scope="module")
def walk() -> Simulation:
    return simulate(4, 0, errors=CLEAN, render=False)


@pytest.mark.parametrize(
    ("kind", "picture", "fault", "text"),
    [
        ("still", lambda n: scene(FIRST), "frozen", "its picture stands still while the person moves"),
        ("still", nearly_frozen, "frozen", "its picture stands still while the person moves"),
        ("still", scene, None, ""),
        ("still", lambda n: None, None, ""),
        ("blind", lambda n: np.zeros((HEIGHT, WIDTH, 3), np.uint8), "blank", "its picture is black"),
        ("blind", lambda n: np.full((HEIGHT, WIDTH, 3), 255, np.uint8), "blank", "its picture is white"),
        ("blind", noise, "unlike", "its picture is noise"),
        ("blind", scene, None, ""),  # the person is hidden
    ],
    ids=["frozen", "frozen and compressed", "moves", "absent", "black", "white", "noise", "hidden"],
)
def test_pictures_decide(walk: Simulation, kind, picture, fault, text):
    job = Job(Footage(walk.capture.rig, picture), walk.detector, HarvestOptions(), None, None, lambda _: None)
    stretch = ViewStretch(VIEW, kind, FIRST - 2, STOP - 1, FIRST - 2, STOP, 80.0)
    faults = stretch_faults(job, [stretch])
    if fault is None:
        assert faults == ()
        return
    (found,) = faults
    assert (found.views, found.kind, found.text) == ((walk.capture.rig.names[VIEW],), fault, text)
    assert found.from_frame == (FIRST if fault == "frozen" else FIRST - 2)
    assert found.before_frame == STOP
    assert found.finding.severity == ("error" if fault == "frozen" else "warning")
    assert f"from about frame {found.from_frame} to {STOP}, {text}" in found.finding.message


@pytest.fixture(scope="module")
def balance(shared_dir: Path) -> Path:
    folder = shared_dir / "captures" / "balance"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    return folder


def harvested(balance: Path, keypoints: Path, out: Path) -> Harvest:
    capture = Capture.open(balance, calibration=balance / "calibration" / "calib_scene.toml")
    detector = load_detector(str(keypoints), frame_offset=1)
    return harvest(capture, detector, out, options=HarvestOptions(stop=80))


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["frozen", "blank"])
def test_keypoints_that_stop_are_named_with_the_frame(balance: Path, tmp_path: Path, kind: str):
    keypoints = shutil.copytree(balance / "openpose", tmp_path / "openpose", copy_function=shutil.copyfile)
    files = sorted((keypoints / "cam02_json").glob("*.json"))
    for file in files[18:]:
        text = files[18].read_text() if kind == "frozen" else json.dumps({"version": 1.3, "people": []})
        file.write_text(text)
    made = harvested(balance, keypoints, tmp_path / "h")
    (fault,) = made.info.camera_faults
    assert (fault.views, fault.kind, fault.before_frame) == (("cam02",), kind, None)
    assert fault.from_frame == 19  # file 18 is the picture 19
    assert fault.finding == made.info.findings[0]
    assert verdict_of(made).level == ("wrong" if kind == "frozen" else "look")
    assert f"camera cam02: from about frame 19 on, {fault.text}" in verdict_of(made).sentence
