"""Small pictures of the kept frames, behind the poses of the player's views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.capture.picture_folder import read_image
from poseharvest.errors import FormatError
from poseharvest.report.figures import data_uri
from poseharvest.report.page_limit import MOVING_BYTES

LONG_SIDE_PX = 400
_QUALITY = 65


@dataclass(frozen=True)
class SmallPictures:
    """Pictures of some frames.

    Attributes:
        frames: in order.
        uris: for each frame, of each view the picture as data URI; None where the harvest keeps none.
        num_left_out: number of frames with pictures that did not fit.
    """

    frames: tuple[int, ...] = ()
    uris: tuple[tuple[str | None, ...], ...] = ()
    num_left_out: int = 0


def small_pictures(harvest: Harvest, views: Sequence[str]) -> SmallPictures:
    """Return small pictures of the frames that the harvest keeps, thinned evenly to at most MOVING_BYTES.

    Raises:
        FormatError: a kept picture is damaged.
    """
    frames = list(harvest.preview_frames)
    uris: dict[int, tuple[str | None, ...]] = {}
    step = 1
    for number, frame in enumerate(frames):
        if number % step:
            continue
        uris[frame] = tuple(_uri(harvest, frame, view) for view in views)
        while sum(len(uri or "") for row in uris.values() for uri in row) > MOVING_BYTES:
            step *= 2
            uris = {kept: row for kept, row in uris.items() if frames.index(kept) % step == 0}
    return SmallPictures(tuple(uris), tuple(uris.values()), len(frames) - len(uris))


def _uri(harvest: Harvest, frame: int, view: str) -> str | None:
    path = harvest.preview(frame, view)
    if path is None:
        return None
    image = read_image(path)
    if image is None:
        raise FormatError(f"{path}: expected a JPEG picture, got a file that cannot be decoded")
    shrink = min(1.0, LONG_SIDE_PX / max(image.shape[:2]))
    small = cv2.resize(np.ascontiguousarray(image[..., ::-1]), None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return data_uri("image/jpeg", encoded.tobytes())
