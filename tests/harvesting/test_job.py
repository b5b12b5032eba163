"""The inputs of one harvest: the frames that it reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from poseharvest.harvesting.job import Job


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
