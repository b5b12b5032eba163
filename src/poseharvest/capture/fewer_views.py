"""A capture without some of its views: those whose camera is at fault."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from poseharvest.capture.frames import (
    CaptureFacts,
    FrameSource,
    MultiViewFrame,
    ViewPictures,
    facts_of,
    fingerprints_of,
    frames_showing,
    pictures_of,
)
from poseharvest.geometry.rig import Rig


class FewerViews:
    """A capture of which some views are left out. Frames keep their numbers.

    Args:
        capture: the footage with all views.
        left_out: names of the views to leave out.
    """

    def __init__(self, capture: FrameSource, left_out: Sequence[str]) -> None:
        names = capture.rig.names
        self._capture = capture
        self._views = [number for number, name in enumerate(names) if name not in left_out]
        self._rig = capture.rig.subset([names[number] for number in self._views])

    @property
    def name(self) -> str:
        """The capture's name."""
        return self._capture.name

    @property
    def rig(self) -> Rig:
        """The cameras that are left."""
        return self._rig

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self._capture.frame_rate

    @property
    def num_frames(self) -> int:
        """Number of frames that `frames()` gives."""
        return self._capture.num_frames

    @property
    def view_pictures(self) -> tuple[ViewPictures, ...]:
        """The numbering of the pictures of the views that are left."""
        pictures = pictures_of(self._capture)
        return tuple(pictures[number] for number in self._views)

    @property
    def fingerprints(self) -> Mapping[str, Mapping[str, int | str]]:
        """What tells the footage of each view that is left from any other."""
        known = fingerprints_of(self._capture)
        return {name: known[name] for name in self._rig.names if name in known}

    @property
    def facts(self) -> CaptureFacts:
        """The facts about the capture."""
        return facts_of(self._capture)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Stream the moments `start` to `stop` (exclusive) in order."""
        return map(self._without, self._capture.frames(start, stop))

    def frames_showing(
        self, shown: Collection[int], start: int = 0, stop: int | None = None
    ) -> Iterator[MultiViewFrame]:
        """Stream the moments as `frames` does, with pictures only in the frames whose numbers are in `shown`."""
        return map(self._without, frames_showing(self._capture, shown, start, stop))

    def _without(self, frame: MultiViewFrame) -> MultiViewFrame:
        images = tuple(frame.images[number] for number in self._views)
        numbers = None if frame.numbers is None else tuple(frame.numbers[number] for number in self._views)
        return replace(frame, images=images, numbers=numbers)
