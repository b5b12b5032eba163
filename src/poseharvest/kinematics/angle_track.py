"""The joint angles of one person over time, each with its uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.kinematics.joint_angles import Floats, JointAngle, Points, angles_of
from poseharvest.kinematics.person_track import PersonTrack

_CHUNK = 2000


@dataclass(frozen=True, eq=False)
class AngleTrack:
    """Angles of one person.

    Attributes:
        names: (A) of the angles.
        frames: (F,) of the capture, from 0.
        times_s: (F,) from the capture's start.
        degrees: (F, A); NaN where a joint has no position, or the angle has no meaning.
        sigma_deg: (F, A) standard deviations; NaN in frames that hold no covariances.
    """

    names: tuple[str, ...]
    frames: NDArray[np.int64]
    times_s: Floats
    degrees: Floats
    sigma_deg: Floats


def angles_over_time(track: PersonTrack, up: Floats) -> AngleTrack:
    """Return the angles that a person's joints make.

    Args:
        track: positions and covariances of the joints.
        up: (3,) unit vector, the direction of the world that points up.
    """
    angles = angles_of(track.joints)
    shape = (len(track.frames), len(angles))
    degrees, sigma = np.full(shape, np.nan), np.full(shape, np.nan)
    for start in range(0, len(track.frames), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        points, deviations = track.points[chunk], _square_roots(track.covariances[chunk])
        for column, angle in enumerate(angles):
            degrees[chunk, column] = angle.measure(_named(points, track.joints), up)
            sigma[chunk, column] = _sigma_deg(angle, points, deviations, track.joints, up)
    return AngleTrack(tuple(angle.name for angle in angles), track.frames, track.times_s, degrees, sigma)


def _named(points: Floats, joints: Sequence[str]) -> Points:
    return {joint: points[..., number, :] for number, joint in enumerate(joints)}


def _square_roots(covariances: Floats) -> Floats:
    """Return (F, J, 3, 3): as rows, the axes of each ellipsoid, one standard deviation long."""
    is_known = np.isfinite(covariances).all((-1, -2), keepdims=True)
    values, vectors = np.linalg.eigh(np.where(is_known, covariances, 0.0))
    axes = np.sqrt(values.clip(min=0))[..., None] * np.swapaxes(vectors, -1, -2)
    return np.where(is_known, axes, np.nan)


def _sigma_deg(angle: JointAngle, points: Floats, deviations: Floats, joints: Sequence[str], up: Floats) -> Floats:
    """Return (F,) standard deviations of an angle.

    Each joint moves by plus and minus one standard deviation along each axis of its ellipsoid; what that does to the
    angle adds up as variances, as errors of different joints are taken as independent. Without derivatives, it is right
    where the angle has a kink too: at a straight leg.
    """
    mean = angle.measure(_named(points, joints), up)
    variance = np.zeros(len(points))
    for joint in angle.joints:
        number = joints.index(joint)
        for axis in range(3):
            for sign in (-1, 1):
                moved = points.copy()
                moved[:, number] += sign * deviations[:, number, axis]
                change = angle.measure(_named(moved, joints), up) - mean
                variance += ((change + 180) % 360 - 180) ** 2 / 2
    sigma: Floats = np.sqrt(variance)
    return sigma
