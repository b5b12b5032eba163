"""Sightings at common times: interpolated between two pictures, never beyond them, and one body among several."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.people_calibration.joint_sightings import sightings_of
from poseharvest.people_calibration.one_body import most_visible, nearest_to
from poseharvest.skeleton.definitions import MPII16
from poseharvest.synchronisation.view_joints import ViewJoints

SIZES = [(720, 1280), (480, 640)]
SHAPE = np.random.default_rng(0).uniform((0, 0), (120, 300), (16, 2))


def walking(times_s: np.ndarray, x0: float = 200.0, size: float = 1.0) -> np.ndarray:
    """Return (N, 1, J, 2) a person who moves by 50 pixels a second."""
    along = np.stack((x0 + 50.0 * times_s, np.full(len(times_s), 90.0)), -1)
    return size * SHAPE[None, None] + along[:, None, None]


def test_views_with_other_clocks_are_interpolated():
    first_s, second_s = np.arange(40) / 20, 0.013 + np.arange(30) / 17
    views = [ViewJoints("a", first_s, walking(first_s)), ViewJoints("b", second_s, walking(second_s))]
    times_s = np.arange(0.1, 1.6, 0.05)
    sightings = sightings_of(views, times_s, SIZES, MPII16)
    expected = walking(times_s)
    for view in (0, 1):
        np.testing.assert_allclose(sightings.pixels[view], expected, atol=1e-9)
    assert sightings.shown.all()


def test_nothing_is_made_up_in_a_gap_or_beyond_the_ends():
    times_s = np.arange(40) / 20
    some = np.r_[0:10, 20:30]
    views = [ViewJoints("a", times_s, walking(times_s)), ViewJoints("b", times_s[some], walking(times_s[some]))]
    sightings = sightings_of(views, times_s, SIZES, MPII16)
    shown = sightings.shown[1, :, 0].all(-1)
    assert np.flatnonzero(shown).tolist() == some.tolist()


def test_scores_become_weights_and_unknown_joints_count_nothing():
    times_s = np.arange(10) / 20
    pixels = walking(times_s)
    pixels[3, 0, 5] = np.nan
    scores = np.full(pixels.shape[:-1], 0.7)
    scores[4, 0, 2] = 3.0
    view = ViewJoints("a", times_s, pixels, scores)
    weights = sightings_of([view, view], times_s, SIZES, MPII16).weights
    assert weights[0, 3, 0, 5] == 0
    assert weights[0, 4, 0, 2] == 1
    assert weights[1, 0, 0, 0] == pytest.approx(0.7)


def test_the_body_is_the_same_person_in_every_view():
    times_s = np.arange(20) / 20
    near, far = walking(times_s), walking(times_s, x0=700.0, size=0.4)
    views = [
        ViewJoints("a", times_s, np.concatenate((near, far), 1)),
        ViewJoints("b", times_s, np.concatenate((far, near), 1)),
    ]
    sightings = sightings_of(views, times_s, SIZES, MPII16)
    for view in (0, 1):
        np.testing.assert_allclose(most_visible(sightings).pixels[view], near[:, 0])
    other = nearest_to(sightings, np.stack([far[:, 0] + 3.0] * 2))
    for view in (0, 1):
        np.testing.assert_allclose(other.pixels[view], far[:, 0])
    nobody = nearest_to(sightings, np.stack([far[:, 0] + 900.0] * 2))
    assert not nobody.shown.any()
