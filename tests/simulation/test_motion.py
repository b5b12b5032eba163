from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from poseharvest.simulation.motion import ACTIVITIES, ANGLE_LIMITS, ANGLES, Motion

TIMES = torch.arange(0, 40, 0.04, dtype=torch.float64)


@pytest.mark.parametrize("seed", range(4))
def test_angles_stay_within_the_limits_of_a_person(seed):
    low, high = torch.tensor(list(ANGLE_LIMITS.values()), dtype=torch.float64).T
    angles = Motion(seed).angles(TIMES)
    assert bool((angles >= low).all())
    assert bool((angles <= high).all())


@pytest.mark.parametrize("seed", range(3))
def test_motion_is_smooth(seed):
    coarse, fine = (Motion(seed).angles(torch.arange(0, 20, dt, dtype=torch.float64)) for dt in (0.02, 0.01))
    speed = coarse.diff(dim=0).abs().max() / 0.02
    assert speed < 12  # radians per second
    bend = [angles.diff(n=2, dim=0).abs().max() for angles in (coarse, fine)]
    assert bend[1] < 0.3 * bend[0]  # a quarter where two derivatives exist, a half at a kink


def test_a_moment_does_not_depend_on_the_others_asked_for():
    motion = Motion(3)
    assert_close(motion.angles(TIMES[123:124]), motion.angles(TIMES)[123:124], rtol=0, atol=1e-12)
    assert_close(motion.place(TIMES[123:124]), motion.place(TIMES)[123:124], rtol=0, atol=1e-9)


def test_seeds_decide():
    assert torch.equal(Motion(1).angles(TIMES), Motion(1).angles(TIMES))
    assert not torch.allclose(Motion(1).angles(TIMES), Motion(2).angles(TIMES), atol=0.3)


@pytest.mark.parametrize("seed", range(3))
def test_a_round_holds_every_activity(seed):
    angles = Motion(seed).angles(TIMES[2.0 * len(ACTIVITIES) > TIMES])
    assert angles[:, ANGLES.index("left_shoulder_abduction")].max() > 2.0  # arms raised
    assert angles[:, ANGLES.index("right_knee_flexion")].max() > 1.6  # squatted
    assert angles[:, ANGLES.index("lean")].max() > 0.6  # bent down
    strides = angles[:, ANGLES.index("left_hip_flexion")] - angles[:, ANGLES.index("right_hip_flexion")]
    assert strides.max() > 0.6  # walked, each foot in front once
    assert strides.min() < -0.6


def test_sides_of_an_alternating_activity_swing_against_each_other():
    walk = next(activity for activity in ACTIVITIES if activity.name == "walk")
    swing = walk.angles(TIMES) - walk.posture_vector
    left, right = ANGLES.index("left_hip_flexion"), ANGLES.index("right_hip_flexion")
    assert swing[:, left].max() == pytest.approx(0.45, abs=0.01)
    assert_close(swing[:, left], -swing[:, right])
    period = torch.tensor(1 / walk.frequency_hz, dtype=torch.float64)
    assert_close(walk.angles(TIMES + period), walk.angles(TIMES))


@pytest.mark.parametrize("activity", ACTIVITIES, ids=lambda a: a.name)
def test_activities_name_known_angles(activity):
    known = {*ANGLES, *(angle.removeprefix("left_") for angle in ANGLES)}
    assert set(activity.posture) | set(activity.swing) <= known
    assert math.isfinite(float(activity.swing_matrix.sum()))
