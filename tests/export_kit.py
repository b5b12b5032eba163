"""Strange harvests that every export, the report and the Python access must take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.motion import MotionOptions
from poseharvest.skeleton.definitions import MPII16
from walker_kit import Recipe, write_walk

LEGS = [MPII16.index(f"{side}_{part}") for side in ("left", "right") for part in ("knee", "ankle")]


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
