"""What one view shows of people over time, by the view's own clock, and the rays on which their joints lie."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.geometry.camera import Camera

Floats = NDArray[np.float64]

_LONGEST_GAP = 2.5  # picture periods between which positions are interpolated
_SMOOTHED_PICTURES = 1.5
_SAME_PERSON = 0.5  # median distance of the joints from one picture to the next, over the person's extent


@dataclass(frozen=True, eq=False)
class ViewJoints:
    """The joints of the people whom one view shows.

    Attributes:
        view: the camera's name.
        times_s: (N,) increasing times of its pictures by its own clock, seconds.
        pixels: (N, P, J, 2) x, y of the joints of up to P people; NaN where the view does not show the joint. A person
            keeps the place P while the view shows them.
        scores: (N, P, J) how sure the detector is of each joint; NaN where the view does not show it. None if that is
            not known.
    """

    view: str
    times_s: Floats
    pixels: Floats
    scores: Floats | None = None

    @property
    def extent_px(self) -> float:
        """Median of the longer side of the box around a person, pixels; NaN if nobody is shown."""
        known = np.isfinite(self.pixels).all(-1).sum(-1) > 1
        if not known.any():
            return float("nan")
        people = self.pixels[known]
        return float(np.median((np.nanmax(people, axis=1) - np.nanmin(people, axis=1)).max(-1)))

    def smoothed(self) -> ViewJoints:
        """Return the same with less noise: the median of three pictures, then a Gaussian over one and a half.

        Between two pictures the noise of both is averaged, at a picture it is not: noisy joints therefore seem to fit
        best half-way between pictures. The noise of smoothed joints is the same everywhere.
        """
        if not len(self.times_s):
            return self
        from scipy.ndimage import gaussian_filter1d

        known = np.isfinite(self.pixels)
        around = np.pad(self.pixels, ((1, 1), (0, 0), (0, 0), (0, 0)), mode="edge")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a joint that three pictures lack
            middle = np.nanmedian(np.stack((around[:-2], around[1:-1], around[2:])), axis=0)
        sums = gaussian_filter1d(np.where(known, middle, 0.0), _SMOOTHED_PICTURES, axis=0, mode="constant")
        weights = gaussian_filter1d(known.astype(np.float64), _SMOOTHED_PICTURES, axis=0, mode="constant")
        return replace(self, pixels=np.where(known, sums / np.maximum(weights, 1e-9), np.nan))


@dataclass(frozen=True, eq=False)
class ViewRays:
    """The rays on which a view sees the joints of people.

    Attributes:
        view: the camera's name.
        center: (3,) optical centre in the world, mm.
        times_s: (N,) times of the pictures by the view's own clock, seconds.
        directions: (N, P, J, 3) unit vectors in the world; NaN where a joint is not shown.
        usual_error: what the detector usually errs by, as an angle, radians.
    """

    view: str
    center: Floats
    times_s: Floats
    directions: Floats
    usual_error: float

    @classmethod
    def of(cls, camera: Camera, joints: ViewJoints, usual_share: float) -> ViewRays:
        """Return the rays of a view's joints.

        Args:
            camera: the view's camera.
            joints: what it shows.
            usual_share: of a person's extent in the picture, by which detectors usually err.
        """
        pixels = torch.as_tensor(np.nan_to_num(joints.pixels))
        rays = camera.pixel_rays(pixels)
        known = torch.as_tensor(np.isfinite(joints.pixels).all(-1)) & rays.valid
        directions = torch.where(known.unsqueeze(-1), rays.direction, torch.nan).numpy()
        focal_px = float(camera.px_from_cam.diagonal()[:2].mean())
        usual_error = usual_share * joints.extent_px / focal_px
        return cls(joints.view, camera.center.double().numpy(), joints.times_s, directions, usual_error)

    @property
    def period_s(self) -> float:
        """Time from one picture to the next, seconds."""
        return float(np.median(np.diff(self.times_s)))

    def at(self, times_s: Floats) -> Floats:
        """Return the directions at other times, interpolated between the pictures.

        Args:
            times_s: (T,) by the view's own clock, seconds.

        Returns:
            (T, P, J, 3) directions, nearly of length 1; NaN where the joint is not shown in the pictures around a time.
        """
        after = np.searchsorted(self.times_s, times_s).clip(1, len(self.times_s) - 1)
        first, second = self.times_s[after - 1], self.times_s[after]
        part = (times_s - first) / (second - first)
        # A time that is a picture's own, but for rounding, needs that picture alone.
        part = np.where(np.abs(part) < 1e-6, 0.0, np.where(np.abs(part - 1) < 1e-6, 1.0, part))
        is_near = (part >= 0) & (part <= 1) & (second - first <= _LONGEST_GAP * self.period_s)
        part = part[:, None, None, None]
        before, behind = self.directions[after - 1], self.directions[after]
        between = np.where(part == 0, before, np.where(part == 1, behind, before * (1 - part) + behind * part))
        return np.where(is_near[:, None, None, None], between, np.nan)


def link_people(people: Sequence[Sequence[Floats]], num_joints: int, num_numbers: int = 2) -> Floats:
    """Return (N, P, J, C) joints in which each person keeps their place from picture to picture.

    A person is the nearest one of the last picture, if the joints of both are near to one another for their size. P is
    the largest number of people who are followed at once.

    Args:
        people: for each of N pictures the people in it, (J, C) each: pixels and what else belongs to a joint, such as
            its score; NaN for an unknown joint.
        num_joints: J.
        num_numbers: C.
    """
    last: list[Floats | None] = []
    pictures: list[dict[int, Floats]] = []
    for shown in people:
        costs = sorted(
            (_apart(one, other), number, place)
            for number, one in enumerate(shown)
            for place, other in enumerate(last)
            if other is not None
        )
        places: dict[int, int] = {}
        for cost, number, place in costs:
            if cost < _SAME_PERSON and number not in places and place not in places.values():
                places[number] = place
        for number in range(len(shown)):
            if number not in places:
                free = (place for place in range(len(last) + 1) if place not in places.values())
                # A new person takes a place in which nobody was in the last picture.
                places[number] = next(place for place in free if place == len(last) or last[place] is None)
                last += [None] * (places[number] + 1 - len(last))
        current = {places[number]: one for number, one in enumerate(shown)}
        last = [current.get(place) for place in range(len(last))]
        pictures.append(current)
    linked = np.full((len(people), max(1, len(last)), num_joints, num_numbers), np.nan)
    for number, current in enumerate(pictures):
        for place, one in current.items():
            linked[number, place] = one
    return linked


def _apart(one: Floats, other: Floats) -> float:
    """Return the median distance of the joints of two (J, C) people over their extent; infinite without joints."""
    one, other = one[:, :2], other[:, :2]
    distances = np.linalg.norm(one - other, axis=-1)
    known = np.isfinite(distances)
    if not known.any():
        return float("inf")
    extent = (np.nanmax(one, axis=0) - np.nanmin(one, axis=0)).max()
    return float(np.median(distances[known]) / max(extent, 1.0))
