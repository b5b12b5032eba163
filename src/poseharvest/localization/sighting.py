"""What the views show of people in one frame: the result of following them, for inference and harvest."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from poseharvest.geometry.camera import StaticCamera
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.heatmaps.peaks import Peaks
from poseharvest.localization.partial_pose import TriangulatedPose
from poseharvest.pictorial.evidence import FrameEvidence


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
