"""Preview pictures with the projection of the pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.annotations.records import SelectedFrame
from poseharvest.arrays import ImageSize
from poseharvest.capture.picture_folder import read_image
from poseharvest.errors import FormatError
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.image_covariance import image_uncertainty
from poseharvest.geometry.rig import Rig
from poseharvest.report.ellipses import Ellipse, ellipse_of
from poseharvest.skeleton.skeleton import Skeleton

NUM_SIGMAS = 2.0
"""Ellipses are drawn at this many standard deviations; about 86 % of a 2D Gaussian lies within two."""

MAX_PICTURE_SIDE = 720
"""Longest side of an embedded picture, pixels."""

_MARGIN = 0.2
_ASPECT = 0.8
_MIN_SIDE_PX = 64.0
_JPEG_QUALITY = 84


@dataclass(frozen=True)
class JointMark:
    """A joint as drawn into one picture.

    Attributes:
        name: the joint.
        x: column of the projected mean, pixels of the picture.
        y: row.
        ellipse: its 2-sigma contour, pixels; None where the projection has none.
        sigma_mm: det^(1/6) of its covariance.
        det: determinant, mm^6.
        score: the view's heatmap there.
        selected: the joint is selected as an annotation.
        peak: (x, y) of the view's own heatmap maximum; None where it has none.
    """

    name: str
    x: float
    y: float
    ellipse: Ellipse | None
    sigma_mm: float
    det: float
    score: float
    selected: bool
    peak: tuple[float, float] | None


@dataclass(frozen=True)
class Box:
    """A window of a picture, pixels; x from `left` to `left + width`."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class ViewOverlay:
    """One view of one moment.

    Attributes:
        view: the camera.
        jpeg: the window of the picture; None if the harvest has no preview of this view.
        box: the window, pixels of the picture.
        people: per person, the joints that appear in front of the camera, by joint name.
    """

    view: str
    jpeg: bytes | None
    box: Box
    people: tuple[Mapping[str, JointMark], ...]


@dataclass(frozen=True)
class FrameOverlay:
    """All views of one moment."""

    frame: int
    time_s: float
    views: tuple[ViewOverlay, ...]


def overlay_frame(
    people: Sequence[SelectedFrame],
    *,
    rig: Rig,
    skeleton: Skeleton,
    pictures: Mapping[str, Path],
) -> FrameOverlay:
    """Return one moment's views.

    Args:
        people: every person's pose; at least one.
        rig: the cameras.
        skeleton: the joints' names.
        pictures: preview files by view; a whole picture each, shrunk.

    Raises:
        FormatError: a preview cannot be read as a picture.
    """
    first = people[0].annotations
    views = []
    for index, (name, camera) in enumerate(zip(rig.names, rig.at(first.frame), strict=True)):
        marks = tuple(_marks(row, camera, index, skeleton) for row in people)
        box = _box_around(marks, camera.image_size)
        jpeg = None
        if name in pictures:
            box, jpeg = cut_picture(pictures[name], box, camera.image_size)
        views.append(ViewOverlay(name, jpeg, box, marks))
    return FrameOverlay(first.frame, first.time_s, tuple(views))


def cut_picture(path: Path, box: Box, image_size: ImageSize) -> tuple[Box, bytes]:
    """Return the window of a shrunk picture as JPEG, with the box widened to whole pixels of it.

    Args:
        path: the whole picture, shrunk evenly.
        box: the window, pixels of the full picture.
        image_size: size of the full picture.

    Raises:
        FormatError: the file is no picture.
    """
    image = read_image(path)
    if image is None:
        raise FormatError(f"{path}: expected a JPEG picture, got a file that cannot be decoded")
    picture: NDArray[Any] = image[..., ::-1]  # as OpenCV orders colours
    height, width = picture.shape[:2]
    scale = max(height, width) / max(image_size)
    left, right = _whole(box.left, box.width, scale, width)
    top, bottom = _whole(box.top, box.height, scale, height)
    window = picture[top:bottom, left:right]
    shrink = min(1.0, MAX_PICTURE_SIDE / max(window.shape[:2]))
    if shrink < 1:
        window = cv2.resize(window, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", window, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    cut = Box(left / scale - 0.5, top / scale - 0.5, (right - left) / scale, (bottom - top) / scale)
    return cut, encoded.tobytes()


def _marks(row: SelectedFrame, camera: StaticCamera, view: int, skeleton: Skeleton) -> dict[str, JointMark]:
    frame, selected = row.annotations, row.selected
    projection = image_uncertainty(camera, frame.mean, row.calibrated_cov)
    sigma, det = row.sigma_mm, frame.det
    marks = {}
    for j, name in enumerate(skeleton.joints):
        if not (projection.valid[j] and frame.supported[j]):
            continue
        peak = frame.peak_pixels[view, j]
        has_peak = bool(torch.isfinite(peak).all()) and bool(frame.peak_score[view, j] > 0)
        marks[name] = JointMark(
            name=name,
            x=float(projection.pixels[j, 0]),
            y=float(projection.pixels[j, 1]),
            ellipse=ellipse_of(projection.cov[j], NUM_SIGMAS),
            sigma_mm=float(sigma[j]),
            det=float(det[j]),
            score=float(frame.score[view, j]),
            selected=bool(selected[j]),
            peak=(float(peak[0]), float(peak[1])) if has_peak else None,
        )
    return marks


def _box_around(people: Sequence[Mapping[str, JointMark]], image_size: ImageSize) -> Box:
    """The window around the joints inside the picture, portrait, moved back into the picture where it leaves it."""
    height, width = image_size
    points = np.array([(m.x, m.y) for marks in people for m in marks.values()]).reshape(-1, 2)
    points = points[((points >= 0) & (points <= (width - 1, height - 1))).all(1)]
    if not len(points):
        return Box(-0.5, -0.5, width, height)
    low, high = points.min(0), points.max(0)
    extent = np.maximum((high - low) * (1 + 2 * _MARGIN), _MIN_SIDE_PX)
    tall = min(max(extent[1], extent[0] / _ASPECT), height)
    wide = min(max(tall * _ASPECT, extent[0]), width)
    left, top = (low + high - (wide, tall)) / 2
    return Box(
        float(np.clip(left, -0.5, width - 0.5 - wide)), float(np.clip(top, -0.5, height - 0.5 - tall)), wide, tall
    )


def _whole(start: float, length: float, scale: float, limit: int) -> tuple[int, int]:
    """First and end pixel of the shrunk picture that cover [start, start + length] of the full one."""
    first = int(np.clip(np.floor((start + 0.5) * scale), 0, limit - 1))
    return first, int(np.clip(np.ceil((start + length + 0.5) * scale), first + 1, limit))
