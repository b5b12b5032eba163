"""A man at a desk who holds his hands before the cameras: legs are nobody's, and no hand is a person."""

from __future__ import annotations

import pytest
import torch

from poseharvest import Capture, Harvest
from poseharvest import harvest as run
from poseharvest.detectors.registry import load_detector
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.long]  # a network searches whole pictures

START, STOP = 28, 36  # hands near the cameras; a search in such a frame once found nothing but dolls in them


@pytest.fixture(scope="module")
def everybody(shared_dir, tmp_path_factory) -> Harvest:
    capture = shared_dir / "captures" / "gesture"
    weights = shared_dir / "weights" / "efficientpose_i" / "EfficientPoseI.h5"
    for path in (capture, weights):
        if not path.exists():
            pytest.skip(f"not at {path}")
    options = HarvestOptions(
        people=None, start=START, stop=STOP, inference=InferenceOptions(resolution=32), num_previews=0
    )
    out = tmp_path_factory.mktemp("upper_body") / "harvest"
    return run(Capture.open(capture), load_detector("efficientpose", weights=weights), out, options=options)


def test_the_man_is_the_only_person(everybody):
    assert [person.frames for person in everybody.info.people] == [STOP - START]


def test_he_is_as_large_as_a_man(everybody):
    """Shoulders of 0.3 to 0.45 m, upper arms of 0.25 to 0.36 m; in a hand they were some centimetres."""
    skeleton = everybody.skeleton
    for record in everybody.iter_frames():
        for a, b, low, high in (
            ("left_shoulder", "right_shoulder", 290, 450),
            ("left_shoulder", "left_elbow", 240, 360),
        ):
            length = torch.linalg.vector_norm(record.mean[skeleton.index(a)] - record.mean[skeleton.index(b)])
            assert low < float(length) < high


def test_no_leg_is_supported_or_selected(everybody):
    legs = [everybody.skeleton.index(f"{side}_{part}") for side in ("left", "right") for part in ("knee", "ankle")]
    for record in everybody.iter_frames():
        assert not record.supported[legs].any()
    chosen = {row.joint: row.selected for row in everybody.info.selection.joints}
    assert not any(chosen[everybody.skeleton.joints[leg]] for leg in legs)


def test_it_is_said_that_the_upper_body_alone_is_seen(everybody):
    assert any(finding.message.startswith("upper body only") for finding in everybody.info.findings)


def test_no_camera_is_blamed(everybody):
    assert not [finding for finding in everybody.info.findings if finding.topic.startswith("camera")]
