"""Directions of an arrow-shaped problem: orthonormal, their own transpose, and the covariance by a dense second way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from poseharvest.rig_calibration.arrow_fit import Directions, least_steps


def arrow(num_shared: int, sizes: tuple[int, int], rows: int, seed: int = 3) -> np.ndarray:
    """Return dense derivatives: `rows` of each block, which touch the shared numbers and that block alone."""
    num_blocks, size = sizes
    generator = np.random.default_rng(seed)
    jacobian = np.zeros((rows * num_blocks, num_shared + size * num_blocks))
    for block in range(num_blocks):
        at = slice(rows * block, rows * (block + 1))
        start = num_shared + size * block
        jacobian[at, :num_shared] = generator.normal(0, 40, (rows, num_shared))
        jacobian[at, start : start + size] = generator.normal(0, 0.3, (rows, size))
    return jacobian


@pytest.mark.parametrize(("num_shared", "sizes"), [(5, (4, 3)), (2, (7, 6)), (1, (3, 4))])
def test_derivatives_are_orthonormal_along_the_directions(num_shared, sizes):
    jacobian = arrow(num_shared, sizes, rows=11)
    directions = Directions(csr_array(jacobian), num_shared, sizes[1])
    matrix = np.stack([directions.forward(one) for one in np.eye(jacobian.shape[1])], 1)
    along = jacobian @ matrix
    np.testing.assert_allclose(along.T @ along, np.eye(jacobian.shape[1]), atol=1e-6)


def test_backward_is_the_transpose_of_forward():
    jacobian = arrow(5, (4, 3), rows=8)
    directions = Directions(csr_array(jacobian), 5, 3)
    there = np.stack([directions.forward(one) for one in np.eye(jacobian.shape[1])], 1)
    back = np.stack([directions.backward(one) for one in np.eye(jacobian.shape[1])], 1)
    np.testing.assert_allclose(back, there.T, atol=1e-12)


def test_numbers_that_nothing_depends_on_stay_where_they_are():
    jacobian = arrow(3, (4, 3), rows=8)
    jacobian[:, [1, 5]] = 0
    directions = Directions(csr_array(jacobian), 3, 3)
    gradient = directions.backward(jacobian.T @ np.ones(len(jacobian)))
    moved = directions.forward(gradient)
    assert moved[[1, 5]].tolist() == [0.0, 0.0]
    assert np.isfinite(moved).all()


def test_covariance_is_that_of_the_dense_sandwich():
    jacobian, residuals = arrow(4, (6, 3), rows=9), np.random.default_rng(1).normal(size=54)
    groups = np.arange(54) % 7
    groups[groups == 6] = -1  # no measurements
    found = Directions(csr_array(jacobian), 4, 3).shared_covariance(residuals, groups)
    inverse = np.linalg.inv(jacobian.T @ jacobian)
    scores = np.stack([jacobian[groups == g].T @ residuals[groups == g] for g in range(6)])
    dense = inverse + inverse @ (scores.T @ scores) @ inverse * 6 / 5
    # By chance alone the shared part of the inverse; of the scores, the part that the blocks leave.
    np.testing.assert_allclose(found, dense[:4, :4], rtol=1e-5, atol=1e-9)


def test_a_linear_problem_is_solved_and_a_gross_residual_counts_little():
    jacobian = arrow(3, (5, 2), rows=9)
    truth = np.random.default_rng(2).normal(size=jacobian.shape[1])
    values = jacobian @ truth
    values[4] += 5.0

    class Linear:
        num_numbers, num_shared, block_size = len(truth), 3, 2

        def residuals(self, steps):
            return jacobian @ steps - values

        def jacobian(self, steps):
            return csr_array(jacobian)

    robust = least_steps(Linear(), 0.05, 200)
    plain = np.linalg.lstsq(jacobian, values, rcond=None)[0]
    assert np.abs(robust - truth).max() < 0.2 * np.abs(plain - truth).max()
