"""Pictures with poses: lines lie where the joints are, on pictures that are not square, at any size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from poseharvest.learning.pose3d.input_pictures import Picture
from poseharvest.learning.pose3d.overlay_pictures import COLOURS, OverlayPictures, draw_limbs
from poseharvest.skeleton.definitions import MPII16


def pose(height, width):
    generator = torch.Generator().manual_seed(2)
    points = torch.rand((len(MPII16), 2), generator=generator, dtype=torch.float64)
    return points * torch.tensor([width - 21.0, height - 21.0]) + 10


def test_lines_join_the_joints():
    canvas, points = np.zeros((90, 200, 3), np.uint8), pose(90, 200)
    draw_limbs(canvas, MPII16, points, 1, (255, 255, 255))
    for limb in MPII16.limbs:
        ends = points[[MPII16.index(limb.parent), MPII16.index(limb.child)]]
        for share in (0.1, 0.5, 0.9):
            x, y = (ends[0] + share * (ends[1] - ends[0])).round().int().tolist()
            assert canvas[y - 1 : y + 2, x - 1 : x + 2].max() > 60


def test_a_joint_that_is_not_known_has_no_line():
    canvas, points = np.zeros((90, 200, 3), np.uint8), torch.full((len(MPII16), 2), torch.nan)
    points[MPII16.index("left_knee")] = 50.0
    draw_limbs(canvas, MPII16, points, 3)
    assert canvas.max() == 0


def test_sides_have_their_colours():
    canvas, points = np.zeros((90, 200, 3), np.uint8), torch.full((len(MPII16), 2), torch.nan)
    points[MPII16.index("left_knee")] = torch.tensor([20.0, 40.0])
    points[MPII16.index("left_ankle")] = torch.tensor([180.0, 40.0])
    draw_limbs(canvas, MPII16, points, 5)
    assert tuple(canvas[40, 100]) == COLOURS["left"]


@pytest.mark.parametrize("size", [(90, 200), (1200, 2400)])
def test_a_picture_is_written_with_its_pose_scaled_with_it(tmp_path, size):
    points = pose(*size)
    OverlayPictures(tmp_path / "o", frozenset({3})).add(Picture(3, "p", np.zeros((*size, 3), np.uint8)), MPII16, points)
    drawn = cv2.imread(str(tmp_path / "o" / "000003.jpg"))
    scale = min(1.0, 960 / max(size))
    assert drawn.shape[:2] == (round(size[0] * scale), round(size[1] * scale))
    for x, y in ((points + 0.5) * scale - 0.5).round().int().tolist():
        assert drawn[y - 1 : y + 2, x - 1 : x + 2].max() > 90


def test_they_are_spread_and_others_passed_over(tmp_path):
    overlays = OverlayPictures.spread(tmp_path / "o", 100, 4)
    assert sorted(overlays.frames) == [12, 37, 62, 87]
    assert OverlayPictures.spread(tmp_path, 3, 20).frames == {0, 1, 2}
    assert OverlayPictures.spread(tmp_path, 3, 0).frames == frozenset()
    overlays.add(Picture(0, "p", np.zeros((9, 12, 3), np.uint8)), MPII16, pose(30, 30))
    assert not (tmp_path / "o").exists()
