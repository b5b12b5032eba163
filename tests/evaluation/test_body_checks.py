"""Limbs, sides and smoothness, on motions whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.evaluation.body_checks import accelerations, limb_check, smoothness_check, symmetry_check
from poseharvest.evaluation.tracks import PoseTracks
from poseharvest.skeleton.skeleton import Skeleton, limbs

BODY = Skeleton(
    "body",
    ("hip", "left_knee", "right_knee", "left_foot"),
    limbs("hip-left_knee", "hip-right_knee", "left_knee-left_foot"),
    (("left_knee", "right_knee"),),
)


def moving(positions: np.ndarray, frames: np.ndarray | None = None, persons: np.ndarray | None = None) -> PoseTracks:
    count = len(positions)
    frames = np.arange(count) if frames is None else frames
    return PoseTracks(BODY.joints, frames, np.zeros(count, int) if persons is None else persons, positions)


def stretched(lengths: np.ndarray) -> PoseTracks:
    positions = np.zeros((len(lengths), 4, 3))
    positions[:, 1, 0] = lengths
    positions[:, 2, 0] = -400
    positions[:, 3] = positions[:, 1] + [0, 0, 300]
    return moving(positions)


def test_limb_spread_by_hand():
    check = limb_check(stretched(np.linspace(400, 500, 101)), BODY)
    score = check.scores["hip-left_knee"]
    assert score.value == pytest.approx(100 * 90 / 450)
    assert "over the median of 450 mm" in str(score.protocol)
    assert check.scores["hip-right_knee"].value == 0
    assert "proves little" in check.sentence


def test_left_and_right_by_hand():
    scores = symmetry_check(stretched(np.full(9, 440.0)), BODY).scores
    assert list(scores) == ["hip-knee"]  # the limb without a mirror is not compared
    assert scores["hip-knee"].value == pytest.approx(100 * 40 / 420)
    assert "medians 440 and 400 mm" in str(scores["hip-knee"].protocol)


@pytest.mark.parametrize("rate", [25.0, 50.0])
def test_free_fall_is_9_81_at_any_rate(rate):
    time = np.arange(20) / rate
    positions = np.zeros((20, 4, 3))
    positions[..., 2] = 2000 - 0.5 * 9810 * time[:, None] ** 2
    check = smoothness_check(moving(positions), rate)
    assert check.scores["all joints"].value == pytest.approx(9.81)
    assert f"at {rate:g} frames per second" in str(check.scores["hip"].protocol)


def test_uniform_motion_has_no_acceleration():
    positions = np.arange(10.0)[:, None, None] * np.ones((1, 4, 3)) * 30
    assert smoothness_check(moving(positions), 25).scores["all joints"].value == pytest.approx(0)


def test_gaps_and_other_people_are_not_bridged():
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(9, 4, 3))
    assert len(accelerations(moving(positions), 25)) == 7
    gap = moving(positions, frames=np.array([0, 1, 2, 3, 10, 11, 12, 14, 16]))
    assert len(accelerations(gap, 25)) == 2 + 1
    two = moving(positions, frames=np.array([0, 1, 2, 3, 0, 1, 2, 3, 4]), persons=np.array([0] * 4 + [1] * 5))
    assert len(accelerations(two, 25)) == 2 + 3
    shuffled = rng.permutation(9)
    mixed = moving(positions[shuffled], two.frames[shuffled], two.persons[shuffled])
    np.testing.assert_array_equal(accelerations(mixed, 25), accelerations(two, 25))


def test_what_is_not_known_is_not_judged():
    positions = np.full((5, 4, 3), np.nan)
    for check in (
        limb_check(moving(positions), BODY),
        symmetry_check(moving(positions), BODY),
        smoothness_check(moving(positions), 25),
    ):
        assert all(np.isnan(score.value) for score in check.scores.values())
