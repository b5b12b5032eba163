"""The pictures of the footage that a harvest keeps for its report, scaled down."""

from __future__ import annotations

import cv2
import numpy as np

from poseharvest.arrays import Image

_LONG_SIDE = 960
_QUALITY = 85


def preview_jpeg(image: Image) -> bytes:
    """Return a picture (H, W, 3), RGB, as the JPEG that a harvest keeps of it."""
    options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(scaled_preview(image)[..., ::-1]), options)
    return bytes(encoded.tobytes())


def scaled_preview(image: Image) -> Image:
    """Return a picture (H, W, 3) scaled down to at most 960 pixels along its longer side; a smaller one as it is."""
    scale = min(1.0, _LONG_SIDE / max(image.shape[:2]))
    if scale == 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
