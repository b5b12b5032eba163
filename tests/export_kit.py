"""Footage of a made-up harvest, and strange harvests that every export and the Python access must take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harvest_kit import FRAME_RATE, make_records, make_rig, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.geometry.rig import Rig
from poseharvest.motion import MotionOptions
from poseharvest.skeleton.definitions import MPII16
from walker_kit import Recipe, write_walk

LEGS = [MPII16.index(f"{side}_{part}") for side in ("left", "right") for part in ("knee", "ankle")]


class GreyFootage:
    """Grey pictures in every view's own size, brighter from frame to frame: the footage of a made-up harvest."""

    name, frame_rate, num_frames = "footage", FRAME_RATE, 30

    def __init__(self, rig: Rig | None = None) -> None:
        self.rig = rig or make_rig()

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Stream the frames."""
        for index in range(start, self.num_frames if stop is None else stop):
            images = tuple(np.full((*camera.image_size, 3), 8 * index, np.uint8) for camera in self.rig)
            yield MultiViewFrame(index, index / self.frame_rate, images)


_LIBRARIES = {"c3d": "ezc3d", "netcdf": "xarray", "nwb": "ndx_pose", "sleap": "sleap_io", "rerun": "rerun"}


def options_for(name: str) -> dict[str, Any]:
    """Return options with which a format can be written of any made-up harvest; a skip if its library is missing."""
    if name in _LIBRARIES:
        pytest.importorskip(_LIBRARIES[name], reason=f"needs {_LIBRARIES[name]}")
    return {"yolo": {"pictures": False}, "sleap": {"pictures": True, "source": GreyFootage()}}.get(name, {})


def three_people(path: Path) -> Harvest:
    """Three people who walk side by side."""
    return write_walk(path, Recipe(num_frames=12, pictured=(0, 8), num_persons=3, motion=MotionOptions()))


def seated(path: Path) -> Harvest:
    """Somebody at a desk: no view shows the knees and the ankles."""
    return write_harvest(path, [without_legs(record) for record in make_records(range(12))], motion=MotionOptions())


def one_frame(path: Path) -> Harvest:
    """A single moment of one person."""
    return write_harvest(path, make_records([7]))


def nothing_supported(path: Path) -> Harvest:
    """Somebody of whom no joint is supported or selected: as little as a harvest can hold, since nobody is refused."""
    return write_walk(path, Recipe(num_frames=5, pictured=(0,), blind=True))


STRANGE: dict[str, Callable[[Path], Harvest]] = {
    "three people": three_people,
    "seated": seated,
    "one frame": one_frame,
    "nothing supported": nothing_supported,
}
"""By what is strange, the function that writes such a harvest."""


def without_legs(record: FrameAnnotations) -> FrameAnnotations:
    """Return a record of somebody whose legs no view shows."""
    supported, peak_score, score = (getattr(record, name).clone() for name in ("supported", "peak_score", "score"))
    supported[LEGS], peak_score[:, LEGS], score[:, LEGS] = torch.tensor(False), 0.0, 0.0
    return replace(record, supported=supported, peak_score=peak_score, score=score)
