"""Drawings for the page of a calibration: coverage of a picture, errors by picture, and the cameras from above."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from poseharvest.arrays import ImageSize
from poseharvest.geometry.rig import Rig
from poseharvest.report.figures import colours_of
from poseharvest.rig_calibration.adjustment_rounds import Fit

MAX_ARROWS = 900
ARROW_FACTOR = 40
"""Errors are drawn so many times as long as they are."""

_BARS_WIDTH, _BARS_HEIGHT = 560.0, 120.0
_ABOVE_SIDE, _ABOVE_ROOM = 440.0, 46.0


def coverage_svg(coverage: NDArray[np.int64], fits: Sequence[Fit], image_size: ImageSize, label: str) -> Markup:
    """Return a picture's area with its cells shaded by the number of corners, and the error of every corner.

    Args:
        coverage: (R, C) corners in each cell.
        fits: the pictures that are used.
        image_size: (height, width), pixels.
        label: what it shows, in words.
    """
    height, width = image_size
    rows, columns = coverage.shape
    size = (width / columns, height / rows)
    most = max(1, int(coverage.max()))
    cells = Markup("").join(
        Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}" style="--n:{:.2f}"/>').format(
            column * size[0], row * size[1], *size, "cell" if count else "cell none", np.sqrt(count / most)
        )
        for (row, column), count in np.ndenumerate(coverage)
    )
    starts = np.concatenate([np.zeros((0, 2)), *(fit.sighting.corners.pixels[: len(fit.used)] for fit in fits)])
    errors = np.concatenate([np.zeros((0, 2)), *(fit.errors_px for fit in fits)])
    shown = np.linspace(0, len(starts) - 1, min(len(starts), MAX_ARROWS)).round().astype(int)
    path = "".join(
        f"M{x:.0f} {y:.0f}l{dx:.0f} {dy:.0f}"
        for (x, y), (dx, dy) in zip(starts[shown], ARROW_FACTOR * errors[shown], strict=True)
    )
    return Markup(
        '<svg class="coverage" viewBox="0 0 {} {}" role="img" aria-label="{}">{}<path class="errors" d="{}"/></svg>'
    ).format(width, height, label, cells, path)


def picture_bars(fits: Sequence[Fit], limit_px: float, label: str) -> Markup:
    """Return the error of every picture as a bar, in order of frames; pictures that are left out stand out.

    Args:
        fits: all pictures of a camera.
        limit_px: value at the top; higher bars are cut off there.
        label: what it shows, in words.
    """
    room, top = 34.0, 8.0
    step = (_BARS_WIDTH - room) / max(1, len(fits))
    tall = _BARS_HEIGHT - top - 18
    bars = Markup("").join(
        Markup('<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" data-tip="{}"/>').format(
            "used" if fit.reason is None else "left",
            room + number * step,
            top + tall * (1 - min(fit.error_px / limit_px, 1)),
            max(1.0, 0.8 * step),
            tall * min(fit.error_px / limit_px, 1),
            f"frame {fit.sighting.frame}: {fit.error_px:.2f} px, {len(fit.sighting.corners)} corners",
        )
        for number, fit in enumerate(fits)
    )
    ticks = Markup("").join(
        Markup('<text x="{:.0f}" y="{:.1f}" text-anchor="end">{:.2g}</text>').format(
            room - 5, top + tall * (1 - share) + 4, share * limit_px
        )
        for share in (0.0, 0.5, 1.0)
    )
    ends = [fits[0].sighting.frame, fits[-1].sighting.frame] if fits else []
    frames = Markup("").join(
        Markup('<text x="{:.0f}" y="{:.0f}" text-anchor="{}">frame {}</text>').format(
            at, _BARS_HEIGHT - 3, anchor, frame
        )
        for at, anchor, frame in zip((room, _BARS_WIDTH), ("start", "end"), ends, strict=False)
    )
    return Markup('<svg class="bars" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">{}{}{}</svg>').format(
        _BARS_WIDTH, _BARS_HEIGHT, label, bars, ticks, frames
    )


def from_above(rig: Rig, boards_mm: NDArray[np.float64], *, has_floor: bool) -> Markup:
    """Return the cameras and the places of the board, seen from above.

    Args:
        rig: the cameras.
        boards_mm: (M, 3) the board's middle in each moment, mm.
        has_floor: z is up; else the world is a camera's, and its x and z are drawn.
    """
    axes = [0, 1] if has_floor else [0, 2]
    cameras = rig.at(0)
    places = np.stack([camera.center.numpy() for camera in cameras])[:, axes]  # type: ignore[attr-defined]
    sights = np.stack([camera.rotation[2].numpy() for camera in cameras])[:, axes]  # type: ignore[attr-defined]
    points = np.concatenate((places, boards_mm[:, axes]))
    low, high = points.min(0), points.max(0)
    scale = (_ABOVE_SIDE - 2 * _ABOVE_ROOM) / max(float((high - low).max()), 1.0)

    def drawn(at: NDArray[np.float64]) -> tuple[float, float]:
        x, y = _ABOVE_ROOM + scale * (at - low)
        return float(x), float(_ABOVE_SIDE - y)

    dots = Markup("").join(
        Markup('<circle class="board" cx="{:.1f}" cy="{:.1f}" r="2.6" style="fill:{}"/>').format(
            *drawn(at), _colour(number / max(1, len(boards_mm) - 1))
        )
        for number, at in enumerate(boards_mm[:, axes])
    )
    marks = []
    for name, place, sight in zip(rig.names, places, sights, strict=True):
        x, y = drawn(place)
        ahead = 30 * sight / max(float(np.linalg.norm(sight)), 1e-9)
        marks.append(
            Markup(
                '<path class="sight" d="M{0:.1f} {1:.1f}l{2:.1f} {3:.1f}"/><circle class="camera" cx="{0:.1f}" '
                'cy="{1:.1f}" r="5"/><text x="{0:.1f}" y="{4:.1f}" text-anchor="middle">{5}</text>'
            ).format(x, y, ahead[0], -ahead[1], y - 10 if y > 30 else y + 20, name)
        )
    metre = Markup('<path class="sight" d="M12 {0:.0f}h{1:.1f}"/><text x="12" y="{2:.0f}">1 m</text>').format(
        _ABOVE_SIDE - 10, 1000 * scale, _ABOVE_SIDE - 16
    )
    return Markup(
        '<svg class="above" viewBox="0 0 {0:.0f} {0:.0f}" role="img" '
        'aria-label="Cameras and board from above">{1}{2}{3}</svg>'
    ).format(_ABOVE_SIDE, dots, Markup("").join(marks), metre)


def _colour(share: float) -> str:
    red, green, blue = colours_of(np.array([share]))[0]
    return f"rgb({red},{green},{blue})"
