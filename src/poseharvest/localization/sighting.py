"""What the views show of people in one frame, before inference has run: partly known poses, and sightings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.geometry.camera import StaticCamera
from poseharvest.heatmaps.maps import Heatmaps, Peaks
from poseharvest.localization.limits import MIN_JOINTS, MIN_KNOWN
from poseharvest.pictorial.evidence import FrameEvidence


@dataclass(frozen=True, eq=False)
class PartialPose:
    """Some joints of a person, in space or in one picture.

    Attributes:
        points: (J, 3) world, mm, or (J, 2) pixels of a picture; meaningless where not `known`.
        known: (J,) bool.
    """

    points: Tensor
    known: Tensor

    @property
    def num_known(self) -> int:
        """How many joints are known."""
        return int(self.known.sum())

    @property
    def middle(self) -> Tensor:
        """(3,) mm, or (2,) pixels: middle of the box around the known joints. At least one joint must be known."""
        known = self.points[self.known]
        return (known.amin(0) + known.amax(0)) / 2

    @property
    def extent(self) -> float:
        """The longest side of that box, mm or pixels."""
        known = self.points[self.known]
        return float((known.amax(0) - known.amin(0)).max())


@dataclass(frozen=True, eq=False)
class TriangulatedPose(PartialPose):
    """The joints on which at least two views agree in one frame: `known` marks these joints.

    Attributes:
        doubt: (J,) distance of the agreeing views' peaks from the projection, divided by the person's size in the
            picture and by the square root of the number of agreeing views less one. Infinite where not known.
    """

    doubt: Tensor

    @property
    def is_seen(self) -> bool:
        """Two views agree on so many joints that the person is there."""
        return float(self.known.double().mean()) >= MIN_KNOWN

    @classmethod
    def nothing(cls, num_joints: int) -> TriangulatedPose:
        """Return the pose of a frame in which no two views agree on anything."""
        return cls(
            torch.zeros((num_joints, 3), dtype=torch.float64),
            torch.zeros(num_joints, dtype=torch.bool),
            torch.full((num_joints,), torch.inf, dtype=torch.float64),
        )


def distance_from_all(pose: PartialPose, others: Sequence[PartialPose]) -> float:
    """Return the median distance of a pose's joints from the nearest same joint of all others, mm.

    A network that looks at two people at once puts some joints on one and some on the other. Such a pose is far from
    each of the two, and yet it is no new person. Therefore each joint is compared with the nearest of all people.
    Infinite if there are no others, or if too few joints are known.
    """
    nearest = torch.full(pose.known.shape, torch.inf, dtype=torch.float64)
    for other in others:
        distance = torch.linalg.vector_norm(pose.points - other.points, dim=-1)
        nearest = torch.minimum(nearest, torch.where(other.known, distance, torch.inf))
    joints = nearest[pose.known]
    return float(joints.median()) if len(joints) >= MIN_JOINTS else float("inf")


def joint_distance(a: PartialPose, b: PartialPose) -> float:
    """Return the median distance of the joints that both know, mm; infinite where they have too few in common."""
    both = a.known & b.known
    if int(both.sum()) < MIN_JOINTS:
        return float("inf")
    return float(torch.linalg.vector_norm(a.points - b.points, dim=-1)[both].median())


@dataclass(frozen=True, eq=False)
class Sighting:
    """What the views show of the person in one frame.

    Attributes:
        frame: the frame's number.
        time_s: seconds from the capture's start.
        cameras: the V cameras as they stand in this frame.
        heatmaps: of every view, around the person.
        peaks: their maxima, in pixels of the pictures.
        pose: this frame's robust triangulation of the heatmaps' peaks.
        center: (3,) middle of the person's box, mm: where the bounding volume goes.
    """

    frame: int
    time_s: float
    cameras: tuple[StaticCamera, ...]
    heatmaps: Heatmaps
    peaks: Peaks
    pose: TriangulatedPose
    center: Tensor

    @property
    def peak_sum(self) -> float:
        """How well the views see the person: the sum of the heights of the peaks over all views and joints."""
        return float(self.peaks.score.clamp_min(0).sum())

    @property
    def evidence(self) -> FrameEvidence:
        """The input of 3D inference for this frame."""
        return FrameEvidence(self.heatmaps, self.cameras, self.center)


@dataclass(frozen=True, eq=False)
class TrackedSighting:
    """What the views show of one of several people in one frame.

    Attributes:
        track: number of the person's track.
        sighting: what the views show of the person.
        confused_with: tracks that this one may have been exchanged with since its last sighting.
        is_overlapped: many peaks in the person's windows were removed as other people's. Some of the removed peaks may
            be the person's own.
    """

    track: int
    sighting: Sighting
    confused_with: frozenset[int] = frozenset()
    is_overlapped: bool = False


@dataclass(frozen=True, eq=False)
class FrameSightings:
    """All people in one frame.

    Attributes:
        frame: the frame's number.
        sightings: one for each person who is seen.
        alive: tracks that go on after this frame, whether their person is seen in it or not.
        confirmed: the alive tracks that follow a person for certain.
        duplicates: tracks that end in this frame because they followed the person of another track.
    """

    frame: int
    sightings: tuple[TrackedSighting, ...]
    alive: frozenset[int]
    confirmed: frozenset[int]
    duplicates: frozenset[int] = frozenset()
