"""The adjustment of cameras and joints: its derivatives, and that it returns to the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poseharvest.people_calibration.joint_bundle import (
    BodyState,
    Evidence,
    GivenPoses,
    JointProblem,
    adjust_joints,
    deviations,
)
from poseharvest.rig_calibration.board_poses import matrix_from
from poseharvest.rig_calibration.lenses import Lens

LIMBS = np.array(((0, 1), (1, 2), (2, 3), (3, 4)))
LENGTHS = np.array((420.0, 400.0, 280.0, 250.0))
CAMERAS = np.stack([
    matrix_from(np.array((0.05, 0.8 * n, 0.1 * n)), np.array((-900.0 * n, 60.0 * n, 3800.0 + 200 * n)))
    for n in range(3)
])


def lens(model: str) -> Lens:
    return Lens((720, 1280), np.array((1100.0, 1100.0, 640.0, 350.0, -0.1, 0.03, 0.001, 0.0, 0.0)), model)


def chain(num_moments: int, seed: int = 5) -> np.ndarray:
    """Return (M, 5, 3) joints of a chain of limbs of constant length that moves about."""
    generator = np.random.default_rng(seed)
    points = np.zeros((num_moments, 5, 3))
    points[:, 0] = generator.normal(0, 350, (num_moments, 3))
    for limb, (start, end) in enumerate(LIMBS):
        along = generator.normal(size=(num_moments, 3))
        points[:, end] = points[:, start] + LENGTHS[limb] * along / np.linalg.norm(along, axis=1, keepdims=True)
    return points


def scene(models=("fixed", "focal", "fixed"), num_moments=25, sigma_px=0.0) -> tuple[BodyState, Evidence]:
    state = BodyState(tuple(map(lens, models)), CAMERAS, chain(num_moments), LENGTHS)
    pixels = np.stack([state.projected(view) for view in range(3)])
    pixels = pixels + sigma_px * np.random.default_rng(1).normal(size=pixels.shape)
    return state, Evidence(pixels, np.full(pixels.shape[:-1], max(sigma_px, 1.0)), LIMBS)


@pytest.mark.parametrize("given", [False, True])
def test_derivatives_are_those_of_the_residuals(given):
    state, evidence = scene(("focal", "k1", "fixed"), num_moments=3)
    points = state.points.copy()
    points[1, 4] = np.nan
    pixels = evidence.pixels.copy()
    pixels[2, 0, :2] = np.nan
    poses = GivenPoses(CAMERAS, 0.1, 5.0) if given else None
    problem = JointProblem(replace(state, points=points), replace(evidence, pixels=pixels, given=poses))
    steps = np.random.default_rng(1).normal(0, 1e-4, problem.num_numbers)
    jacobian = problem.jacobian(steps).toarray()
    for column in range(problem.num_numbers):
        step = 1e-3 / max(np.abs(jacobian[:, column]).max(), 1e-6)
        ahead = np.eye(problem.num_numbers)[column] * step
        slope = (problem.residuals(steps + ahead) - problem.residuals(steps - ahead)) / (2 * step)
        np.testing.assert_allclose(jacobian[:, column], slope, rtol=1e-3, atol=1e-4 * max(np.abs(slope).max(), 1e-6))


def test_a_disturbed_state_returns_to_the_truth():
    true, evidence = scene()
    generator = np.random.default_rng(7)
    cameras = true.cams_from_world.copy()
    for view in (1, 2):
        cameras[view] = matrix_from(generator.normal(0, 0.01, 3), generator.normal(0, 20, 3)) @ cameras[view]
    lenses = tuple(one.moved(0.03 * one.values[0] * np.ones(len(one.spreads))) for one in true.lenses)
    shaken = BodyState(lenses, cameras, true.points + generator.normal(0, 15, true.points.shape), LENGTHS)
    found = adjust_joints(shaken, evidence)
    np.testing.assert_allclose(found.cams_from_world, true.cams_from_world, atol=0.5)
    np.testing.assert_allclose(found.points, true.points, atol=0.5)
    assert found.lenses[1].values[0] == pytest.approx(1100, abs=0.3)


def test_the_sum_of_all_limbs_holds_the_scale():
    true, evidence = scene()
    larger = replace(true, lengths_mm=1.1 * LENGTHS, points=1.1 * true.points)
    cameras = true.cams_from_world.copy()
    cameras[:, :3, 3] *= 1.1
    found = adjust_joints(replace(larger, cams_from_world=cameras), evidence)
    assert found.lengths_mm.sum() == pytest.approx(1.1 * LENGTHS.sum(), rel=1e-3)


def test_given_poses_keep_the_world_where_one_camera_moved():
    true, evidence = scene(("fixed",) * 3, num_moments=60, sigma_px=2.0)
    moved = CAMERAS.copy()
    moved[1] = matrix_from(np.array((0.0, np.radians(1.0), 0.0)), np.zeros(3)) @ CAMERAS[1]
    found = adjust_joints(replace(true, cams_from_world=moved), replace(evidence, given=GivenPoses(moved, 0.05, 3.0)))

    def angle(view: int) -> float:
        cosine = (np.trace(found.cams_from_world[view, :3, :3].T @ CAMERAS[view, :3, :3]) - 1) / 2
        return float(np.degrees(np.arccos(min(1.0, cosine))))

    assert angle(1) < 0.15
    assert max(angle(0), angle(2)) < 0.1


def test_deviations_are_what_repeated_noise_shows():
    true, _ = scene(("fixed",) * 3)
    places, stated = [], []
    for seed in range(20):
        state, evidence = scene(("fixed",) * 3, sigma_px=3.0)
        noise = 3.0 * np.random.default_rng(seed).normal(size=evidence.pixels.shape)
        exact = np.stack([true.projected(view) for view in range(3)])
        own = replace(evidence, pixels=exact + noise)
        found = adjust_joints(state, own)
        places.append(np.linalg.inv(found.cams_from_world)[:, :3, 3])
        stated.append(deviations(found, own).place_mm)
    scatter = np.linalg.norm(np.std(places, axis=0), axis=1)
    mean = np.mean(stated, axis=0)
    assert mean[0] == 0
    assert scatter[0] == pytest.approx(0, abs=1e-9)
    # Chance is counted once by itself and once by the groups; few groups make it larger still.
    assert np.all((mean[1:] > 0.8 * scatter[1:]) & (mean[1:] < 2.5 * scatter[1:]))
