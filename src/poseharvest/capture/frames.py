"""One synchronised moment of a capture, and what a source of such moments offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from poseharvest.arrays import Image
from poseharvest.geometry.rig import Rig


@dataclass(frozen=True, eq=False)
class MultiViewFrame:
    """The pictures of one moment.

    Attributes:
        index: frame number, from 0.
        time_s: seconds from the capture's start.
        images: one (H, W, 3) RGB uint8 picture a view, in rig order; None where the view has no picture.
    """

    index: int
    time_s: float
    images: tuple[Image | None, ...]


class FrameSource(Protocol):
    """A capture, real or synthetic."""

    @property
    def name(self) -> str:
        """The capture's name."""
        ...

    @property
    def rig(self) -> Rig:
        """Its cameras; `frames()` gives pictures in this order."""
        ...

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        ...

    @property
    def num_frames(self) -> int:
        """Number of frames that `frames()` gives."""
        ...

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Stream the moments `start` to `stop` (exclusive) in order."""
        ...
