"""Smoothing of a harvest over time: each person's poses are read, smoothed and written into their columns.

The poses of the whole harvest are in memory, ten numbers a joint and frame; heatmaps and views are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.annotations.info import ErrorTimesInfo, JointMotion, MotionInfo, PersonMotion
from poseharvest.annotations.marking import PartLayout, rewrite
from poseharvest.annotations.parts import FILLED, part_path, write_part
from poseharvest.annotations.peak_distances import error_times
from poseharvest.annotations.records import covariances, matrix
from poseharvest.annotations.schema import COVARIANCE_ENTRIES, SMOOTH_COLUMNS
from poseharvest.annotations.smooth_poses import SmoothPose, filled_table
from poseharvest.motion.joint_tracks import JointTrack, SmoothTrack
from poseharvest.motion.motion_options import MotionOptions
from poseharvest.motion.smoother import smooth
from poseharvest.skeleton.skeleton import Skeleton

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Rows:
    """All records of a harvest, N of them, without what belongs to views."""

    frame: NDArray[np.int64]
    time_s: Floats
    person: NDArray[np.int64]
    mean: Floats  # (N, J, 3)
    cov: Floats  # (N, J, 3, 3), recalibrated
    supported: NDArray[np.bool_]  # (N, J)


@dataclass(frozen=True, eq=False)
class _Person:
    """One person's frames, evenly numbered, and which of them are records."""

    number: int
    frames: NDArray[np.int64]  # (T,)
    rows: NDArray[np.int64]  # (N,) rows of the harvest that are this person's
    places: NDArray[np.int64]  # (N,) their places among the frames
    track: JointTrack


def smooth_parts(
    layout: PartLayout,
    skeleton: Skeleton,
    options: MotionOptions,
    is_calibrated: Callable[[int], bool],
) -> MotionInfo:
    """Smooth every person's supported joints, and write the columns for it and the table of filled frames.

    Left and right joints share how fast they move. How long errors last is told by the views' peaks.

    Args:
        layout: the layout of the rows.
        skeleton: the joints in row order.
        options: how to smooth.
        is_calibrated: whether a person's covariances are as large as the errors; if not, their size is learned from
            the person's track.

    Returns:
        the summary of the smoothing.
    """
    rows = _read(layout)
    shape = rows.supported.shape
    columns: dict[str, NDArray[Any]] = {name: np.full(shape, np.nan) for name in SMOOTH_COLUMNS}
    columns["filled"] = np.zeros(shape, dtype=bool)
    groups = joint_groups(skeleton)
    people, filled, longest = [], list[SmoothPose](), 0.0
    errors = error_times(layout)
    for person in _people(rows):
        calibrated = is_calibrated(person.number)
        result = smooth(replace(person.track, errors=errors, is_calibrated=calibrated), groups, options)
        for i, name in enumerate(SMOOTH_COLUMNS[:3]):
            columns[name][person.rows] = result.mean[person.places, :, i]
        columns["sigma_smooth"][person.rows] = result.sigma_mm[person.places]
        columns["filled"][person.rows] = result.filled[person.places]
        filled += _filled_poses(person, result)
        longest = max(longest, _longest_filled_s(person.track.times_s, result.filled))
        people.append(_summary(person.number, skeleton, result, calibrated=calibrated))
    _write(layout, columns)
    filled.sort(key=lambda pose: (pose.frame, pose.person))
    write_part(filled_table(filled, layout.joints), part_path(layout.folder, FILLED, 0))
    return MotionInfo(
        longest_gap_s=options.longest_gap_s,
        longest_filled_s=longest,
        filled_records=len(filled),
        errors=ErrorTimesInfo.of(errors),
        people=tuple(people),
    )


