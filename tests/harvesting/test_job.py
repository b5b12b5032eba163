"""The inputs of one harvest: the frames that it reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from poseharvest.harvesting.job import Job
from poseharvest.localization.boxes import Boxes


class _Recorded:
    """A capture that leaves pictures out, and remembers which were asked for."""

    def __init__(self, capture):
        self._capture, self.shown = capture, []

    def __getattr__(self, name):
        return getattr(self._capture, name)

    def frames_showing(self, shown, start=0, stop=None):
        self.shown.append(sorted(shown))
        return (replace(frame, images=(None,) * len(frame.images)) for frame in self._capture.frames(start, stop))


class _Blind:
    """A detector that needs no pictures."""

    needs_images = False


class _Seeing:
    needs_images = True


@pytest.mark.parametrize(("detector", "shown"), [(_Blind(), [[3]]), (_Seeing(), [])])
def test_only_a_detector_that_needs_pictures_gets_all_of_them(simulation, quick, detector, shown):
    capture = _Recorded(simulation.capture)
    job = Job(capture, detector, quick, None, None, lambda _: None)
    assert [frame.index for frame in job.frames(2, 5, {3})] == [2, 3, 4]
    assert capture.shown == shown


@pytest.mark.parametrize(
    ("people", "size", "boxes", "changes", "together"),
    [
        (True, 64, None, {}, 16),
        (True, 64, None, {"people": None}, 8),  # memory for eight people
        (True, 512, None, {}, 4),
        (True, 64, Boxes({}), {}, 2),  # a fifteenth of a second at 30 Hz
        (True, 64, None, {"ignore_audit": True}, 2),
        (False, 64, None, {}, 2),
    ],
)
def test_many_frames_of_keypoints_go_to_the_tracker_at_once(simulation, quick, people, size, boxes, changes, together):
    class Listed(_Blind):
        skeleton, heatmap_size = simulation.detector.skeleton, (size, size)

    if people:
        Listed.people = Listed.draw = lambda *_: None
    options = replace(quick, **changes)
    assert Job(simulation.capture, Listed(), options, boxes, None, lambda _: None).frames_together == together
