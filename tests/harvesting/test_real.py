"""Real footage with no hint: four phones, bystanders in two of the views, the published network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.capture.capture import Capture
from poseharvest.detectors.registry import load_detector
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions

pytestmark = [pytest.mark.data, pytest.mark.slow]

TORSO = ("pelvis", "thorax", "left_shoulder", "right_shoulder", "left_hip", "right_hip")


@pytest.fixture(scope="module")
def harvested(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    footage, weights = (
        shared_dir / "captures" / "balance",
        shared_dir / "weights" / "efficientpose_i" / "EfficientPoseI.h5",
    )
    if not (footage.is_dir() and weights.is_file()):
        pytest.skip(f"needs {footage} and {weights}")
    options = HarvestOptions(inference=InferenceOptions(resolution=32), warm_up_frames=6, stop=6)
    capture = Capture.open(footage, calibration=footage / "calibration" / "calib_scene.toml")
    detector = load_detector("efficientpose", weights=weights)
    return harvest(capture, detector, tmp_path_factory.mktemp("balance") / "h", options=options)


def test_one_person_is_found_in_every_view_of_every_frame(harvested: Harvest) -> None:
    """The torso falls into the windows, on the very place that most views' own heatmaps say."""
    torso = [harvested.skeleton.index(joint) for joint in TORSO]
    records = list(harvested.iter_frames())
    assert [record.frame for record in records] == list(range(6))
    for record in records:
        for view, crop in enumerate(record.crops):
            assert crop is not None
            window = crop.to_window(record.pixels[view, torso], (1, 1))
            assert bool((window.abs() <= 0.5).all())
            distance = (record.pixels[view, torso] - record.peak_pixels[view, torso]).norm(dim=-1) / crop.side
            assert float(distance.median()) < 0.08


def test_the_person_is_of_human_size_and_moves_as_one(harvested: Harvest) -> None:
    assert 300 < harvested.info.limb_lengths_mm["left_hip-left_knee"] < 520
    assert 300 < harvested.info.limb_lengths_mm["right_knee-right_ankle"] < 500
    assert not [
        finding
        for finding in harvested.info.findings
        if finding.severity != "note" and "size" not in finding.message and "calibrated" not in finding.message
    ]
    pelvis = torch.stack([record.mean[harvested.skeleton.index("pelvis")] for record in harvested.iter_frames()])
    assert float((pelvis[1:] - pelvis[:-1]).norm(dim=-1).max()) < 150
