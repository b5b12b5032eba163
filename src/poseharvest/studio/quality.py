"""The effects of a real camera on a picture: blur, exposure and colour, noise, and JPEG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import Image
from poseharvest.studio.body_shapes import Range

_MIDDLE_GREY = 0.42
_SHOULDER = 180.0  # of 255; brighter light is compressed, as film and sensors' tone curves do


@dataclass(frozen=True)
class QualityRanges:
    """The ranges from which the picture quality of a world is drawn.

    Attributes:
        blur: sigma of the lens's blur, shares of a thousandth of the picture's larger side.
        motion: length of the motion blur, in the same unit.
        noise: standard deviation of the grain, of 255.
        exposure: factor of the brightness.
        contrast: factor of the contrast about mid grey.
        balance: largest change of the factors of red and blue.
        jpeg: quality of the JPEG, 1 to 100.
    """

    blur: Range = (0.0, 1.2)
    motion: Range = (0.0, 2.0)
    noise: Range = (0.5, 5.0)
    exposure: Range = (0.85, 1.15)
    contrast: Range = (0.85, 1.15)
    balance: float = 0.06
    jpeg: tuple[int, int] = (60, 95)


@dataclass(frozen=True)
class Quality:
    """The picture quality of one camera.

    Attributes:
        blur_px: sigma of the lens's blur.
        motion_px: length of the motion blur.
        motion_angle: its direction in the picture, radians.
        noise: standard deviation, of 255.
        gain: factors of red, green and blue.
        contrast: factor of the contrast about mid grey.
        jpeg: quality of the JPEG.
    """

    blur_px: float
    motion_px: float
    motion_angle: float
    noise: float
    gain: tuple[float, float, float]
    contrast: float
    jpeg: int


def draw_quality(ranges: QualityRanges, side_px: float, rng: np.random.Generator) -> Quality:
    """Return a quality drawn from `ranges` for pictures whose larger side is `side_px`."""
    exposure, balance = rng.uniform(*ranges.exposure), rng.uniform(-ranges.balance, ranges.balance, 2)
    return Quality(
        blur_px=float(rng.uniform(*ranges.blur)) * side_px / 1000,
        motion_px=float(rng.uniform(*ranges.motion)) * side_px / 1000,
        motion_angle=float(rng.uniform(0, math.pi)),
        noise=float(rng.uniform(*ranges.noise)),
        gain=(float(exposure * (1 + balance[0])), float(exposure), float(exposure * (1 + balance[1]))),
        contrast=float(rng.uniform(*ranges.contrast)),
        jpeg=int(rng.integers(ranges.jpeg[0], ranges.jpeg[1] + 1)),
    )


def exposed(colors: NDArray[np.floating[Any]]) -> float:
    """Return the factor by which a camera's automatic exposure brightens (3, H, W) colours."""
    return float(np.clip(_MIDDLE_GREY / max(float(colors.mean()), 1e-3), 0.6, 2.5))


def develop(colors: NDArray[np.floating[Any]], quality: Quality, rng: np.random.Generator) -> Image:
    """Return the picture (H, W, 3) that a camera makes of (3, H, W) colours, 1 for white.

    Args:
        colors: the colours at its lens.
        quality: picture quality of the camera.
        rng: generator of the noise.
    """
    offset = np.float32(127.5 * (1 - quality.contrast))
    planes = [
        plane * np.float32(255 * quality.contrast * gain) + offset
        for plane, gain in zip(colors, quality.gain, strict=True)
    ]
    picture = cv2.merge([_toned(plane) for plane in planes])
    if quality.blur_px > 0.2:
        picture = cv2.GaussianBlur(picture, (0, 0), quality.blur_px)
    if quality.motion_px > 1.0:
        picture = cv2.filter2D(picture, -1, _streak(quality.motion_px, quality.motion_angle))
    if quality.noise > 0:
        grain = rng.standard_normal(picture.shape[:2], dtype=np.float32)
        picture += (np.float32(quality.noise) * grain)[..., None]
    np.clip(picture, 0, 255, out=picture)
    rounded = cv2.cvtColor(np.rint(picture, out=picture).astype(np.uint8), cv2.COLOR_RGB2BGR)
    _, coded = cv2.imencode(".jpg", rounded, (cv2.IMWRITE_JPEG_QUALITY, quality.jpeg))
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _toned(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a colour (H, W), of 255, with its brightest light compressed."""
    if float(plane.max()) <= _SHOULDER:
        return plane
    room = np.float32(255 - _SHOULDER)
    bright = np.maximum(plane - np.float32(_SHOULDER), 0)
    return np.asarray(plane - bright + room * bright / (room + bright), dtype=np.float32)


def _streak(length_px: float, angle: float) -> NDArray[np.float32]:
    """Return the kernel of a motion: a line of `length_px` through the middle, summing to 1."""
    half = math.ceil(length_px / 2)
    kernel = np.zeros((2 * half + 1, 2 * half + 1), dtype=np.float32)
    for step in np.linspace(-length_px / 2, length_px / 2, 4 * half + 1):
        kernel[round(half + step * math.sin(angle)), round(half + step * math.cos(angle))] += 1
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)