def joint_groups(skeleton: Skeleton) -> list[tuple[int, ...]]:
    """Return the indices of all joints, each with that of the other side.

    >>> from poseharvest.skeleton.definitions import MPII16
    >>> joint_groups(MPII16)[:2]
    [(0, 5), (1, 4)]
    """
    other = skeleton.flip_permutation
    return [(j,) if other[j] == j else (j, other[j]) for j in range(len(skeleton)) if j <= other[j]]


def _read(layout: PartLayout) -> _Rows:
    names = ("frame", "time", "person", "x", "y", "z", *COVARIANCE_ENTRIES, "scale", "supported")
    num_joints = len(layout.joints)
    parts: list[_Rows] = []
    for index in range(len(layout.records_per_part)):
        table = layout.read(index, names)
        values = {name: matrix(table, name, num_joints) for name in names}
        parts.append(
            _Rows(
                values["frame"][:, 0].astype(np.int64),
                values["time"][:, 0],
                values["person"][:, 0].astype(np.int64),
                np.stack([values[axis] for axis in "xyz"], -1),
                covariances(table, num_joints) * values["scale"][..., None, None],
                values["supported"],
            )
        )
    return _Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in _Rows.__dataclass_fields__))


def _people(rows: _Rows) -> Iterator[_Person]:
    """Yield every person's frames from the first to the last, also those without a record."""
    for number in np.unique(rows.person).tolist():
        own = np.flatnonzero(rows.person == number)
        recorded = rows.frame[own]
        step = int(np.gcd.reduce(np.diff(recorded))) if len(recorded) > 1 else 1
        frames = np.arange(recorded[0], recorded[-1] + 1, step)
        places = (recorded - recorded[0]) // step
        shape = (len(frames), rows.supported.shape[1])
        mean, cov = np.full((*shape, 3), np.nan), np.full((*shape, 3, 3), np.nan)
        known = np.zeros(shape, dtype=bool)
        mean[places], cov[places], known[places] = rows.mean[own], rows.cov[own], rows.supported[own]
        times = np.interp(frames, recorded, rows.time_s[own])
        yield _Person(number, frames, own, places, JointTrack(times, mean, cov, known))


def _filled_poses(person: _Person, result: SmoothTrack) -> list[SmoothPose]:
    """Return the poses in frames without a record."""
    without = np.ones(len(person.frames), dtype=bool)
    without[person.places] = False
    return [
        SmoothPose(
            int(person.frames[k]),
            float(person.track.times_s[k]),
            person.number,
            torch.from_numpy(result.mean[k].copy()),
            torch.from_numpy(result.sigma_mm[k].copy()),
            torch.from_numpy(result.filled[k].copy()),
        )
        for k in np.flatnonzero(without & result.filled.any(1))
    ]


def _longest_filled_s(times_s: Floats, filled: NDArray[np.bool_]) -> float:
    """Return the longest time between the measurements on both sides of filled frames; 0 if none are filled."""
    longest = 0.0
    for joint in filled.T:
        measured = np.flatnonzero(~joint)
        ends = np.flatnonzero(np.diff(measured) > 1)
        durations = times_s[measured[ends + 1]] - times_s[measured[ends]]
        longest = max(longest, float(durations.max(initial=0.0)))
    return longest


def _summary(number: int, skeleton: Skeleton, result: SmoothTrack, *, calibrated: bool) -> PersonMotion:
    return PersonMotion(
        person=number,
        calibrated=calibrated,
        joints=tuple(
            JointMotion(
                joint=joint,
                cutoff_hz=float(np.median(result.cutoff_hz[:, j])),
                process_noise=float(result.process_noise[j]),
                noise_factor=float(result.noise_factor[j]),
            )
            for j, joint in enumerate(skeleton.joints)
            if np.isfinite(result.sigma_mm[:, j]).any()
        ),
    )


def _write(layout: PartLayout, columns: dict[str, NDArray[Any]]) -> None:
    start = 0
    for index, count in enumerate(layout.records_per_part):
        rewrite(layout, index, {name: values[start : start + count] for name, values in columns.items()})
        start += count
