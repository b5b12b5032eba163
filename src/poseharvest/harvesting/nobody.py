"""Why nobody was found: somebody of another size, in a calibration of a wrong unit, is told from nobody at all."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from poseharvest.calibration.rig_audit import check_scale_of_person
from poseharvest.capture.frames import FrameSource, facts_of
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.localization.find.look_again import locate
from poseharvest.localization.limits import PERSON_MM

_MAX_FRAMES = 6


def why_nobody(capture: FrameSource, detector: HeatmapDetector, start: int, stop: int) -> str | None:
    """Return what a wrong unit of the calibration explains, None if it explains nothing.

    Two views agree on a person whatever the unit is; only the size tells. A few frames are looked at, without any limit
    of size.

    Args:
        capture: the footage, in which nobody of a person's size was found.
        detector: the 2D network or the keypoints.
        start: the first frame that was looked at.
        stop: the frame before which the search stopped.
    """
    extents = list(_extents(capture, detector, start, stop))
    if not extents or PERSON_MM[0] < median(extents) < PERSON_MM[1]:
        return None  # the search takes people of such a size, so somebody was missed for another reason
    unit = facts_of(capture).unit
    finding = check_scale_of_person(median(extents), unit)
    return None if finding is None else finding.message


def _extents(capture: FrameSource, detector: HeatmapDetector, start: int, stop: int) -> Iterator[float]:
    """Yield the longest side of the box around whoever two views agree on, mm, in a few frames."""
    step = max(1, (stop - start) // _MAX_FRAMES)
    for number in range(start, stop, step):
        for frame in capture.frames(number, number + 1):
            found = locate(detector, frame, capture.rig.at(frame.index))
            if found is not None:
                yield found.pose.extent
