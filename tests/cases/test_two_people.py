"""Old OpenPose files of a man and of a figure that is too small, harvested with no other option."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest import Capture, Harvest
from poseharvest import harvest as run
from poseharvest.detectors.registry import load_detector
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions

pytestmark = [pytest.mark.data, pytest.mark.slow]

NUM_FRAMES = 4
JOINTS = tuple(
    f"{side}_{part}" for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in ("left", "right")
)


@pytest.fixture(scope="module")
def capture_dir(shared_dir):
    path = shared_dir / "captures" / "multiperson"
    if not path.is_dir():
        pytest.skip(f"the capture is not at {path}")
    return path


@pytest.fixture(scope="module")
def harvest(capture_dir, tmp_path_factory) -> Harvest:
    """The first frames of it."""
    return run(
        Capture.open(capture_dir),
        load_detector(str(capture_dir / "reference" / "pose2d")),
        tmp_path_factory.mktemp("two_people") / "harvest",
        options=HarvestOptions(people=None, stop=NUM_FRAMES, inference=InferenceOptions(32), num_previews=0),
    )


def read_trc(path) -> np.ndarray:
    """Return (F, J, 3) mm of JOINTS in the calibration's world: x, y, z are the file's columns z, x, y in metres."""
    lines = path.read_text().splitlines()
    names = [name for name in lines[3].split("\t") if name][2:]
    rows = np.array([[float(cell) for cell in line.split("\t") if cell] for line in lines[5:] if line.strip()])
    points = 1000 * rows[:, 2:].reshape(len(rows), -1, 3)[:, :, [2, 0, 1]]
    return points[:, [names.index(joint[0].upper() + joint.split("_")[1].capitalize()) for joint in JOINTS]]


def distances(harvest: Harvest, trc: np.ndarray) -> dict[int, float]:
    """Return the mean distance of every person's limb joints from the file, mm."""
    index = [harvest.skeleton.index(joint) for joint in JOINTS]
    found: dict[int, list[float]] = {}
    for record in harvest.iter_frames():
        away = np.linalg.norm(record.mean[index].numpy() - trc[record.frame], axis=-1)
        found.setdefault(record.person, []).append(float(away.mean()))
    return {person: float(np.mean(values)) for person, values in found.items()}


def test_the_layout_is_named(harvest):
    assert harvest.skeleton.name == "body25b"
    assert any("read as body_25b" in finding.message for finding in harvest.info.findings)


def test_the_man_is_where_another_triangulation_has_him(harvest, capture_dir):
    assert min(distances(harvest, read_trc(capture_dir / "reference" / "P2_0-100.trc")).values()) < 30.0


def test_the_undersized_figure_is_flagged_and_ends_nothing(harvest, capture_dir):
    away = distances(harvest, read_trc(capture_dir / "reference" / "P2_0-100.trc"))
    man = min(away, key=lambda person: away[person])
    flagged = [finding for finding in harvest.info.findings if "beside a person of" in finding.message]
    named = {finding.topic for finding in flagged if finding.topic.startswith("person ")}
    assert named
    assert f"person {man}" not in named
