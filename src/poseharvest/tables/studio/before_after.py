"""Pictures of a moment before and after: the pose that was harvested, and the true one, drawn into a view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.arrays import Image
from poseharvest.geometry.crop import Crop, crop_around, extract
from poseharvest.learning.pose3d.overlay_pictures import draw_limbs
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.tables.studio.filming import Take
from poseharvest.tables.studio.judged_poses import JudgedPoses
from poseharvest.tables.studio.studio_subject import StudioSubject
from poseharvest.tables.studio.study import Network

SIDE_PX = 360
NUM_VIEWS = 2
_MARGIN = 1.35
_JPEG_QUALITY = 88
_TRUTH = (255, 255, 255)


@dataclass(frozen=True, eq=False)
class MomentInView:
    """A frame of an action in one view, before and after.

    Attributes:
        action: its name.
        frame: its number.
        view: the camera's name.
        before: JPEG of the generic network's pose.
        after: JPEG of the personalised network's pose.
        before_mm: mean distance of the joints from the truth.
        after_mm: the same.
    """

    action: str
    frame: int
    view: str
    before: bytes
    after: bytes
    before_mm: float
    after_mm: float


def moments(subject: StudioSubject) -> Iterator[MomentInView]:
    """Yield a moment of every action in two views: the judged frame of which the generic error is the median."""
    for action in subject.study.actions:
        old, new = (subject.harvest(network, action) for network in (Network.GENERIC, Network.PS_SEL))
        judged = [subject.judged(n, action).within(subject.study.judged) for n in (Network.GENERIC, Network.PS_SEL)]
        frame = _middling(judged[0], judged[1])
        if old is not None and new is not None and frame is not None:
            errors = [float(np.nanmean(one.error_mm[one.frames == frame])) for one in judged]
            yield from _views(subject.take(action), _row(old, frame), _row(new, frame), errors)


def _middling(before: JudgedPoses, after: JudgedPoses) -> int | None:
    """Return the frame that both have, of which the error before is the median: neither the best nor the worst."""
    both = np.flatnonzero(np.isin(before.frames, after.frames))
    if not both.size:
        return None
    errors = np.nanmean(before.error_mm[both], axis=1)
    return int(before.frames[both[np.argsort(errors)[(len(both) - 1) // 2]]])


def _row(harvest: Harvest, frame: int) -> SelectedFrame:
    return next(row for row in harvest.iter_selected() if row.annotations.frame == frame)


def _views(take: Take, old: SelectedFrame, new: SelectedFrame, errors: list[float]) -> Iterator[MomentInView]:
    frame = old.annotations.frame
    pictures = next(take.capture.frames(frame, frame + 1))
    skeleton = take.truth.skeleton
    for view, camera in list(enumerate(take.capture.rig.at(frame)))[:NUM_VIEWS]:
        image = pictures.images[view]
        if image is None:
            continue
        truth = camera.project(take.truth.positions[frame]).pixels
        window = crop_around(truth, _MARGIN)
        before, after = (
            _jpeg(draw_poses(image, window, skeleton, truth, row.annotations.pixels[view])) for row in (old, new)
        )
        yield MomentInView(take.action, frame, camera.name, before, after, errors[0], errors[1])


def draw_poses(image: Image, window: Crop, skeleton: Skeleton, truth: Tensor, estimate: Tensor) -> Image:
    """Return a window of a picture with the true pose in thin white lines and the one that was found in colours.

    Args:
        image: (H, W, 3) RGB.
        window: what is shown.
        skeleton: of both poses.
        truth: (J, 2) pixels of the picture.
        estimate: the same; NaN for a joint that this picture cannot show.
    """
    canvas = extract(image, window, (SIDE_PX, SIDE_PX)).copy()
    for points, width, colour in ((estimate, 4, None), (truth, 1, _TRUTH)):
        draw_limbs(canvas, skeleton, window.to_window(points.double(), (SIDE_PX, SIDE_PX)), width, colour)
    return canvas


def _jpeg(image: Image) -> bytes:
    _, coded = cv2.imencode(".jpg", image[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))
    return bytes(coded.tobytes())
