"""The common clock: laws of the matching by time, against a brute force that looks at every picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.capture.common_clock import synchronise
from poseharvest.errors import CaptureError

RATE = 50.0
PERIOD = 1 / RATE

# multiples of 4 ms: none lies on the edge of the tolerance, 9 or 11 ms from a frame, where rounding decides
stamps = st.lists(st.integers(0, 100), min_size=2, max_size=12, unique=True).map(
    lambda values: np.sort(np.asarray(values)) * 0.004
)


def nearest_by_search(times, tick, tolerance):
    distances = [abs(time - tick) for time in times]
    best = int(np.argmin(distances))
    return distances[best] if distances[best] <= tolerance else None


@given(views=st.lists(stamps, min_size=2, max_size=4))
def test_every_frame_holds_the_nearest_picture_or_none(views):
    try:
        timeline = synchronise(views, frame_rate=RATE, phase_s=0.0)
    except CaptureError:
        return
    tolerance = PERIOD / 2 + 0.001
    for view, times in enumerate(views):
        for frame in range(timeline.num_frames):
            tick = timeline.start_s + frame * PERIOD
            number = int(timeline.pictures[view, frame])
            expected = nearest_by_search(times, tick, tolerance)
            if expected is None:
                assert number == -1
            else:
                assert abs(times[number] - tick) == pytest.approx(expected, abs=1e-9)


@given(views=st.lists(stamps, min_size=2, max_size=4))
def test_pictures_never_go_backwards(views):
    try:
        timeline = synchronise(views, frame_rate=RATE, phase_s=0.0)
    except CaptureError:
        return
    for row in timeline.pictures:
        assert (np.diff(row[row >= 0]) >= 0).all()


@given(views=st.lists(stamps, min_size=2, max_size=4), shift=st.integers(-500, 500))
def test_a_common_shift_changes_nothing_but_the_start(views, shift):
    shift_s = shift * PERIOD
    try:
        before = synchronise(views, frame_rate=RATE, phase_s=0.0)
    except CaptureError:
        with pytest.raises(CaptureError):
            synchronise([times + shift_s for times in views], frame_rate=RATE, phase_s=shift_s)
        return
    after = synchronise([times + shift_s for times in views], frame_rate=RATE, phase_s=shift_s)
    assert after.start_s == pytest.approx(before.start_s + shift_s)
    np.testing.assert_array_equal(after.present, before.present)


def test_the_order_of_views_does_not_matter():
    a, b, c = np.arange(10) * PERIOD, np.arange(3, 14) * PERIOD, np.arange(1, 5) * PERIOD
    forward = synchronise([a, b, c], frame_rate=RATE, phase_s=0.0)
    backward = synchronise([c, b, a], frame_rate=RATE, phase_s=0.0)
    np.testing.assert_array_equal(forward.pictures, backward.pictures[::-1])


def test_frames_span_the_time_in_which_two_views_run():
    a, b, c = np.arange(0, 10) * PERIOD, np.arange(3, 20) * PERIOD, np.arange(15, 30) * PERIOD
    timeline = synchronise([a, b, c], frame_rate=RATE, phase_s=0.0)
    assert timeline.start_s == pytest.approx(3 * PERIOD)
    assert timeline.num_frames == 17  # ticks 3 to 19
    np.testing.assert_array_equal(timeline.present.sum(0)[[0, 6, 7, 11, 12, 16]], [2, 2, 1, 1, 2, 2])
    assert timeline.pictures[0, 0] == 3
    assert timeline.pictures[1, 0] == 0


def test_views_that_start_later_are_matched_by_time_and_not_by_index():
    late = np.arange(5, 20) * PERIOD
    timeline = synchronise([np.arange(20) * PERIOD, late], frame_rate=RATE, phase_s=0.0)
    np.testing.assert_array_equal(timeline.pictures[0] - timeline.pictures[1], 5)


def test_a_lost_picture_is_a_drop_out():
    times_s = np.delete(np.arange(10), 4) * PERIOD
    timeline = synchronise([np.arange(10) * PERIOD, times_s], frame_rate=RATE, phase_s=0.0)
    np.testing.assert_array_equal(timeline.pictures[1], [0, 1, 2, 3, -1, 4, 5, 6, 7, 8])


def test_a_slow_view_drops_out_between_its_pictures():
    timeline = synchronise([np.arange(10) * PERIOD, np.arange(5) * 2 * PERIOD], frame_rate=RATE, phase_s=0.0)
    np.testing.assert_array_equal(timeline.pictures[1], [0, -1, 1, -1, 2, -1, 3, -1, 4])


def test_rounded_stamps_half_a_period_off_do_not_drop_out():
    exact = np.arange(300) / 60
    rounded = np.round(exact + 0.5 / 60, 3)
    timeline = synchronise([exact, rounded], frame_rate=60.0, phase_s=0.0)
    assert timeline.present.all()


def test_time_errors_are_those_of_the_pictures_used():
    times = np.arange(10) * PERIOD + 0.003
    timeline = synchronise([np.arange(10) * PERIOD, times], frame_rate=RATE, phase_s=0.0)
    np.testing.assert_allclose(timeline.time_errors_s(1, times), 0.003, atol=1e-12)


def test_views_that_never_overlap_are_an_error():
    with pytest.raises(CaptureError, match="expected a moment at which two views are running, got none"):
        synchronise([np.arange(10) * PERIOD, 100 + np.arange(10) * PERIOD], frame_rate=RATE, phase_s=0.0)
