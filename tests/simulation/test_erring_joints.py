from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch

from poseharvest.geometry.rig import Rig
from poseharvest.simulation.body import Actor, Body
from poseharvest.simulation.detector_errors import CLEAN, MEASURED, REALISTIC
from poseharvest.simulation.erring_joints import Observation, Observer
from poseharvest.simulation.motion import ANGLES, Motion
from poseharvest.simulation.scene import Scene
from poseharvest.skeleton.definitions import MPII16

VIEWS, FRAMES = range(4), range(0, 750, 3)


class Standing(Motion):
    """Somebody who stands upright, looks along x and holds the arms a little away from the body."""

    def angles(self, times: torch.Tensor) -> torch.Tensor:
        angle = [0.25 if name.endswith("shoulder_abduction") else 0.0 for name in ANGLES]
        return torch.tensor(angle, dtype=torch.float64).expand(len(times), -1)

    def place(self, times: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(times), 2, dtype=torch.float64)


@lru_cache(maxsize=6)
def many(observer: Observer) -> list[list[Observation]]:
    """Its observations, made once for all that is asked of them."""
    return [[observer.observe(v, f) for f in FRAMES] for v in VIEWS]


def all_of(observer: Observer, attribute: str) -> np.ndarray:
    """(V, F, J, ...) of many observations."""
    return np.array([[getattr(one, attribute) for one in row] for row in many(observer)])


@lru_cache(maxsize=2)
def true_pixels(scene: Scene) -> np.ndarray:
    return np.array([[c.project(scene.points(f)[:16]).pixels.numpy() for f in FRAMES] for c in scene.cameras])


def errors_of(observer: Observer) -> np.ndarray:
    """(V, F, J, 2) first Gaussian minus truth as a share of the extent."""
    extent = all_of(observer, "extent")[..., None, None]
    return (all_of(observer, "places")[..., 0, :] - true_pixels(observer.scene)) / extent


def test_clean_is_the_truth(scene):
    observer = Observer(scene, CLEAN, 0)
    assert np.abs(errors_of(observer)).max() < 1e-12
    heights = all_of(observer, "heights")
    assert (heights[..., 0] == 1).all()
    assert (heights[..., 1] == 0).all()
    assert (all_of(observer, "sigmas_px") == 1).all()


def test_extent_is_the_longer_side_of_the_joints_box(scene):
    assert all_of(Observer(scene, REALISTIC, 0), "extent") == pytest.approx(np.ptp(true_pixels(scene), axis=2).max(-1))


def test_observations_do_not_depend_on_the_order_of_asking(scene):
    keys = [(v, f) for v in VIEWS for f in (0, 5, 6, 63, 64, 200)]
    forward, backward = Observer(scene, REALISTIC, 3), Observer(scene, REALISTIC, 3)
    first = {key: forward.observe(*key) for key in keys}
    for key in reversed(keys):
        again = backward.observe(*key)
        for name in ("places", "heights", "sigmas_px"):
            assert np.array_equal(getattr(again, name), getattr(first[key], name))


def test_seeds_and_views_err_differently(scene):
    a, b = (errors_of(Observer(scene, replace(CLEAN, jitter=0.01), seed)) for seed in (1, 2))
    assert abs(np.corrcoef(a[0].ravel(), b[0].ravel())[0, 1]) < 0.1
    assert abs(np.corrcoef(a[0].ravel(), a[1].ravel())[0, 1]) < 0.1


def test_another_jitter_seed_turns_the_localisation_errors_and_nothing_else(scene):
    same, other = (Observer(scene, MEASURED, 2, jitter_seed=seed) for seed in (2, 9))
    assert np.array_equal(all_of(same, "places"), all_of(Observer(scene, MEASURED, 2), "places"))
    for name in ("heights", "sigmas_px"):
        assert np.array_equal(all_of(same, name), all_of(other, name))
    assert (
        abs(
            np.corrcoef(
                *(
                    errors_of(Observer(scene, replace(CLEAN, jitter=0.01), 2, jitter_seed=seed)).ravel()
                    for seed in (2, 9)
                )
            )[0, 1]
        )
        < 0.1
    )


