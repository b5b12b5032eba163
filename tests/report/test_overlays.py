"""The window of a preview picture lies where the drawing says, and a pose is drawn where it appears."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.report.overlays import Box, FrameOverlay, cut_picture, overlay_frame

FULL = (600, 900)


@pytest.fixture
def dotted(tmp_path: Path) -> Path:
    """A picture of 600 x 900, kept at a third, black with a white dot around pixel (450, 240) of the full one."""
    full = np.zeros((*FULL, 3), np.uint8)
    cv2.circle(full, (450, 240), 12, (255, 255, 255), -1)
    path = tmp_path / "view.jpg"
    cv2.imwrite(str(path), cv2.resize(full, (300, 200), interpolation=cv2.INTER_AREA))
    return path


def dot_position(box: Box, jpeg: bytes) -> tuple[float, float]:
    """Where a page that stretches the JPEG over `box` shows the dot, pixels of the full picture."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE).astype(float)
    height, width = picture.shape
    x = (picture.sum(0) @ (np.arange(width) + 0.5)) / picture.sum()
    y = (picture.sum(1) @ (np.arange(height) + 0.5)) / picture.sum()
    return box.left + x / width * box.width, box.top + y / height * box.height


@pytest.mark.parametrize("box", [Box(401.3, 200.7, 120, 160), Box(-0.5, -0.5, 900, 600), Box(300, 100, 700, 900)])
def test_the_cut_shows_every_pixel_in_its_place(dotted: Path, box: Box) -> None:
    cut, jpeg = cut_picture(dotted, box, FULL)
    assert dot_position(cut, jpeg) == pytest.approx((450, 240), abs=0.75)
    assert cut.left >= -0.5
    assert cut.left + cut.width <= 899.5 + 1e-9


def test_a_large_window_is_shrunk_in_place(tmp_path: Path) -> None:
    full = np.zeros((900, 1600, 3), np.uint8)
    cv2.circle(full, (450, 240), 30, (255, 255, 255), -1)
    cv2.imwrite(str(tmp_path / "view.jpg"), full)
    cut, jpeg = cut_picture(tmp_path / "view.jpg", Box(-0.5, -0.5, 1600, 900), (900, 1600))
    assert max(cv2.imdecode(np.frombuffer(jpeg, np.uint8), 0).shape) == 720
    assert dot_position(cut, jpeg) == pytest.approx((450, 240), abs=1)


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "cam.jpg").write_bytes(b"not a picture")
    with pytest.raises(FormatError, match=r"cam.jpg: expected a JPEG picture"):
        cut_picture(tmp_path / "cam.jpg", Box(0, 0, 10, 10), FULL)


@pytest.fixture
def moment(harvest: Harvest, rig: Rig) -> FrameOverlay:
    row = list(harvest.iter_selected())[12]
    pictures = {name: path for name in rig.names if (path := harvest.preview(12, name))}
    return overlay_frame([row], rig=rig, skeleton=harvest.skeleton, pictures=pictures)


def test_joints_are_drawn_where_the_harvest_says_they_appear(harvest: Harvest, moment: FrameOverlay) -> None:
    row = list(harvest.iter_selected())[12]
    for v, view in enumerate(moment.views):
        for name, mark in view.people[0].items():
            j = harvest.skeleton.index(name)
            assert (mark.x, mark.y) == pytest.approx(row.annotations.pixels[v, j].tolist())
            assert mark.selected == bool(row.selected[j])
            assert mark.ellipse is not None
            assert mark.ellipse.major >= mark.ellipse.minor > 0


def test_the_window_holds_every_joint_in_the_picture(moment: FrameOverlay) -> None:
    for view in moment.views:
        for mark in view.people[0].values():
            assert view.box.left < mark.x < view.box.left + view.box.width
            assert view.box.top < mark.y < view.box.top + view.box.height


def test_an_absent_view_has_no_picture_and_no_peaks(moment: FrameOverlay) -> None:
    assert [view.jpeg is None for view in moment.views] == [False, False, True, False]
    assert all(mark.peak is None for mark in moment.views[2].people[0].values())
    assert all(mark.peak is not None for mark in moment.views[0].people[0].values())


def test_a_joint_that_no_camera_sees_is_not_drawn(harvest: Harvest, rig: Rig) -> None:
    row = list(harvest.iter_selected())[5]
    views = overlay_frame([row], rig=rig, skeleton=harvest.skeleton, pictures={}).views
    assert all("right_wrist" not in view.people[0] for view in views)
    assert all(len(view.people[0]) == 15 for view in views)
