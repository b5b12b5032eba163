"""The distance between rays: none for rays of one point, one usual error for usual noise."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.geometry.camera import Camera
from poseharvest.synchronisation.epipolar import apart, without_bias
from poseharvest.synchronisation.view_joints import ViewRays
from synchronisation_kit import USUAL_SHARE, positions, rig_of, seen

TIMES = np.arange(400) / 10.0


def rays(noise_share: float) -> list[ViewRays]:
    views = []
    for number, camera in enumerate(rig_of(2, 4)):
        assert isinstance(camera, Camera)
        exact = seen(camera, [positions(TIMES, 1)], TIMES)
        noisy = seen(camera, [positions(TIMES, 1)], TIMES, noise_px=noise_share * exact.extent_px, seed=number)
        views.append(ViewRays.of(camera, noisy, USUAL_SHARE))
    return views


def test_rays_of_one_point_meet() -> None:
    first, second = rays(0.0)
    assert np.abs(apart(first, second, first.directions, second.directions)).max() < 1e-6


def test_usual_noise_is_one_usual_error() -> None:
    first, second = rays(USUAL_SHARE)
    distances = apart(first, second, first.directions, second.directions)
    assert distances.std() == pytest.approx(1, abs=0.05)


def test_the_distance_is_the_same_from_the_other_view() -> None:
    first, second = rays(USUAL_SHARE)
    forward = apart(first, second, first.directions, second.directions)
    backward = apart(second, first, second.directions, first.directions)
    np.testing.assert_allclose(np.abs(forward), np.abs(backward), rtol=1e-9)


def test_a_bias_is_taken_off_and_wrong_detections_do_not_move_it() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.5, (300, 1, 4))
    biased = noise + 3.0
    biased[:30] = -10.0
    left = without_bias(biased)[30:].mean() / 3.0
    assert 0.1 < left < 0.25
    unknown = np.full((5, 1, 4), np.nan)
    assert np.isnan(without_bias(unknown)).all()