def test_jitter_has_its_size_and_drifts(scene):
    observer = Observer(scene, replace(CLEAN, jitter=0.01, jitter_frames=4), 0)
    assert errors_of(observer).std() == pytest.approx(0.01, rel=0.05)
    assert abs(errors_of(observer).mean()) < 0.001
    errors = np.array([
        (observer.observe(0, f).places[:, 0] - scene.cameras[0].project(scene.points(f)[:16]).pixels.numpy()).ravel()
        for f in range(400)
    ])

    def correlation(lag: int) -> float:
        return float(np.corrcoef(errors[:-lag].ravel(), errors[lag:].ravel())[0, 1])

    assert correlation(1) > 0.7
    assert abs(correlation(12)) < 0.1


@pytest.mark.parametrize("name", ["missing_rate", "swap_rate", "second_mode_rate", "wrong_rate"])
def test_rates_are_kept(scene, name):
    observer = Observer(scene, replace(CLEAN, **{name: 0.2}), 0)
    heights, moved = all_of(observer, "heights"), np.linalg.norm(errors_of(observer), axis=-1) > 1e-9
    middle = [i for i, j in enumerate(MPII16.flip_permutation) if i == j]
    paired = [i for i, j in enumerate(MPII16.flip_permutation) if i != j]
    struck = {
        "missing_rate": heights[..., 0] == 0,
        "swap_rate": moved[..., paired],
        "second_mode_rate": heights[..., 1] > 0,
        "wrong_rate": moved,
    }[name]
    assert struck.mean() == pytest.approx(0.2, abs=0.02)
    if name == "swap_rate":
        assert not moved[..., middle].any()


def test_swapped_pairs_keep_a_weaker_gaussian_at_the_right_place(scene):
    observer = Observer(scene, replace(CLEAN, swap_rate=1.0, swap_residue=0.4), 0)
    truth, places = true_pixels(scene), all_of(observer, "places")
    mirror = list(MPII16.flip_permutation)
    assert places[..., 0, :] == pytest.approx(truth[:, :, mirror])
    assert places[..., 1, :] == pytest.approx(truth)
    paired = [i for i, j in enumerate(mirror) if i != j]
    assert all_of(observer, "heights")[:, :, paired, 1] == pytest.approx(0.4)


def test_second_modes_are_lower_and_on_another_joint(scene):
    observer = Observer(scene, replace(CLEAN, second_mode_rate=1.0, second_mode_peak=(0.3, 0.8)), 0)
    places, truth, heights = all_of(observer, "places"), true_pixels(scene), all_of(observer, "heights")
    assert places[..., 0, :] == pytest.approx(truth)
    distance = np.linalg.norm(places[..., 1, None, :] - truth[:, :, None], axis=-1)  # (V, F, J, J)
    assert distance.min(-1).max() < 1e-9
    assert (distance.argmin(-1) != np.arange(16)).mean() > 0.99
    assert 0.3 <= heights[..., 1].min() < 0.35
    assert 0.75 < heights[..., 1].max() <= 0.8


def test_wrong_joints_are_far_off_and_in_their_view_alone(scene):
    observer = Observer(scene, replace(CLEAN, wrong_rate=0.15, wrong_view=2), 0)
    off = np.linalg.norm(errors_of(observer), axis=-1)
    assert (off[[0, 1, 3]] < 1e-9).all()
    assert (off[2] > 1e-9).mean() == pytest.approx(0.15, abs=0.02)
    struck = off[2][off[2] > 1e-9]
    assert 0.15 <= struck.min() <= struck.max() <= 0.5


def test_gross_errors_last_for_a_spell(scene):
    observer = Observer(scene, replace(CLEAN, missing_rate=0.5, spell_frames=5), 0)
    missing = np.array([observer.observe(1, f).heights[:, 0] == 0 for f in range(100)]).reshape(20, 5, 16)
    assert (missing == missing[:, :1]).all()
    assert (missing[1:, 0] != missing[:-1, 0]).any()


def test_one_kind_of_error_leaves_the_others_as_they_were(scene):
    few, many = (Observer(scene, replace(REALISTIC, missing_rate=rate), 4) for rate in (0.0, 0.5))
    present = all_of(many, "heights") > 0
    for name in ("places", "heights"):
        a, b = all_of(few, name), all_of(many, name)
        assert np.array_equal(a[present], b[present])


def standing_before(camera) -> Observation:
    scene = Scene(Rig((camera,)), Actor(Body(1750.0), Standing(0)))
    return Observer(scene, replace(CLEAN, occluded_peak=0.5, occluded_spread=2.0), 0).observe(0, 0)


