"""The world of a person who stands: up, floor, origin and front, wherever the old world was."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poseharvest.people_calibration.person_world import world_of_person
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.proportions import PLACES

STATURE_MM = 1700.0
TURN = Rotation.from_euler("xyz", (100, -30, 40), degrees=True).as_matrix()
SHIFT = np.array((300.0, -900.0, 4000.0))


def standing(num_moments: int = 40, sway_mm: float = 8.0) -> np.ndarray:
    """Return (M, J, 3) the upright adult, facing +x with +y to the left, who sways a little."""
    places = np.array([(PLACES[joint][1], PLACES[joint][0], PLACES[joint][2]) for joint in MPII16.joints])
    noise = np.random.default_rng(3).normal(0, sway_mm, (num_moments, len(MPII16), 3))
    return STATURE_MM * places + noise


def moved(points: np.ndarray) -> np.ndarray:
    return points @ TURN.T + SHIFT


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_standing_person_defines_up_floor_and_front(scale):
    found = world_of_person(moved(standing()) / scale, MPII16, scale)
    assert found is not None
    world, quality = found
    # What lay at the feet, above them and in front of them lies so again.
    axes = world.new_from_old[:3, :3] @ TURN
    np.testing.assert_allclose(axes, np.eye(3), atol=0.06)
    origin = world.new_from_old[:3, :3] @ SHIFT + world.new_from_old[:3, 3]
    np.testing.assert_allclose(origin, 0, atol=45)
    assert world.source == "person"
    assert world.scale == scale
    assert not quality.is_weak


def test_the_world_is_right_handed():
    world, _ = world_of_person(moved(standing()), MPII16, 1.0)
    assert np.linalg.det(world.new_from_old[:3, :3]) == pytest.approx(1)


def test_the_leg_that_is_stood_on_counts():
    points = standing()
    for name, up in (("right_knee", 500.0), ("right_ankle", 450.0)):
        points[:, MPII16.index(name), 2] += up
        points[:, MPII16.index(name), 0] += 300.0
    world, quality = world_of_person(moved(points), MPII16, 1.0)
    assert quality.num_moments == 40
    up = world.new_from_old[2, :3] @ TURN
    assert np.degrees(np.arccos(up[2])) < 5


def test_nobody_stands():
    points = standing()
    hips = [MPII16.index(f"{side}_hip") for side in ("left", "right")]
    points[:, hips, 0] -= 600.0  # sits
    assert world_of_person(points, MPII16, 1.0) is None


def test_a_person_who_leans_to_all_sides_is_weak():
    turns = Rotation.from_rotvec(np.random.default_rng(0).normal(0, 0.25, (40, 3))).as_matrix()
    leaning = np.einsum("mij,mkj->mki", turns, standing())
    _, quality = world_of_person(leaning, MPII16, 1.0)
    assert quality.is_weak
