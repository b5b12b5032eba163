"""How far detections lie from the adjusted joints, in the numbers that other tools print one of.

A reprojection error is a mean, a median or a root mean square, of all detections or of chosen ones. These differ by a
factor of two on one result, so each is named with what it is taken over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.people_calibration.joint_sightings import Floats
from poseharvest.people_calibration.solve_people import PeopleCalibration
from poseharvest.skeleton.human import SIDES

CONFIDENT = 0.5
"""Score from which a detection is confident."""

LIMB_JOINTS = tuple(
    f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in SIDES
)
"""The twelve joints that all tools have."""


@dataclass(frozen=True)
class Distances:
    """Distances in the picture from detections to projected joints, pixels.

    Attributes:
        count: how many.
        median_px: their median.
        mean_px: their mean.
        rms_px: their root mean square.
    """

    count: int
    median_px: float
    mean_px: float
    rms_px: float

    @classmethod
    def of(cls, distances_px: Floats) -> Distances:
        """Return what distances (N,) are; NaN without any."""
        if not len(distances_px):
            return cls(0, float("nan"), float("nan"), float("nan"))
        rms = float(np.sqrt(np.mean(distances_px**2)))
        return cls(len(distances_px), float(np.median(distances_px)), float(distances_px.mean()), rms)

    @property
    def in_words(self) -> str:
        """The three numbers."""
        return f"median {self.median_px:.1f}, mean {self.mean_px:.1f}, root mean square {self.rms_px:.1f} px"


@dataclass(frozen=True)
class Reprojection:
    """The distances of a calibration from people.

    Attributes:
        used: of every joint that took part, whatever its score.
        shown: of every detection of the person, with those that were left out.
        confident: of the twelve joints from shoulders to ankles, with a score of `CONFIDENT` or more, that took part.
        num_joints: joints of the skeleton.
    """

    used: Distances
    shown: Distances
    confident: Distances
    num_joints: int

    @property
    def in_words(self) -> str:
        """All of them as a line for a person."""
        text = (
            f"detections lie off the adjusted joints by {self.used.in_words} ({self.used.count} detections of "
            f"{self.num_joints} joints, any score; none is weighted); with the "
            f"{self.shown.count - self.used.count} that were left out {self.shown.in_words}"
        )
        if not self.confident.count:
            return text
        return (
            f"{text}; of shoulders to ankles with a score of {CONFIDENT:g} or more {self.confident.in_words} "
            f"({self.confident.count} detections)"
        )


def reprojection_of(result: PeopleCalibration) -> Reprojection:
    """Return how far detections lie from the adjusted joints."""
    placed = range(len(result.views))
    errors, used = result.adjusted.errors_px[placed], result.adjusted.evidence.used[placed]
    weights, shown = result.adjusted.body.weights[placed], result.adjusted.body.shown[placed]
    known = np.isfinite(errors)
    used &= known
    joints = np.array([joint in LIMB_JOINTS for joint in result.sightings.skeleton.joints])
    confident: NDArray[np.bool_] = used & joints & (weights >= CONFIDENT)
    return Reprojection(
        Distances.of(errors[used]),
        Distances.of(errors[known & shown]),
        Distances.of(errors[confident]),
        len(joints),
    )
