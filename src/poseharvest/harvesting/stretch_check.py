"""Did a view stand still, or show nothing, in a part of the take? What the records suggest, pictures or files decide.

Pictures that stand still differ by no more than their compression. Of keypoint files the keypoints themselves are
compared: a detector never gives the same ones twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import Image
from poseharvest.capture.footage_audit import shade_of
from poseharvest.detectors.protocol import KeypointSource
from poseharvest.diagnosis.view_stretches import SAME_KEYPOINTS, SAME_PICTURE, ViewStretch
from poseharvest.findings import CameraFault
from poseharvest.harvesting.camera_check import is_noise
from poseharvest.harvesting.job import Job

_PLACES = (0.3, 0.6, 0.9)  # of a stretch, where its pictures are compared
_MOST_BEFORE = 12  # frames before and after the supposed beginning of a stretch in which it is looked for
_BLOCK = 8
_SAME = 8.0  # of 255: difference of the mean brightness of blocks
_LEAST_UNLISTED_S, _LEAST_UNLISTED = 1.0, 0.2  # a person may be hidden for a while; the second is of all frames


class _Numbered(NamedTuple):
    frame: int
    picture: Image


def still_share(job: Job) -> float:
    """Return by what share of the person's extent joints may move in pictures that stand still."""
    return SAME_KEYPOINTS if job.has_keypoints else SAME_PICTURE


def stretch_faults(job: Job, stretches: Sequence[ViewStretch]) -> tuple[CameraFault, ...]:
    """Return a fault of each camera that is frozen or shows nothing in one of these parts of the take.

    Args:
        job: the harvest.
        stretches: what the records suggest.
    """
    found: dict[int, CameraFault] = {}
    for stretch in sorted(stretches, key=lambda one: (one.kind != "still", one.view)):
        judge = _in_keypoints if job.has_keypoints else _in_pictures
        fault = None if stretch.view in found else judge(job, stretch)
        if fault is not None:
            found[stretch.view] = fault
    return tuple(found[view] for view in sorted(found))


def _in_keypoints(job: Job, stretch: ViewStretch) -> CameraFault | None:
    if stretch.kind == "still":
        fault = _fault(job, stretch, "its keypoints stay the same while the person moves")
        return replace(fault, kind="frozen", moved_px=stretch.moved_px)
    least = max(_LEAST_UNLISTED_S * job.capture.frame_rate, _LEAST_UNLISTED * (job.stop - job.options.start))
    if stretch.num_frames < least or not _lists_nobody(job, stretch):
        return None
    return _fault(job, stretch, "its files list nobody, though the person is within its picture")


def _lists_nobody(job: Job, stretch: ViewStretch) -> bool:
    """Return whether the files list nobody at all at some places of a stretch."""
    if not isinstance(job.detector, KeypointSource):
        return False
    name = job.capture.rig.names[stretch.view]
    numbers = [frame.number(stretch.view) for at in _places(stretch) for frame in job.frames(at, at + 1)]
    return all(not len(job.detector.people(name, number)) for number in numbers)


def _in_pictures(job: Job, stretch: ViewStretch) -> CameraFault | None:
    pictures = [one.picture for at in _places(stretch) for one in _pictures(job, stretch.view, at, at + 1)]
    if len(pictures) < len(_places(stretch)):
        return None
    if stretch.kind == "still":
        same = all(_are_same(pictures[-1], one) for one in pictures)
        return _frozen(job, stretch, pictures[-1]) if same else None
    shades = {shade_of(one) for one in pictures}
    if len(shades) == 1 and (shade := shades.pop()):
        return _fault(job, stretch, f"its picture is {shade}")
    if all(is_noise(_brightness(one)) for one in pictures):
        return replace(_fault(job, stretch, "its picture is noise"), kind="unlike")
    return None


def _frozen(job: Job, stretch: ViewStretch, picture: Image) -> CameraFault:
    """Return the fault from the very first picture on that is the same as a later one."""
    fault = _fault(job, stretch, "its picture stands still while the person moves")
    fault = replace(fault, kind="frozen", moved_px=stretch.moved_px)
    if stretch.from_frame is None:
        return fault
    start = max(job.options.start, stretch.first - _MOST_BEFORE)
    around = list(_pictures(job, stretch.view, start, min(stretch.last, stretch.first + _MOST_BEFORE)))
    same = list(takewhile(lambda one: _are_same(picture, one.picture), reversed(around)))
    return replace(fault, from_frame=same[-1].frame) if same else fault


def _fault(job: Job, stretch: ViewStretch, text: str) -> CameraFault:
    name = (job.capture.rig.names[stretch.view],)
    before = None if stretch.before_frame is None else stretch.last + 1
    return CameraFault(name, "blank", 0.0, text, name, from_frame=stretch.from_frame, before_frame=before)


def _places(stretch: ViewStretch) -> list[int]:
    return [stretch.first + int(place * (stretch.last - stretch.first)) for place in _PLACES]


def _pictures(job: Job, view: int, start: int, stop: int) -> Iterator[_Numbered]:
    """Yield what a view shows in these frames; frames without a picture are left out."""
    for frame in job.capture.frames(start, stop):
        picture = frame.images[view]
        if picture is not None:
            yield _Numbered(frame.index, picture)


def _are_same(one: Image, other: Image) -> bool:
    """Return whether two pictures differ nowhere by more than their compression."""
    if one.shape != other.shape:
        return False
    return bool(np.abs(_blocks(one) - _blocks(other)).max() < _SAME)


def _blocks(picture: Image) -> NDArray[np.float64]:
    """Return the mean brightness of the blocks of a picture."""
    bright = _brightness(picture)
    rows, columns = (max(1, size // _BLOCK) for size in bright.shape)
    height, width = min(_BLOCK, bright.shape[0]), min(_BLOCK, bright.shape[1])
    cut = bright[: rows * height, : columns * width]
    return np.asarray(cut.reshape(rows, height, columns, width).mean((1, 3)))


def _brightness(picture: Image) -> NDArray[np.float64]:
    return np.asarray(picture.astype(np.float64).mean(-1))
