"""Whom a harvest of one person follows, where the user says it: who is longest in view, or who is at a place in a view.

`longest`, `cam01:640,360` (a point on the person in the first frame), `cam01:600,200,120,400` (a box: x, y of its
corner, width, height) or `cam01:640,360@120` (in frame 120). Places are pixels of the picture.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.errors import ConfigError
from poseharvest.localization.limits import MIN_JOINTS
from poseharvest.localization.sighting import Sighting

LONGEST = "longest"

_MARGIN = 0.15  # of the longer side: how far beyond the joints a person reaches
_LEAST_OVERLAP = 0.2  # of a user's box and the box around the joints: their common area over the area of both
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_MARK = re.compile(rf"(.+):{_NUMBER},{_NUMBER}(?:,{_NUMBER},{_NUMBER})?(?:@(\d+))?")
_EXPECTED = f'expected "{LONGEST}", VIEW:X,Y or VIEW:X,Y,WIDTH,HEIGHT, with @FRAME behind it where it is not the first'


@dataclass(frozen=True)
class Mark:
    """A place in one view at which a person is.

    Attributes:
        view: the view's name.
        frame: number of the frame; None is the first of the harvest.
        corner: x, y in pixels of the picture: the point, or the box's top-left corner.
        size: width and height of the box; None for a point.
    """

    view: str
    frame: int | None
    corner: tuple[float, float]
    size: tuple[float, float] | None = None

    def misfit(self, sighting: Sighting, view: int) -> float:
        """Return how badly a person fits the mark, from 0 (well) to 1; infinite if the person is not there.

        Args:
            sighting: what the views show of the person.
            view: the index of the mark's view.
        """
        box = _box_around(sighting, view)
        if box is None:
            return math.inf
        if self.size is not None:
            own = torch.tensor([*self.corner, self.corner[0] + self.size[0], self.corner[1] + self.size[1]])
            overlap = _overlap(box, own.double())
            return 1 - overlap if overlap >= _LEAST_OVERLAP else math.inf
        point = torch.tensor(self.corner, dtype=torch.float64)
        side = float((box[2:] - box[:2]).max())
        if bool((point < box[:2] - _MARGIN * side).any() | (point > box[2:] + _MARGIN * side).any()):
            return math.inf
        pixels = _pixels(sighting, view)
        return min(1.0, float(torch.linalg.vector_norm(pixels - point, dim=-1).min()) / side)


@dataclass(frozen=True)
class FirstSeen:
    """Where and when the person to follow is seen first.

    Attributes:
        frame: number of the frame.
        middle_mm: of the box around their joints, in the world.
    """

    frame: int
    middle_mm: tuple[float, float, float]


def parse_follow(text: str) -> Mark | None:
    """Return the mark that a text says; None for who is longest in view.

    >>> parse_follow("cam01:640,360@120")
    Mark(view='cam01', frame=120, corner=(640.0, 360.0), size=None)

    Raises:
        ConfigError: the text says neither.
    """
    if text == LONGEST:
        return None
    match = _MARK.fullmatch(text)
    if match is None:
        raise ConfigError(f'follow: {_EXPECTED}, got "{text}"')
    view, x, y, width, height, frame = match.groups()
    size = None if width is None else (float(width), float(height))
    if size is not None and min(size) <= 0:
        raise ConfigError(f'follow: expected a box with a width and a height above 0, got "{text}"')
    return Mark(view, None if frame is None else int(frame), (float(x), float(y)), size)


def mark_of(sighting: Sighting, view: int) -> str | None:
    """Return the text of a mark for a person, as `parse_follow` reads it: the box around their joints in a view.

    None if the view shows too few joints, or not all of them within its picture.
    """
    box, camera = _box_around(sighting, view), sighting.cameras[view]
    if box is None:
        return None
    left, top, right, bottom = (round(value) for value in box.tolist())
    height, width = camera.image_size
    if left < 0 or top < 0 or right > width or bottom > height or left == right or top == bottom:
        return None
    return f"{camera.name}:{left},{top},{right - left},{bottom - top}@{sighting.frame}"


def place_of(sighting: Sighting) -> FirstSeen:
    """Return where and when a person is seen; they must have a known joint."""
    x, y, z = sighting.pose.middle.tolist()
    return FirstSeen(sighting.frame, (x, y, z))


def nearest_to(place: FirstSeen, sightings: Sequence[Sighting]) -> int | None:
    """Return the index of the sighting that is nearest to a place; None if there is none."""
    middle = torch.tensor(place.middle_mm, dtype=torch.float64)
    distances = [
        float(torch.linalg.vector_norm(one.pose.middle - middle)) if one.pose.num_known else math.inf
        for one in sightings
    ]
    return min(range(len(distances)), key=distances.__getitem__) if distances else None


def _pixels(sighting: Sighting, view: int) -> Tensor:
    """Return where a view has the known joints, (N, 2), without those behind the camera."""
    projection = sighting.cameras[view].project(sighting.pose.points[sighting.pose.known])
    return projection.pixels[projection.valid]


def _box_around(sighting: Sighting, view: int) -> Tensor | None:
    """Return the box around the joints in a view: (4,) left, top, right, bottom; None if too few are there."""
    pixels = _pixels(sighting, view)
    if len(pixels) < MIN_JOINTS:
        return None
    return torch.cat([pixels.amin(0), pixels.amax(0)])


def _overlap(a: Tensor, b: Tensor) -> float:
    """Return the common area of two boxes over the area of both together."""
    common = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp_min(0).prod()
    both = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common
    return float(common / both)
