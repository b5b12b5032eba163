"""The pictures of a moment as JPEG, decoded when the page asks for them; the last moments are kept."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from poseharvest.annotations.harvest_footage import check_footage, open_footage_of
from poseharvest.annotations.reader import Harvest
from poseharvest.arrays import Image
from poseharvest.capture.capture import Capture
from poseharvest.errors import CaptureError, HarvestError

LONG_SIDE_PX = 1920
"""Longest side of a picture as it is shown, pixels."""

_QUALITY = 85
_KEPT_MOMENTS = 24


@dataclass(frozen=True, eq=False)
class ShownPictures:
    """The pictures of a harvest's moments.

    Attributes:
        harvest: the harvest.
        capture: its footage; None shows what the harvest keeps itself.
        missing: why there is no footage; None if there is.
    """

    harvest: Harvest
    capture: Capture | None
    missing: str | None
    _kept: OrderedDict[int, tuple[bytes | None, ...]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, harvest: Harvest, folder: Path | None = None) -> ShownPictures:
        """Return the pictures of a harvest, from its footage if that is there.

        Args:
            harvest: the harvest.
            folder: where the footage lies now; None takes the place that the harvest names.

        Raises:
            CaptureError: a folder is given, and the footage is not there or is other footage.
        """
        try:
            capture = open_footage_of(harvest, folder)
            check_footage(harvest, capture)
        except HarvestError as error:
            if folder is not None:
                raise
            return cls(harvest, None, str(error))
        return cls(harvest, capture, None)

    def jpeg(self, frame: int, view: int) -> bytes | None:
        """Return the picture of a view (by its number) in a frame; None if there is none.

        Raises:
            CaptureError: it cannot be decoded.
        """
        if self.capture is None:
            path = self.harvest.preview(frame, self.harvest.view_names[view])
            return None if path is None else path.read_bytes()
        with self._lock:
            if frame not in self._kept:
                self._kept[frame] = self._decoded(self.capture, frame)
            self._kept.move_to_end(frame)
            while len(self._kept) > _KEPT_MOMENTS:
                self._kept.popitem(last=False)
            return self._kept[frame][view]

    @staticmethod
    def _decoded(capture: Capture, frame: int) -> tuple[bytes | None, ...]:
        with closing(capture.frames(frame, frame + 1)) as moments:
            moment = next(moments, None)
        if moment is None:
            raise CaptureError(f"{capture.folder}: expected a frame {frame}, got {capture.num_frames} frames")
        return tuple(None if image is None else _encoded(image) for image in moment.images)


def _encoded(image: Image) -> bytes:
    shrink = min(1.0, LONG_SIDE_PX / max(image.shape[:2]))
    whole = np.ascontiguousarray(image[..., ::-1])
    shown = whole if shrink == 1 else cv2.resize(whole, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()
