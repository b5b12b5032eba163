"""Keypoint files in the layouts of today, as people have them: named, read, and the body's own joints kept."""

from __future__ import annotations

import pytest
import torch

from cases_kit import VIEWS
from poseharvest.detectors.keypoint_folder import KeypointFolder, sample_people
from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions
from poseharvest.detectors.layout_fit import recognise_layout
from poseharvest.errors import DetectorError
from poseharvest.skeleton.human import BLAZE33, BODY25B, HALPE26

pytestmark = pytest.mark.data

CASES = [
    ("K01_halpe26/pose", "halpe26", HALPE26),
    ("K03_body135/pose", "body_135", BODY25B),
    ("K04_blaze33/pose", "blaze33", BLAZE33),
    ("K20c_alphapose_halpe26/kp", "halpe26", HALPE26),
]


@pytest.mark.parametrize(("folder", "layout", "skeleton"), CASES)
def test_todays_layouts_are_named_and_read(cases_dir, folder, layout, skeleton):
    root = next(path for path in (cases_dir / folder, cases_dir / folder.split("/", 1)[0]) if path.is_dir())
    detector = KeypointDetector(root)
    assert detector.skeleton == skeleton
    assert any(f"read as {layout}" in finding.message for finding in detector.findings)
    balance = cases_dir.parent / "captures" / "balance" / "openpose"
    truth = KeypointDetector(balance, KeypointOptions(layout="body_25b"))
    wrist, true_wrist = skeleton.index("left_wrist"), truth.skeleton.index("left_wrist")
    found, expected = detector.people("cam01", 3), truth.people("cam01", 3)
    distance = min(float((a[wrist, :2] - b[true_wrist, :2]).norm()) for a in found for b in expected)
    assert distance < 1.0


def test_old_openpose_files_of_two_people_are_body_25b(shared_dir):
    folder = KeypointFolder(shared_dir / "captures" / "multiperson" / "reference" / "pose2d")
    people = sample_people([folder.files(view) for view in VIEWS], 10)
    found = recognise_layout(torch.stack(people), source="files")
    assert found.layout == "body_25b"
    assert found.misfit < 0.1
    assert found.others["body_25"] > 0.5


@pytest.mark.parametrize("order", ["turned", "shuffled"])
def test_rows_in_no_known_order_are_refused(shared_dir, order):
    folder = KeypointFolder(shared_dir / "captures" / "multiperson" / "reference" / "pose2d")
    people = torch.stack(sample_people([folder.files(view) for view in VIEWS], 5))
    rows = torch.arange(25).roll(3) if order == "turned" else torch.randperm(25, generator=torch.manual_seed(1))
    with pytest.raises(DetectorError, match="25 keypoints: cannot tell the layout; give layout="):
        recognise_layout(people[:, rows], source="files")
