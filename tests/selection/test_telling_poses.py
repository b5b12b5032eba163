"""Which poses tell most: against a search of all choices, and what must not matter."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from poseharvest.selection.telling_poses import MOST_COMPARED, Postures, certainties, telling_poses

JOINTS = 5


def make_postures(count: int, seed: int = 1, spread_mm: float = 80.0) -> Postures:
    rng = np.random.default_rng(seed)
    known = rng.random((count, JOINTS)) < 0.9
    return Postures.of(rng.normal(size=(count, JOINTS, 3)) * spread_mm, known)


def test_likeness_is_that_of_each_pair():
    one, other = make_postures(6), make_postures(4, seed=2)
    found = one.likeness(other)
    for i in range(6):
        for j in range(4):
            both = one.known[i] & other.known[j]
            squares = ((one.places[i] - other.places[j]) ** 2).sum(1)[both].mean() if both.any() else np.inf
            assert found[i, j] == pytest.approx(2 ** (-squares / 60**2))


def test_where_the_body_stands_does_not_matter():
    mean, known = np.random.default_rng(1).normal(size=(3, JOINTS, 3)) * 100, np.ones((3, JOINTS), dtype=bool)
    moved = mean + np.array([[[4000.0, 0, 0]], [[0, 10.0, 0]], [[0, 0, -900.0]]])
    assert Postures.of(moved, known).likeness(Postures.of(mean, known)).diagonal() == pytest.approx([1, 1, 1])


def value_of(choice: tuple[int, ...], postures: Postures, certainty: np.ndarray) -> float:
    shows = postures.likeness(postures) * certainty
    return float(shows[:, list(choice)].max(1).sum() / shows.max(1).sum())


@pytest.mark.parametrize("seed", range(5))
def test_taking_the_pose_that_adds_most_is_near_the_best_choice(seed):
    postures, certainty = make_postures(11, seed), np.random.default_rng(seed).uniform(0.3, 1, 11)
    found = telling_poses(postures, certainty)
    for count in (1, 2, 3):
        best = max(value_of(choice, postures, certainty) for choice in combinations(range(11), count))
        assert found.value[count - 1] == pytest.approx(value_of(tuple(found.order[:count]), postures, certainty))
        assert 0.95 * best <= found.value[count - 1] <= best + 1e-9
    assert (np.diff(found.value) > 0).all()
    assert found.value[-1] == pytest.approx(1)


def test_poses_in_a_row_of_one_posture_count_once():
    different = make_postures(4, spread_mm=400)
    repeated = Postures(np.repeat(different.places, 25, axis=0), np.repeat(different.known, 25, axis=0))
    found = telling_poses(repeated, np.ones(100))
    assert found.num_enough == 4
    assert sorted(found.order[:4] // 25) == [0, 1, 2, 3]


def test_of_like_poses_the_surest_is_taken():
    one = make_postures(1)
    same = Postures(np.repeat(one.places, 9, axis=0), np.repeat(one.known, 9, axis=0))
    certainty = np.array([0.5, 0.6, 0.7, 0.9, 0.8, 0.2, 0.1, 0.3, 0.4])
    found = telling_poses(same, certainty)
    assert found.order.tolist() == [3]
    assert found.num_enough == 1


def test_sigma_makes_a_pose_unsure_and_unknown_joints_count_nothing():
    known = np.array([[True, True], [True, True], [True, False], [False, False]])
    sigma = np.array([[0.0, 0.0], [50.0, 50.0], [0.0, 0.0], [np.nan, np.inf]])
    assert certainties(sigma, known) == pytest.approx([1, 0.5, 0.5, 0])


def test_long_footage_is_thinned_out_and_nobody_is_no_pose():
    count = 2 * MOST_COMPARED + 1
    places = np.zeros((count, 1, 3))
    many = telling_poses(Postures(places, np.ones((count, 1), dtype=bool)), np.arange(count) / count)
    assert many.order.tolist() == [count - count % 3 if count % 3 else count - 3]
    assert len(telling_poses(make_postures(3), np.zeros(3)).order) == 0
    assert telling_poses(make_postures(3), np.zeros(3)).num_enough == 0
    assert len(telling_poses(make_postures(8), np.ones(8), most=2).order) == 2
