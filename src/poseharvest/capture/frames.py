"""One synchronised moment of a capture, and what a source of such moments offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from poseharvest.arrays import Image
from poseharvest.findings import Finding
from poseharvest.geometry.rig import Rig
from poseharvest.units import LengthUnit


@dataclass(frozen=True, eq=False)
class MultiViewFrame:
    """The pictures of one moment.

    Attributes:
        index: frame number, from 0.
        time_s: seconds from the capture's start.
        images: one (H, W, 3) RGB uint8 picture a view, in rig order; None where the view has no picture.
        numbers: which of its own pictures each view shows, from 0, -1 for none; None where all are the frame's number.
    """

    index: int
    time_s: float
    images: tuple[Image | None, ...]
    numbers: tuple[int, ...] | None = None

    def number(self, view: int) -> int:
        """Return which of its own pictures a view shows, from 0; -1 where it has none."""
        return self.index if self.numbers is None else self.numbers[view]


@dataclass(frozen=True)
class ViewPictures:
    """The pictures of one view as files made from them may number them.

    Attributes:
        view: its name.
        count: number of its pictures; they are numbered from 0.
        names: file name of each without suffix, where the pictures are files.
        lead: frame of the capture minus number of the picture, where the view begins.
    """

    view: str
    count: int
    names: tuple[str, ...] | None = None
    lead: int = 0


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


@runtime_checkable
class PictureSource(Protocol):
    """A capture whose views have pictures of their own numbers."""

    @property
    def view_pictures(self) -> tuple[ViewPictures, ...]:
        """The pictures of every view, in rig order."""
        ...


def pictures_of(capture: FrameSource) -> tuple[ViewPictures, ...]:
    """Return the pictures of every view, in rig order: a picture a frame where the capture does not tell."""
    if isinstance(capture, PictureSource):
        return capture.view_pictures
    return tuple(ViewPictures(name, capture.num_frames) for name in capture.rig.names)


@dataclass(frozen=True)
class CaptureFacts:
    """What a capture knows of itself beyond its pictures; every field may be unknown.

    Attributes:
        folder: where it lies.
        unit: the unit of length in which its calibration was read.
        turn: degrees clockwise by which its pictures are to be turned for people to stand in them, of all views or by
            view.
        findings: what is odd about footage, calibration and timing; None if nobody has looked.
    """

    folder: Path | None = None
    unit: LengthUnit | None = None
    turn: int | Mapping[str, int] | None = None
    findings: tuple[Finding, ...] | None = None


@runtime_checkable
class FactSource(Protocol):
    """A capture that knows something of itself."""

    @property
    def facts(self) -> CaptureFacts:
        """What it knows."""
        ...


def facts_of(capture: FrameSource) -> CaptureFacts:
    """Return what a capture knows of itself; nothing where it does not tell."""
    return capture.facts if isinstance(capture, FactSource) else CaptureFacts()
