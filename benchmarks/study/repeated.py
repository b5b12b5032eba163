"""Footage that is a stretch of a capture, over and over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.geometry.rig import Rig


@dataclass(frozen=True, eq=False)
class Repeated:
    """Footage whose frames are those of a stretch, over and over.

    Attributes:
        rig: the cameras.
        frame_rate: frames per second.
        num_frames: how many there are.
        pictures: of the stretch, a moment each; none if a detector of keypoint files numbers its own.
        name: of the footage.
        swings: the stretch runs forwards and backwards in turn, so that there is no cut.
    """

    rig: Rig
    frame_rate: float
    num_frames: int
    pictures: Sequence[MultiViewFrame] = ()
    name: str = "repeated"
    swings: bool = False

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Stream the moments `start` to `stop` (exclusive) in order."""
        for index in range(start, self.num_frames if stop is None else min(stop, self.num_frames)):
            images = self.pictures[self._place(index)].images if self.pictures else (None,) * len(self.rig)
            yield MultiViewFrame(index, index / self.frame_rate, images)

    def _place(self, index: int) -> int:
        length = len(self.pictures)
        if not self.swings:
            return index % length
        place = index % (2 * length)
        return min(place, 2 * length - 1 - place)
