"""Robust least squares of a few shared numbers and of many blocks that know nothing of each other.

The shared numbers are cameras; a block is what is seen at one moment: a board's pose, or a body's joints. SciPy's
`least_squares` does the work, with a sparse Jacobian and a loss that grows linearly. This file gives it directions in
which the problem is round, so that its iterative solver needs few steps. The shape of the normal equations, an arrow,
makes them cheap (Triggs et al. 1999, "Bundle Adjustment", Sec. 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_COST_TOLERANCE, _STEP_TOLERANCE = 1e-7, 1e-9
_TINY, _RIDGE = 1e-12, 1e-10


class ArrowProblem(Protocol):
    """Residuals as a function of steps from where the numbers stand: the shared ones first, then block after block."""

    @property
    def num_numbers(self) -> int:
        """P, of all numbers."""
        ...

    @property
    def num_shared(self) -> int:
        """Of the numbers that all residuals may depend on."""
        ...

    @property
    def block_size(self) -> int:
        """Numbers in each block. A residual depends on one block alone."""
        ...

    def residuals(self, steps: Floats) -> Floats:
        """Return the residuals (N,) after the steps (P,)."""
        ...

    def jacobian(self, steps: Floats) -> Any:
        """Return the (N, P) sparse derivatives of `residuals`, in rows."""
        ...


def least_steps(problem: ArrowProblem, linear_beyond: float, max_evaluations: int) -> Floats:
    """Return the steps (P,) after which the residuals are least.

    Args:
        problem: the residuals; its numbers must be near the solution.
        linear_beyond: residuals count with their square below this size, and linearly beyond.
        max_evaluations: of the residuals, at most.
    """
    from scipy.optimize import least_squares
    from scipy.sparse.linalg import LinearOperator, aslinearoperator

    start = np.zeros(problem.num_numbers)
    directions = Directions(problem.jacobian(start).tocsr(), problem.num_shared, problem.block_size)
    size = max(float(np.linalg.norm(problem.residuals(start))), _TINY)
    shape = (problem.num_numbers, problem.num_numbers)
    spread = LinearOperator(
        shape,
        matvec=lambda steps: size * directions.forward(steps.ravel()),
        rmatvec=lambda steps: size * directions.backward(steps.ravel()),
        dtype=np.float64,
    )
    result = least_squares(
        lambda steps: problem.residuals(spread.matvec(steps)),
        start,
        jac=lambda steps: aslinearoperator(problem.jacobian(spread.matvec(steps))) @ spread,
        method="trf",
        loss="soft_l1",
        f_scale=linear_beyond,
        tr_solver="lsmr",
        max_nfev=max_evaluations,
        ftol=_COST_TOLERANCE,
        xtol=_STEP_TOLERANCE,
        gtol=_STEP_TOLERANCE,
    )
    return np.asarray(spread.matvec(result.x), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Directions:
    """(P, P) directions D in which J D is nearly orthonormal: of J^T J = R^T R the inverse of R, never written out.

    With the blocks first, R = [L^T, W; 0, C]: L is the Cholesky factor of each block, W = L^-1 times the block's
    coupling with the shared numbers, and C that of what the blocks leave of the shared numbers (Schur's complement).

    Attributes:
        jacobian: (N, P) sparse, by rows.
        num_shared: of the numbers before the blocks.
        block_size: numbers in each block.
    """

    jacobian: Any
    num_shared: int
    block_size: int

    @cached_property
    def _scale(self) -> Floats:
        """(P,) by which numbers are scaled to have columns of length 1; 1 for numbers that nothing depends on."""
        squares = np.asarray(self.jacobian.multiply(self.jacobian).sum(0)).ravel()
        return np.asarray(np.where(squares > _TINY, 1 / np.sqrt(np.maximum(squares, _TINY)), 1.0), dtype=np.float64)

    @cached_property
    def _parts(self) -> tuple[Floats, Floats, Floats]:
        """The inverse of L (B, b, b), W (B, b, s) and C (s, s)."""
        from scipy.linalg import cholesky
        from scipy.sparse import diags_array

        scaled = (self.jacobian @ diags_array(self._scale)).tocsc()
        shared, own = scaled[:, : self.num_shared], scaled[:, self.num_shared :]
        size = self.block_size
        num_blocks = own.shape[1] // size
        blocks = np.zeros((num_blocks, size, size))
        normal = (own.T @ own).tocoo()
        blocks[normal.row // size, normal.row % size, normal.col % size] = normal.data
        blocks += np.eye(size) * np.where(np.einsum("bii->bi", blocks) > 0, _RIDGE, 1.0)[:, None, :]
        coupling = (own.T @ shared).toarray().reshape(num_blocks, size, self.num_shared)
        inverse = np.linalg.inv(np.linalg.cholesky(blocks))
        across = inverse @ coupling
        left = (shared.T @ shared).toarray() - np.einsum("bis,bit->st", across, across)
        # What the blocks leave of a number that is hardly known may be negative by rounding.
        left += np.eye(self.num_shared) * np.where(np.diag(left) > 0, _RIDGE, 1.0)
        return np.asarray(inverse, dtype=np.float64), across, _safe_cholesky(left, cholesky)

    def forward(self, steps: Floats) -> Floats:
        """Return D times `steps` (P,)."""
        from scipy.linalg import solve_triangular

        inverse, across, upper = self._parts
        shared = solve_triangular(upper, steps[: self.num_shared])
        rest = steps[self.num_shared :].reshape(len(inverse), self.block_size) - across @ shared
        blocks = inverse.transpose(0, 2, 1) @ rest[..., None]
        return np.asarray(self._scale * np.concatenate((shared, blocks.ravel())), dtype=np.float64)

    def backward(self, steps: Floats) -> Floats:
        """Return the transpose of D times `steps` (P,)."""
        from scipy.linalg import solve_triangular

        inverse, across, upper = self._parts
        scaled = self._scale * steps
        blocks = (inverse @ scaled[self.num_shared :].reshape(len(inverse), self.block_size, 1))[..., 0]
        rest = scaled[: self.num_shared] - np.einsum("bis,bi->s", across, blocks)
        return np.concatenate((solve_triangular(upper, rest, trans="T"), blocks.ravel()))

    def shared_covariance(self, residuals: Floats, groups: NDArray[np.int64]) -> Floats:
        """Return the (s, s) covariance of the shared numbers at the solution.

        It is the sum of what residuals of standard deviation 1 cause by chance alone, and of how much groups of them
        disagree (the sandwich rule): what is grouped errs together.

        Args:
            residuals: (N,) in standard deviations.
            groups: (N,) the group of each, from 0; negative for those that are no measurements.
        """
        from scipy.linalg import solve_triangular

        num_groups = int(groups.max(initial=-1)) + 1
        scores = np.zeros((num_groups, self.num_shared))
        for group in range(num_groups):
            own = np.where(groups == group, residuals, 0.0)
            scores[group] = self.backward(self.jacobian.T @ own)[: self.num_shared]
        middle = np.eye(self.num_shared) + scores.T @ scores * num_groups / max(1, num_groups - 1)
        inverse = solve_triangular(self._parts[2], np.eye(self.num_shared))
        scale = self._scale[: self.num_shared]
        return np.asarray((inverse @ middle @ inverse.T) * np.outer(scale, scale), dtype=np.float64)


def _safe_cholesky(matrix: Floats, cholesky: Any) -> Floats:
    """Return the upper factor of a matrix that may lack a little to be positive."""
    lowest = float(np.linalg.eigvalsh(matrix)[0]) if len(matrix) else 1.0
    lift = max(0.0, _RIDGE - lowest)
    return np.asarray(cholesky(matrix + lift * np.eye(len(matrix))), dtype=np.float64)
