"""Pictures with a pose drawn onto them: left limbs, right limbs and those of the middle each in a colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.arrays import Image
from poseharvest.diagnosis.spread import side_of_limb
from poseharvest.errors import StoreError
from poseharvest.geometry.crop import rescale_pixels
from poseharvest.learning.pose3d.input_pictures import Picture
from poseharvest.skeleton.skeleton import Skeleton

COLOURS: Final[Mapping[str, tuple[int, int, int]]] = {
    "left": (66, 150, 240),
    "right": (240, 140, 40),
    "middle": (170, 175, 185),
}
"""RGB by the side of a limb."""

OVERLAYS = "overlays"
_MOST_SIDE_PX = 960
_QUALITY = 85
_SUBPIXEL_BITS = 4
_FAR = 4  # times the picture's side: what lies farther outside is drawn there


def draw_limbs(
    canvas: Image, skeleton: Skeleton, points: Tensor, width: int, colour: tuple[int, int, int] | None = None
) -> None:
    """Draw the limbs of a pose onto a picture.

    Args:
        canvas: (H, W, 3) RGB; it is changed.
        skeleton: of the pose.
        points: (J, 2) x, y in pixels of the picture; a limb with an end that is not finite is not drawn.
        width: of the lines, pixels.
        colour: RGB; None takes that of each limb's side.
    """
    known = torch.isfinite(points).all(-1)
    limit = _FAR * max(canvas.shape[:2])
    fixed = points.double().nan_to_num().clamp(-limit, limit) * (1 << _SUBPIXEL_BITS)
    places: NDArray[np.int64] = torch.round(fixed).long().numpy()
    for limb in skeleton.limbs:
        ends = [skeleton.index(joint) for joint in (limb.parent, limb.child)]
        if bool(known[ends].all()):
            (x, y), (u, v) = places[ends].tolist()
            of_side = COLOURS.get(side_of_limb(skeleton, limb), COLOURS["middle"])
            cv2.line(canvas, (x, y), (u, v), colour or of_side, width, cv2.LINE_AA, _SUBPIXEL_BITS)


@dataclass(frozen=True)
class OverlayPictures:
    """Writes pictures with their poses as JPEG, scaled down to 960 pixels a side.

    Attributes:
        folder: where they go; it is made with the first one.
        frames: numbers of the pictures that are drawn; others are passed over.
    """

    folder: Path
    frames: frozenset[int]

    @classmethod
    def spread(cls, folder: Path, num_pictures: int, count: int) -> OverlayPictures:
        """Return a writer of at most `count` of some pictures, spread evenly."""
        step = max(num_pictures / count, 1.0) if count else 1.0
        return cls(folder, frozenset(int((i + 0.5) * step) for i in range(min(count, num_pictures))))

    def add(self, picture: Picture, skeleton: Skeleton, pixels: Tensor) -> None:
        """Write a picture with its pose, if it is one of those that are drawn.

        Args:
            picture: the picture.
            skeleton: of the pose.
            pixels: (J, 2) x, y in the picture.

        Raises:
            StoreError: it cannot be written.
        """
        if picture.frame not in self.frames:
            return
        height, width = picture.image.shape[:2]
        scale = min(1.0, _MOST_SIDE_PX / max(height, width))
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        canvas = np.asarray(cv2.resize(picture.image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        places = rescale_pixels(pixels.double(), (height, width), (size[1], size[0]))
        draw_limbs(canvas, skeleton, places, max(2, round(max(size) / 200)))
        _, coded = cv2.imencode(".jpg", canvas[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
        path = self.folder / f"{picture.frame:06d}.jpg"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(coded.tobytes())
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}") from error
