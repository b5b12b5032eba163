"""A fault that begins or ends within a take is named with its camera, its kind and the frame; else nothing is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faulty_camera_kit import FLIP, NUM, RATE, cameras, changed, filmed, moved, turned
from poseharvest.diagnosis.later_faults import LEAST_PART, find_later_fault, split
from poseharvest.diagnosis.shown_joints import ShownJoints

CHANGE = 45


def fault(pixels: np.ndarray, first: int = 0):
    return find_later_fault(cameras(), ShownJoints(first + np.arange(NUM), pixels), RATE, FLIP)


def joined(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.concatenate([before[:, :CHANGE], after[:, CHANGE:]], axis=1)


@settings(max_examples=4)
@given(
    view=st.integers(0, 3), begins=st.booleans(), change=st.sampled_from([turned(5, 0), turned(-4, 1), moved(220, 0)])
)
def test_a_camera_that_is_pushed_or_put_right_is_named(view, begins, change):
    rig = cameras()
    right, wrong = filmed(rig), filmed(changed(rig, view, change))
    found = fault(joined(right, wrong) if begins else joined(wrong, right), first=1000)
    assert found is not None
    assert (found.views, found.kind) == ((rig[view].name,), "place")
    frame = found.from_frame if begins else found.before_frame
    assert frame == pytest.approx(1000 + CHANGE, abs=2)
    assert (found.before_frame if begins else found.from_frame) is None
    words = f"from about frame {frame} on, " if begins else f"before about frame {frame}, "
    assert words in found.finding.message
    assert "harvest them apart (--start, --stop) without it (--views)" in found.finding.message


@settings(max_examples=4)
@given(noise_px=st.floats(0.2, 6.0))
def test_nothing_is_named_where_nothing_is_wrong(noise_px):
    assert fault(filmed(cameras(), noise_px=noise_px)) is None


def test_a_detector_that_becomes_worse_is_no_fault():
    rig = cameras()
    assert fault(joined(filmed(rig, noise_px=1.0), filmed(rig, noise_px=9.0))) is None


def test_a_fault_throughout_does_not_begin():
    rig = cameras()
    wrong = changed(rig, 1, turned(5, 0))
    assert fault(joined(filmed(wrong, noise_px=1.0), filmed(wrong, noise_px=6.0))) is None


@given(
    lengths=st.tuples(st.integers(LEAST_PART, 60), st.integers(LEAST_PART, 60)),
    rise=st.sampled_from([-1.0, -0.4, 0.4, 1.0]),
    seed=st.integers(0, 99),
)
def test_a_step_is_found_where_it_is(lengths, rise, seed):
    noise = np.random.default_rng(seed).normal(0, 0.05, sum(lengths))
    series = noise + np.repeat([0.0, rise], lengths)
    place = split(series)
    assert place is not None
    assert np.sign(place) == np.sign(rise)
    assert abs(abs(place) - lengths[0]) <= 1


@given(seed=st.integers(0, 99), num=st.integers(0, 200))
def test_noise_alone_is_no_step(seed, num):
    assert split(np.random.default_rng(seed).normal(0, 0.2, num)) is None


def test_unknown_moments_keep_the_place():
    series = np.repeat([0.0, 1.0], [50, 50])
    series[[3, 4, 70]] = np.nan
    assert split(series) == 50
