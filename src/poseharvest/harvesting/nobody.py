"""Why no person was found: with a calibration in a wrong unit, people have an impossible size."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from poseharvest.calibration.rig_audit import check_scale_of_person
from poseharvest.capture.frames import FrameSource, facts_of
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.localization.find.look_again import locate
from poseharvest.localization.limits import PERSON_MM

_MAX_FRAMES = 6


def explain_missing_person(capture: FrameSource, detector: HeatmapDetector, start: int, stop: int) -> str | None:
    """Return a message if a wrong unit of the calibration explains that no person was found, else None.

    Two views agree on a person in any unit; only the size is wrong then. So a few frames are searched without a limit
    of size.

    Args:
        capture: the footage, in which no body of a person's size was found.
        detector: the 2D network or the keypoints.
        start: first frame of the search.
        stop: frame before which the search stopped.
    """
    extents = list(_extents(capture, detector, start, stop))
    if not extents or PERSON_MM[0] < median(extents) < PERSON_MM[1]:
        return None  # the search accepts people of this size, so there must be another reason
    unit = facts_of(capture).unit
    finding = check_scale_of_person(median(extents), unit)
    return None if finding is None else finding.message


def _extents(capture: FrameSource, detector: HeatmapDetector, start: int, stop: int) -> Iterator[float]:
    """Yield the longest side of the box around the person on whom two views agree, mm, in a few frames."""
    step = max(1, (stop - start) // _MAX_FRAMES)
    for number in range(start, stop, step):
        for frame in capture.frames(number, number + 1):
            person = locate(detector, frame, capture.rig.at(frame.index))
            if person is not None:
                yield person.pose.extent
