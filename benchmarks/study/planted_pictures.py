"""Faults planted on the pictures of a capture, for a network to look at; and what it sees where nothing is planted.

What a network sees in a picture does not depend on the calibration. So for faults of the calibration its answers are
kept: each view is followed alone, once. Faults of the pictures are harvested as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from poseharvest.annotations.info import HarvestInfo
from poseharvest.arrays import Image
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.diagnosis.shown_joints import ShownJoints
from poseharvest.geometry.camera import Camera
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.studio import studio_capture
from poseharvest.synchronisation.people_in_views import people_in_views
from study.planted import Scene

STUDIO = (("target", 4, "Walking"), ("generic", 2, "Greeting"))
_RESOLUTION = 16  # of the grid: the cameras are judged by what they show

Change = Callable[[Image, int], Image]


@dataclass(frozen=True, eq=False)
class PictureFault:
    """A fault of one view's pictures.

    Attributes:
        name: in words.
        kinds: of these any is right.
        change: the picture that a picture becomes, and the frame's number.
        late: by how many frames the pictures are behind; None for the very first one throughout.
        first: the frame from which it is wrong.
        is_square: it can only be planted on square pictures.
    """

    name: str
    kinds: tuple[str, ...]
    change: Change = lambda picture, frame: picture
    late: int | None = 0
    first: int = 0
    is_square: bool = False


def picture_faults(num_frames: int) -> tuple[PictureFault, ...]:
    """Return the faults that are planted on every camera in turn."""
    half = num_frames // 2
    throughout = (
        PictureFault("frozen", ("frozen",), late=None),
        PictureFault("black", ("blank",), lambda picture, frame: np.zeros_like(picture)),
        PictureFault("white", ("blank",), lambda picture, frame: np.full_like(picture, 255)),
        PictureFault("noise", ("unlike",), _noise),
        PictureFault("mirrored", ("mirrored",), lambda picture, frame: np.ascontiguousarray(picture[:, ::-1])),
        PictureFault("turned by 90", ("turned",), lambda picture, frame: _turned(picture, 1), is_square=True),
        PictureFault("turned by 180", ("turned",), lambda picture, frame: _turned(picture, 2)),
        PictureFault("late by 5 frames", ("delay",), late=5),
    )
    later = (replace(one, name=f"{one.name} from frame {half} on", first=half) for one in throughout[:4])
    return (*throughout, *later)


def _noise(picture: Image, frame: int) -> Image:
    return np.random.default_rng(frame).integers(0, 256, picture.shape, dtype=np.uint8)


def _turned(picture: Image, quarters: int) -> Image:
    return np.ascontiguousarray(np.rot90(picture, quarters))


class ChangedPictures:
    """Footage in which one view has a fault."""

    def __init__(self, source: FrameSource, view: int, fault: PictureFault) -> None:
        self._source, self._view, self._fault = source, view, fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Stream the moments `start` to `stop` (exclusive)."""
        fault, late = self._fault, self._fault.late
        held = next(iter(self._source.frames(fault.first, fault.first + 1))) if late is None else None
        behind = self._source.frames(max(0, start - late), stop) if late else iter(())
        own = next(behind, None)
        for frame in self._source.frames(start, stop):
            of = held or own or frame
            if late and frame.index >= late:
                own = next(behind, None)
            yield frame if frame.index < fault.first else self._with(frame, of)

    def _with(self, frame: MultiViewFrame, of: MultiViewFrame) -> MultiViewFrame:
        images = list(frame.images)
        picture = of.images[self._view]
        images[self._view] = None if picture is None else self._fault.change(picture, frame.index)
        return replace(frame, images=tuple(images))


def studio_source(number: int, num_frames: int) -> FrameSource:
    """Return a capture of the studio."""
    world, subject, action = STUDIO[number % len(STUDIO)]
    return studio_capture(world, subject, action, num_frames, seed=number).capture


def scene_by_network(source: FrameSource, detector: HeatmapDetector, num_frames: int) -> Scene:
    """Return what a network sees of the person whom each view shows best, followed in each view alone."""
    cameras = tuple(camera for camera in source.rig if isinstance(camera, Camera))
    if len(cameras) < len(source.rig):
        raise SystemExit(f"{source.name}: expected cameras that stand still")
    stop = min(num_frames, source.num_frames)
    views = people_in_views(detector, source, 0, stop)
    shown = ShownJoints(np.arange(stop), np.stack([view.pixels[:, 0] for view in views]))
    return Scene(source.name, cameras, shown, source.frame_rate, detector.skeleton.flip_permutation)


def harvested(source: FrameSource, detector: HeatmapDetector, out: Path, num_frames: int) -> HarvestInfo:
    """Return what a harvest of the first frames says of itself."""
    options = HarvestOptions(
        inference=InferenceOptions(resolution=_RESOLUTION), stop=min(num_frames, source.num_frames), num_previews=2
    )
    return harvest(source, detector, out, options=options, overwrite=True).info
