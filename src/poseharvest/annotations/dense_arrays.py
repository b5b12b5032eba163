"""A harvest as arrays (F, P, J, ...) by frame, person and joint, each read from its own columns alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import covariances, matrix
from poseharvest.annotations.schema import COVARIANCE_ENTRIES, SMOOTH_COLUMNS
from poseharvest.errors import ShapeError
from poseharvest.storage.columns import values_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class FramesAndPeople:
    """The first two axes of the arrays of a harvest.

    Attributes:
        frames: (F,) numbers of the frames, ascending.
        times_s: (F,) seconds from the capture's start.
        people: (P,) numbers of the persons, ascending.
    """

    frames: Ints
    times_s: Floats
    people: Ints

    def __post_init__(self) -> None:
        if self.frames.ndim != 1 or self.times_s.shape != self.frames.shape or self.people.ndim != 1:
            shapes = [values.shape for values in (self.frames, self.times_s, self.people)]
            raise ShapeError(f"frames, times_s, people: expected shapes (F), (F), (P), got {shapes}")

    def evenly_spaced(self) -> FramesAndPeople:
        """Return the axes with all frames from the first to the last, in the largest step that meets every frame."""
        if len(self.frames) < 2:
            return self
        step = int(np.gcd.reduce(np.diff(self.frames)))
        frames = np.arange(self.frames[0], self.frames[-1] + 1, step)
        return FramesAndPeople(frames, np.interp(frames, self.frames, self.times_s), self.people)

    def places_of(self, frames: Ints, people: Ints) -> tuple[Ints, Ints]:
        """Return the indices along both axes; every frame and person must be there."""
        return np.searchsorted(self.frames, frames), np.searchsorted(self.people, people)


def frames_and_people(harvest: Harvest) -> FramesAndPeople:
    """Return the frames of a harvest that hold somebody, and the persons in it."""
    columns: dict[str, list[NDArray[Any]]] = {"frame": [], "time": [], "person": []}
    for table in harvest.frame_columns(list(columns)):
        for name, parts in columns.items():
            parts.append(values_of(table.column(name)))
    frame, time_s, person = (np.concatenate([np.zeros(0), *parts]) for parts in columns.values())
    frames, first = np.unique(frame.astype(np.int64), return_index=True)
    return FramesAndPeople(frames, time_s[first], np.unique(person.astype(np.int64)))


def dense_positions(harvest: Harvest, axes: FramesAndPeople) -> Floats:
    """Return (F, P, J, 3) means of the marginals, mm; NaN where the joint is not supported or the person not found."""
    filled = np.full(_shape(harvest, axes, 3), np.nan)
    for place, table in _parts(harvest, axes, ("x", "y", "z", "supported")):
        means = np.stack([matrix(table, axis, len(harvest.skeleton)) for axis in "xyz"], -1)
        filled[place] = np.where(matrix(table, "supported", len(harvest.skeleton))[..., None], means, np.nan)
    return filled


def dense_smooth_positions(harvest: Harvest, axes: FramesAndPeople) -> tuple[Floats, Floats]:
    """Return the positions that are smoothed over time, and their uncertainty.

    Returns:
        (F, P, J, 3) positions and (F, P, J) sigmas, mm; NaN where there are none. Frames of the axes in which a person
        was not found are filled as the harvest fills them.
    """
    positions, sigmas = np.full(_shape(harvest, axes, 3), np.nan), np.full(_shape(harvest, axes), np.nan)
    for place, table in _parts(harvest, axes, SMOOTH_COLUMNS):
        x, y, z, sigma = (matrix(table, name, len(harvest.skeleton)) for name in SMOOTH_COLUMNS)
        positions[place], sigmas[place] = np.stack([x, y, z], -1), sigma
    known = set(axes.frames.tolist())
    for pose in harvest.filled_poses():
        if pose.frame in known:
            place = axes.places_of(np.array(pose.frame), np.array(pose.person))
            positions[place], sigmas[place] = pose.mean.numpy(), pose.sigma_mm.numpy()
    return positions, sigmas


def dense_covariances(harvest: Harvest, axes: FramesAndPeople) -> Floats:
    """Return (F, P, J, 3, 3) covariances, mm^2, recalibrated where the harvest is; NaN as in `dense_positions`."""
    filled = np.full(_shape(harvest, axes, 3, 3), np.nan)
    for place, table in _parts(harvest, axes, (*COVARIANCE_ENTRIES, "scale", "supported")):
        scale, is_supported = (matrix(table, name, len(harvest.skeleton)) for name in ("scale", "supported"))
        scaled = covariances(table, len(harvest.skeleton)) * scale[..., None, None]
        filled[place] = np.where(is_supported[..., None, None], scaled, np.nan)
    return filled


def dense_sigmas(harvest: Harvest, axes: FramesAndPeople) -> Floats:
    """Return (F, P, J) det^(1/6) of `dense_covariances`, mm: the standard deviation to read."""
    filled = np.full(_shape(harvest, axes), np.nan)
    for place, table in _parts(harvest, axes, ("sigma", "supported")):
        sigma, is_supported = (matrix(table, name, len(harvest.skeleton)) for name in ("sigma", "supported"))
        filled[place] = np.where(is_supported, sigma, np.nan)
    return filled


def dense_flags(harvest: Harvest, axes: FramesAndPeople, name: str) -> Flags:
    """Return (F, P, J) bool of a column such as "selected"; False where the person was not found."""
    filled = np.zeros(_shape(harvest, axes), dtype=np.bool_)
    for place, table in _parts(harvest, axes, (name,)):
        filled[place] = matrix(table, name, len(harvest.skeleton))
    return filled


def _shape(harvest: Harvest, axes: FramesAndPeople, *rest: int) -> tuple[int, ...]:
    return (len(axes.frames), len(axes.people), len(harvest.skeleton), *rest)


def _parts(harvest: Harvest, axes: FramesAndPeople, names: Sequence[str]) -> Iterator[tuple[tuple[Ints, Ints], Any]]:
    """Yield the place of every record of a part along the first two axes, and the part's columns."""
    for table in harvest.columns(("frame", "person", *names)):
        frame, person = (matrix(table, name, len(harvest.skeleton))[:, 0] for name in ("frame", "person"))
        yield axes.places_of(frame, person), table
