"""The adjustment: its derivatives, and that it returns to the truth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from poseharvest.rig_calibration.board_poses import matrix_from, vector_of
from poseharvest.rig_calibration.bundle import Picture, State, _Problem, adjust, precision
from poseharvest.rig_calibration.lenses import Lens

POINTS = np.array([(x, y, 0.0) for y in (0, 90, 170) for x in (0, 110, 200, 310)])


def lens(model: str, size: tuple[int, int] = (480, 640)) -> Lens:
    if model == "fisheye":
        return Lens(size, np.array((420.0, 424.0, 318.0, 242.0, 0.03, -0.01, 0.004, 0.001)), model, is_fisheye=True)
    coefficients = {"k1": (-0.1, 0, 0, 0, 0), "radial": (-0.1, 0.05, 0, 0, 0)}
    values = (600.0, 600.0 if model != "full" else 607.0, 318.0, 242.0)
    return Lens(size, np.array((*values, *coefficients.get(model, (-0.1, 0.05, 1e-3, -2e-3, 0.01)))), model)


def scene(models: tuple[str, ...], num_moments: int = 12, sigma_px: float = 0.0) -> tuple[State, list[Picture]]:
    generator = np.random.default_rng(4)
    cameras = [
        matrix_from(np.array((0.0, 0.4 * n, 0.1 * n)), np.array((-300.0 * n, 20.0, 90.0 * n)))
        for n in range(len(models))
    ]
    boards = [
        matrix_from(generator.normal(0, 0.4, 3), np.array((-150, -80, 1100)) + generator.normal(0, 90, 3))
        for _ in range(num_moments)
    ]
    state = State(tuple(map(lens, models)), np.stack(cameras), np.stack(boards))
    pictures = []
    for moment in range(num_moments):
        for view in range(len(models)):
            blank = Picture(view, moment, POINTS, np.zeros((len(POINTS), 2)))
            pixels = (
                state.errors(blank) + generator.normal(0, sigma_px, (len(POINTS), 2))
                if sigma_px
                else state.errors(blank)
            )
            pictures.append(replace(blank, pixels=pixels))
    return state, pictures


@pytest.mark.parametrize(
    "models", [("full", "radial"), ("fixed", "k1", "full"), ("fixed", "fixed"), ("fisheye", "fisheye", "k1")]
)
def test_derivatives_are_those_of_the_residuals(models):
    state, pictures = scene(models, num_moments=3)
    problem = _Problem(state, pictures, 0.3)
    steps = np.random.default_rng(1).normal(0, 1e-3, problem.num_numbers)
    jacobian = problem.jacobian(steps).toarray()
    for column in range(problem.num_numbers):
        # A step of a size of its own: a coefficient of distortion is not a focal length.
        step = 1e-3 / max(np.abs(jacobian[:, column]).max(), 1e-9)
        ahead = np.eye(problem.num_numbers)[column] * step
        slope = (problem.residuals(steps + ahead) - problem.residuals(steps - ahead)) / (2 * step)
        np.testing.assert_allclose(jacobian[:, column], slope, rtol=1e-4, atol=1e-4 * np.abs(slope).max())


def test_vectors_and_matrices_are_inverse():
    vector = np.array((0.3, -2.1, 1.2, 40.0, -3.0, 900.0))
    np.testing.assert_allclose(vector_of(matrix_from(vector[:3], vector[3:])), vector, atol=1e-9)


def test_a_disturbed_state_returns_to_the_truth():
    true, pictures = scene(("full", "fixed", "radial"))
    generator = np.random.default_rng(7)

    def shaken(poses):
        turn = [cv2.Rodrigues(generator.normal(0, 0.02, 3))[0] for _ in poses]
        moved = poses.copy()
        moved[:, :3, :3] = np.stack(turn) @ poses[:, :3, :3]
        moved[:, :3, 3] += generator.normal(0, 8, (len(poses), 3))
        return moved

    lenses = tuple(one.moved(0.02 * one.spreads) for one in true.lenses)
    cameras = np.concatenate((true.cams_from_world[:1], shaken(true.cams_from_world[1:])))
    start = State(lenses, cameras, shaken(true.world_from_boards))
    found = adjust(start, pictures, sigma_px=1e-4)
    np.testing.assert_allclose(found.cams_from_world, true.cams_from_world, atol=0.02)
    np.testing.assert_allclose(found.lenses[0].values[:4], true.lenses[0].values[:4], atol=0.05)
    assert max(np.abs(found.errors(picture)).max() for picture in pictures) < 1e-3


def test_one_wrong_corner_hardly_moves_the_result():
    true, pictures = scene(("fixed", "fixed"))
    pixels = pictures[0].pixels.copy()
    pixels[3] += 40
    spoiled = [replace(pictures[0], pixels=pixels), *pictures[1:]]
    found = adjust(true, spoiled, sigma_px=0.3)
    assert np.linalg.norm(found.cams_from_world[1][:3, 3] - true.cams_from_world[1][:3, 3]) < 2


def test_standard_deviations_are_those_of_repetitions():
    """The second way: many draws of the noise, and the scatter of the results."""
    true, pictures = scene(("radial", "radial"), num_moments=30)
    generator, found, stated = np.random.default_rng(2), [], []
    for _ in range(24):
        noisy = [replace(one, pixels=one.pixels + generator.normal(0, 0.2, one.pixels.shape)) for one in pictures]
        state = adjust(true, noisy, sigma_px=0.2)
        stated.append(precision(state, noisy, 0.2))
        places = -state.cams_from_world[1][:3, :3].T @ state.cams_from_world[1][:3, 3]
        found.append((state.lenses[0].values[0], *places))
    scatter = np.std(found, axis=0)
    assert np.mean([one.focal_px[0] for one in stated]) == pytest.approx(scatter[0], rel=0.45)
    assert np.mean([one.place_mm[1] for one in stated]) == pytest.approx(np.linalg.norm(scatter[1:]), rel=0.45)
    assert np.mean([one.corner_px for one in stated]) == pytest.approx(0.2, rel=0.1)
    assert stated[0].place_mm[0] == 0
