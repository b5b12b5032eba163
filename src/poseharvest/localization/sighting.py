"""What the views show of people in one frame: what following them gives to inference and harvest."""

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
        cameras: as they stand in this frame.
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
        """What the 3D inference is told of this frame."""
        return FrameEvidence(self.heatmaps, self.cameras, self.center)


@dataclass(frozen=True, eq=False)
class TrackedSighting:
    """What the views show of one of several people in one frame.

    Attributes:
        track: number of the person's track.
        sighting: what is seen.
        confused_with: tracks that this one may have been exchanged with since its last sighting.
        is_overlapped: so many of the peaks in the person's windows are other people's that their own may be among those
            which were taken out.
    """

    track: int
    sighting: Sighting
    confused_with: frozenset[int] = frozenset()
    is_overlapped: bool = False


@dataclass(frozen=True, eq=False)
class FrameSightings:
    """Everybody in one frame.

    Attributes:
        frame: the frame's number.
        sightings: of those who are seen.
        alive: tracks that may be seen again, of those seen and not seen.
        confirmed: those of them that are people for certain.
        doubles: tracks that end here, having turned out to follow what is another's.
    """

    frame: int
    sightings: tuple[TrackedSighting, ...]
    alive: frozenset[int]
    confirmed: frozenset[int]
    doubles: frozenset[int] = frozenset()