def test_the_far_side_of_a_body_is_hidden(small_camera):
    parts = ("shoulder", "elbow", "wrist", "knee", "ankle")
    for side, other, y in (("left", "right", 5000.0), ("right", "left", -5000.0)):
        seen = standing_before(small_camera((0.0, y, 1000.0)))
        for part in parts:
            near, far = MPII16.index(f"{side}_{part}"), MPII16.index(f"{other}_{part}")
            assert (seen.heights[near, 0], seen.sigmas_px[near, 0]) == (1.0, 1.0)
            assert (seen.heights[far, 0], seen.sigmas_px[far, 0]) == (0.5, 2.0)


def test_from_ahead_nothing_is_hidden(small_camera):
    assert (standing_before(small_camera((5000.0, 0.0, 1200.0))).heights[:, 0] == 1).all()


def test_joints_outside_the_picture_or_behind_the_camera_are_not_seen(small_camera):
    near = standing_before(small_camera((1500.0, 0.0, 900.0)))
    assert near.heights[MPII16.index("pelvis"), 0] == 1
    assert near.heights[MPII16.index("left_ankle"), 0] == 0
    turned = small_camera((4000.0, 0.0, 900.0))
    away = replace(turned, rotation=turned.rotation * torch.tensor((-1.0, 1.0, -1.0)).double()[:, None])
    away = replace(away, translation=-away.rotation @ turned.center)
    unseen = standing_before(away)
    assert (unseen.heights == 0).all()
    assert unseen.extent == 1.0


def test_doubt_lowers_widens_and_shifts_by_powers_of_one_number(scene):
    plain = Observer(scene, replace(CLEAN, jitter=0.01), 5)
    doubted = Observer(scene, replace(plain.errors, doubt_peak=0.3, doubt_jitter=0.2, doubt_spread=0.1), 5)
    doubt = -np.log(all_of(doubted, "heights")[..., 0]) / 0.3
    assert doubt.mean() == pytest.approx(1, rel=0.05)  # exponential: mean and standard deviation 1
    assert doubt.std() == pytest.approx(1, rel=0.05)
    assert all_of(doubted, "sigmas_px")[..., 0] == pytest.approx(np.exp(0.1 * doubt))
    assert errors_of(doubted) == pytest.approx(errors_of(plain) * np.exp(0.2 * doubt)[..., None])


@pytest.mark.parametrize("name", ["missing_rate", "second_mode_rate", "wrong_rate"])
def test_gross_errors_strike_those_in_doubt_and_keep_their_rate(scene, name):
    # doubt_peak is so small that heights tell the doubt and change nothing else.
    errors = replace(CLEAN, doubt_gross=2.0, doubt_peak=1e-6, **{name: 0.02})
    observer = Observer(scene, errors, 0)
    doubt = -np.log(all_of(Observer(scene, replace(errors, **{name: 0.0}), 0), "heights")[..., 0]) / 1e-6
    struck = {
        "missing_rate": all_of(observer, "heights")[..., 0] == 0,
        "second_mode_rate": all_of(observer, "heights")[..., 1] > 0,
        "wrong_rate": np.linalg.norm(errors_of(observer), axis=-1) > 1e-9,
    }[name]
    assert struck.mean() == pytest.approx(0.02, abs=0.004)
    # The mean of a doubt weighted with its square: 3! / 2!.
    assert doubt[struck].mean() == pytest.approx(3, rel=0.1)


def test_the_body_adds_doubt_to_what_it_hides(small_camera):
    scene = Scene(Rig((small_camera((0.0, 5000.0, 1000.0)),)), Actor(Body(1750.0), Standing(0)))
    plain, more = (
        Observer(scene, replace(CLEAN, doubt_peak=0.5, occluded_doubt=extra), 0).observe(0, 0).heights[:, 0]
        for extra in (0.0, 1.0)
    )
    near, far = MPII16.index("left_wrist"), MPII16.index("right_wrist")
    assert more[near] == plain[near]
    assert more[far] == pytest.approx(plain[far] * np.exp(-0.5))


def test_a_low_peak_of_the_measured_detector_is_often_wrong(scene):
    observer = Observer(scene, MEASURED, 0)
    heights, off = all_of(observer, "heights")[..., 0], np.linalg.norm(errors_of(observer), axis=-1)
    low, high = off[heights < 0.35], off[heights > 0.55]
    assert (high > 0.1).mean() < 0.01
    assert (low > 0.1).mean() > 0.1
    assert np.median(low) > 1.5 * np.median(high)
