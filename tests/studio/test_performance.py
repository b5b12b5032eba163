from __future__ import annotations

import numpy as np
import pytest

from poseharvest.errors import ConfigError
from poseharvest.studio.actions import ACTIONS, action_by_name
from poseharvest.studio.body_shapes import BodyShape
from poseharvest.studio.kinematics import ANGLE_LIMITS, ANGLES, POINTS
from poseharvest.studio.performance import Performer

EVERY_ACTION = pytest.mark.parametrize("action", ACTIONS)
TIMES = np.arange(0.0, 20.0, 0.02)
PAPER = ("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases", "Sitting",
         "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether")  # fmt: skip


def performer(action: str, seed: int = 3) -> Performer:
    return Performer(BodyShape(), action_by_name(action), seed)


def height(points: np.ndarray, name: str) -> np.ndarray:
    return points[:, POINTS.index(name), 2]


def test_the_actions_are_the_paper_s():
    assert tuple(ACTIONS) == PAPER
    with pytest.raises(ConfigError, match=r'expected one of Directions, .*WalkTogether, got "walking"'):
        action_by_name("walking")


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_postures_name_angles_that_exist(action):
    names = {name for posture in (action.stance, *action.postures) for name in posture}
    plain = {name.removeprefix("main_").removeprefix("other_") for name in names}
    assert all(name in ANGLES or f"left_{name}" in ANGLES for name in plain)


@EVERY_ACTION
def test_angles_stay_within_a_person_s_limits(action):
    low, high = np.array(list(ANGLE_LIMITS.values())).T
    angles = performer(action).angles(TIMES)
    assert ((angles >= low) & (angles <= high)).all()


@EVERY_ACTION
def test_motion_is_smooth_and_does_move(action):
    points = performer(action).points(TIMES)
    speed = np.linalg.norm(np.diff(points, axis=0), axis=-1) / 0.02  # mm/s
    assert speed.max() < 7000
    assert points.std(0).max() > 60


@EVERY_ACTION
def test_a_moment_does_not_depend_on_the_others(action):
    subject = performer(action)
    np.testing.assert_allclose(subject.points(TIMES[400:403]), subject.points(TIMES)[400:403], atol=1e-9)


@EVERY_ACTION
def test_seeds_change_the_motion(action):
    assert not np.allclose(performer(action, 1).points(TIMES[:5]), performer(action, 2).points(TIMES[:5]))


def test_sitters_sit_on_a_chair_and_people_on_the_floor_beside_it():
    chair = performer("Sitting")
    assert np.ptp(height(chair.points(TIMES), "pelvis")) < 60
    assert height(chair.points(TIMES), "pelvis").mean() == pytest.approx(chair.stage.seat_mm + 98, abs=40)
    floor = height(performer("SittingDown").points(TIMES), "pelvis")
    assert floor.min() < 125
    assert performer("SittingDown").stage.seat is not None
    assert performer("Eating").stage.table is not None
    assert performer("Walking").stage.seat is None


def test_walkers_walk_and_standers_stay():
    def path(action: str) -> float:
        places = performer(action).points(TIMES)[:, POINTS.index("pelvis"), :2]
        return float(np.linalg.norm(np.diff(places, axis=0), axis=-1).sum())

    assert path("Walking") > 2 * path("Directions")
    apart = performer("Walking").points(TIMES)
    feet = np.linalg.norm(apart[:, POINTS.index("left_ankle")] - apart[:, POINTS.index("right_ankle")], axis=-1)
    assert feet.max() > 450
    assert feet.min() < 260
