"""Hands of whole-body networks: every joint from its own channel, in pixels of the picture, also of one turned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from onnx_kit import PLANTED, write_rtmpose
from poseharvest.detectors import load_detector
from poseharvest.detectors.keypoint_hands import HandRows
from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.detectors.protocol import CroppedView, HandNetwork, HandSource
from poseharvest.detectors.turned import TurnedDetector, turn_image, turn_points
from poseharvest.detectors.whole_body import BOTH_HANDS
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop
from poseharvest.skeleton.hands import HAND21

CROPS = (Crop((135.0, 105.0), 90.0), Crop((139.0, 108.0), 104.0))


def picture(contrast: float = 255) -> np.ndarray:
    rows, columns = np.mgrid[:200, :260]
    bells = [contrast * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 8.0**2)) for x, y in PLANTED]
    return np.stack(bells, -1).round().astype(np.uint8)


def expected() -> torch.Tensor:
    """(2, 21, 2) where the channel of each joint of a hand was planted."""
    rows = HandRows.of(LAYOUTS["coco133"]).rows
    return torch.tensor([[PLANTED[row % 3] for row in side] for side in rows], dtype=torch.float64)


@pytest.mark.parametrize("batch", ["batch", 1])
def test_joints_of_hands_lie_where_they_were_planted(tmp_path: Path, batch: object) -> None:
    detector = load_detector(write_rtmpose(tmp_path / "rtmw.onnx", 133, batch=batch))
    assert isinstance(detector, HandNetwork)
    assert not isinstance(detector, HandSource)
    assert detector.holds_hands
    hands = detector.hands_in([CroppedView("a", i, crop, picture()) for i, crop in enumerate(CROPS)])
    assert len(hands) == 2
    for rows in hands:
        assert rows.shape == (2, len(HAND21), 3)
        assert float((rows[..., :2] - expected()).norm(dim=-1).max()) < 1
        assert bool((rows[..., 2] > 0.3).all())


def test_the_body_is_as_without_hands(tmp_path: Path) -> None:
    views = [CroppedView("a", 0, CROPS[0], picture())]
    detector = load_detector(write_rtmpose(tmp_path / "rtmw.onnx", 133))
    before = detector.detect(views)
    detector.hands_in(views)
    assert torch.equal(detector.detect(views), before)
    assert not {*detector.skeleton.joints} & {*BOTH_HANDS.joints}


def test_faint_joints_are_not_found(tmp_path: Path) -> None:
    detector = load_detector(write_rtmpose(tmp_path / "rtmw.onnx", 133))
    (rows,) = detector.hands_in([CroppedView("a", 0, CROPS[0], np.zeros((200, 260, 3), np.uint8))])
    assert not bool(rows[..., 2].any())


def test_no_window_has_no_hands(tmp_path: Path) -> None:
    assert load_detector(write_rtmpose(tmp_path / "rtmw.onnx", 133)).hands_in([]) == []


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_camera_on_its_side_has_hands_in_its_own_pixels(tmp_path: Path, degrees: int) -> None:
    upright = load_detector(write_rtmpose(tmp_path / "rtmw.onnx", 133))
    filmed = turn_image(picture(), -degrees % 360)
    crop = CROPS[0]
    center = turn_points(torch.tensor(crop.center, dtype=torch.float64), (200, 260), -degrees % 360)
    views = [CroppedView("a", 0, Crop((float(center[0]), float(center[1])), crop.side), filmed)]
    detector = TurnedDetector(upright, {"a": degrees})
    assert detector.holds_hands
    (rows,) = detector.hands_in(views)
    wanted = turn_points(expected(), (200, 260), -degrees % 360)
    assert float((rows[..., :2] - wanted).norm(dim=-1).max()) < 1


def test_networks_of_the_body_alone_have_none(tmp_path: Path) -> None:
    detector = load_detector(write_rtmpose(tmp_path / "body.onnx", 17))
    assert not isinstance(detector, HandNetwork)
    turned = TurnedDetector(detector, {"a": 90})
    assert not turned.holds_hands
    with pytest.raises(DetectorError, match='expected a network that finds hands, got "body"'):
        turned.hands_in([])
