"""Hands in keypoint files: lists beside the bodies, and rows of whole-body layouts, say the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions
from poseharvest.detectors.protocol import HandSource
from poseharvest.errors import FormatError
from poseharvest.skeleton.hands import HAND_ROOTS, hand_joints
from poseharvest.skeleton.human import SIDES

PLACES = np.random.default_rng(3).uniform((20, 30, 0.2), (600, 380, 0.9), (400, 3)).round(2)
WHOLE_BODY = ("coco133", "halpe136", "body_135")


def rows_of(layout: str) -> dict[str, np.ndarray]:
    return {name: PLACES[sum(map(ord, name)) % 400] for name in LAYOUTS[layout]}


def write(folder: Path, layout: str, number: int = 0, **lists: list[float]) -> KeypointDetector:
    folder.mkdir(parents=True, exist_ok=True)
    flat = [float(value) for row in rows_of(layout).values() for value in row]
    person = {"pose_keypoints_2d": flat, **lists}
    (folder / f"cam1_{number:012d}_keypoints.json").write_text(json.dumps({"people": [person, {}]}))
    return KeypointDetector(folder.parent, KeypointOptions(layout=layout, frame_offset=0))


def hand(layout: str, side: str) -> np.ndarray:
    rows = rows_of(layout)
    root = rows.get(HAND_ROOTS[SIDES.index(side)], rows[f"{side}_wrist"])
    return np.stack([root, *(rows[joint] for joint in hand_joints(side))])


@pytest.mark.parametrize("layout", WHOLE_BODY)
def test_rows_of_a_whole_body_layout_are_hands(tmp_path, layout):
    """Where a layout has no row for a hand's root, the body's wrist is its root."""
    detector = write(tmp_path / "cam1", layout)
    assert isinstance(detector, HandSource)
    assert detector.holds_hands
    (found,) = detector.hands("cam1", 0)
    assert found.shape == (2, 21, 3)
    for side, rows in zip(SIDES, found, strict=True):
        assert np.allclose(rows.numpy(), hand(layout, side))
    assert detector.hands("cam1", 1) == detector.hands("cam1", -1) == []


def test_lists_beside_the_body_say_the_same_as_rows(tmp_path):
    whole = write(tmp_path / "rows" / "cam1", "coco133")
    lists = {f"hand_{side}_keypoints_2d": hand("coco133", side).reshape(-1).tolist() for side in SIDES}
    beside = write(tmp_path / "lists" / "cam1", "coco17", **lists)
    assert beside.holds_hands
    assert torch.equal(whole.hands("cam1", 0)[0], beside.hands("cam1", 0)[0])
    assert len(beside.people("cam1", 0)) == len(beside.hands("cam1", 0)) == 1


def test_easymocap_has_hands_as_openpose_has(tmp_path):
    body = [row.tolist() for row in rows_of("body_25").values()]
    left = hand("coco133", "left")
    annots = [{"keypoints": body, "handl2d": left.tolist(), "handr2d": []}]
    (tmp_path / "cam1").mkdir()
    (tmp_path / "cam1" / "000000.json").write_text(json.dumps({"annots": annots}))
    detector = KeypointDetector(tmp_path, KeypointOptions(layout="body_25", frame_offset=0))
    (found,) = detector.hands("cam1", 0)
    assert np.allclose(found[0].numpy(), left)
    assert not found[1].any()


def test_one_empty_hand_is_no_hand(tmp_path):
    lists = {"hand_left_keypoints_2d": [0.0] * 63, "hand_right_keypoints_2d": []}
    detector = write(tmp_path / "cam1", "coco17", **lists)
    assert detector.hands("cam1", 0)[0].abs().sum() == 0


@pytest.mark.parametrize("lists", [{}, {"hand_left_keypoints_2d": [], "hand_right_keypoints_2d": []}])
def test_files_of_bodies_alone_hold_no_hands(tmp_path, lists):
    detector = write(tmp_path / "cam1", "coco17", **lists)
    assert not detector.holds_hands
    assert detector.hands("cam1", 0)[0].abs().sum() == 0


def test_a_hand_of_another_number_of_joints_is_refused_by_name(tmp_path):
    detector = write(tmp_path / "cam1", "coco17", hand_left_keypoints_2d=[1.0, 2.0, 0.5] * 20)
    with pytest.raises(FormatError, match=r"cam1_0+_keypoints\.json: expected 21 keypoints of a hand, got 20"):
        detector.hands("cam1", 0)


@pytest.mark.data
def test_the_balance_capture_has_lists_for_hands_and_no_hand_in_them(shared_dir):
    detector = KeypointDetector(shared_dir / "captures" / "balance" / "openpose", KeypointOptions(frame_offset=1))
    assert not detector.holds_hands
