"""Bundle adjustment: lenses, places of cameras and poses of the board that explain all corners best.

Derivatives are those of OpenCV (`composeRT`, `projectPoints`), the solver is `arrow_fit` with a loss that grows
linearly beyond a pixel. The first camera defines the world. Weak expectations of what is
usual keep a number in its range that the pictures do not determine; its standard deviation is then large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from poseharvest.boards.board import Floats
from poseharvest.rig_calibration.arrow_fit import least_steps
from poseharvest.rig_calibration.board_poses import matrix_from, projected, vector_of
from poseharvest.rig_calibration.lenses import Lens

_MAX_EVALUATIONS = 60
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Picture:
    """The corners in one picture, as the adjustment sees them.

    Attributes:
        view: index of the camera in the state.
        moment: index of the board's pose in the state.
        points: (N, 3) corners in the board's frame, mm.
        pixels: (N, 2) where they are seen.
    """

    view: int
    moment: int
    points: Floats
    pixels: Floats


@dataclass(frozen=True, eq=False)
class State:
    """All that is estimated.

    Attributes:
        lenses: of V cameras.
        cams_from_world: (V, 4, 4) poses of the cameras, the first of which defines the world, mm.
        world_from_boards: (M, 4, 4) poses of the board, mm.
    """

    lenses: tuple[Lens, ...]
    cams_from_world: Floats
    world_from_boards: Floats

    def errors(self, picture: Picture) -> Floats:
        """Return (N, 2) the projections minus the corners of a picture, pixels."""
        pose = self.cams_from_world[picture.view] @ self.world_from_boards[picture.moment]
        return projected(self.lenses[picture.view], pose, picture.points) - picture.pixels


@dataclass(frozen=True, eq=False)
class Precision:
    """Standard deviations of the result, as the corners' scatter and the geometry imply.

    Attributes:
        corner_px: standard deviation of a corner's coordinate, pixels.
        focal_px: (V,) of the focal length; NaN where it was given.
        place_mm: (V,) of the camera's place relative to the first one; 0 for that.
        angle_deg: (V,) of its direction relative to the first one.
    """

    corner_px: float
    focal_px: Floats
    place_mm: Floats
    angle_deg: Floats


def adjust(state: State, pictures: Sequence[Picture], sigma_px: float) -> State:
    """Return the state that explains the pictures best.

    Args:
        state: from where to start; it must be near the solution.
        pictures: what to explain; every moment and every camera has at least one.
        sigma_px: what a corner is off by, pixels; it weighs the expectations of lenses.
    """
    problem = _Problem(state, pictures, sigma_px)
    return problem.state_at(least_steps(problem, max(1.0, 3 * sigma_px), _MAX_EVALUATIONS))


def precision(state: State, pictures: Sequence[Picture], sigma_px: float) -> Precision:
    """Return the standard deviations of an adjusted state, from the inverse of the normal equations."""
    problem = _Problem(state, pictures, sigma_px)
    start = np.zeros(problem.num_numbers)
    residuals, jacobian = problem.residuals(start), problem.jacobian(start)
    num_corners = sum(picture.pixels.size for picture in pictures)
    freedom = max(1, num_corners - problem.num_numbers)
    variance = float(np.sum(residuals[:num_corners] ** 2)) / freedom
    normal = (jacobian.T @ jacobian).toarray()
    scale = 1 / np.sqrt(np.maximum(np.diag(normal), _TINY))
    covariance = np.linalg.pinv(normal * np.outer(scale, scale), hermitian=True) * np.outer(scale, scale) * variance
    focal, place, angle = [], [], []
    for view, lens in enumerate(state.lenses):
        lens_at, pose_at = problem.lens_slice(view), problem.pose_slice(view)
        focal.append(np.sqrt(covariance[lens_at, lens_at][0, 0]) if lens.model != "fixed" else np.nan)
        block = covariance[pose_at, pose_at]
        place.append(_place_deviation(state.cams_from_world[view], block) if block.size else 0.0)
        angle.append(np.degrees(np.sqrt(np.trace(block[:3, :3]))) if block.size else 0.0)
    return Precision(float(np.sqrt(variance)), np.array(focal), np.array(place), np.array(angle))


def _place_deviation(cam_from_world: Floats, covariance: Floats) -> float:
    """Return the standard deviation of the place -R^T t, mm, from the (6, 6) covariance of the camera's two vectors."""
    vector = vector_of(cam_from_world)
    rows = cv2.Rodrigues(vector[:3])[1].reshape(3, 3, 3)  # by vector, then R's rows and columns
    by_vector = -np.einsum("kij,i->jk", rows, vector[3:])
    jacobian = np.concatenate((by_vector, -cam_from_world[:3, :3].T), 1)
    return float(np.sqrt(np.trace(jacobian @ covariance @ jacobian.T)))


class _Problem:
    """The residuals and their derivatives, as steps from a state: lenses, then cameras but the first, then boards."""

    block_size = 6

    def __init__(self, state: State, pictures: Sequence[Picture], sigma_px: float) -> None:
        self._state, self._pictures, self._sigma_px = state, pictures, sigma_px
        self._cameras = np.stack([vector_of(pose) for pose in state.cams_from_world])
        self._boards = np.stack([vector_of(pose) for pose in state.world_from_boards])
        counts = [len(lens.spreads) for lens in state.lenses]
        self._lens_starts = np.concatenate(([0], np.cumsum(counts)))
        self._camera_start = int(self._lens_starts[-1])
        self._board_start = self._camera_start + 6 * (len(state.lenses) - 1)
        self.num_numbers = self._board_start + 6 * len(self._boards)
        self.num_shared = self._board_start
        self._pattern = [self._columns(picture) for picture in pictures]

    def lens_slice(self, view: int) -> slice:
        """Return where the numbers of a lens stand."""
        return slice(int(self._lens_starts[view]), int(self._lens_starts[view + 1]))

    def pose_slice(self, view: int) -> slice:
        """Return where the numbers of a camera's pose stand; empty for the first camera."""
        start = self._camera_start + 6 * (view - 1)
        return slice(start, start + 6) if view else slice(0, 0)

    def _columns(self, picture: Picture) -> Floats:
        board = self._board_start + 6 * picture.moment
        parts = (self.lens_slice(picture.view), self.pose_slice(picture.view), slice(board, board + 6))
        return np.concatenate([np.arange(part.start, part.stop) for part in parts])

    def state_at(self, steps: Floats) -> State:
        """Return the state after the steps (P,)."""
        cameras, boards = self._poses_at(steps)
        return replace(
            self._state,
            lenses=self._lenses_at(steps),
            cams_from_world=np.stack([matrix_from(one[:3], one[3:]) for one in cameras]),
            world_from_boards=np.stack([matrix_from(one[:3], one[3:]) for one in boards]),
        )

    def _lenses_at(self, steps: Floats) -> tuple[Lens, ...]:
        return tuple(lens.moved(steps[self.lens_slice(view)]) for view, lens in enumerate(self._state.lenses))

    def _poses_at(self, steps: Floats) -> tuple[Floats, Floats]:
        cameras = self._cameras.copy()
        cameras[1:] += steps[self._camera_start : self._board_start].reshape(-1, 6)
        return cameras, self._boards + steps[self._board_start :].reshape(-1, 6)

    def residuals(self, steps: Floats) -> Floats:
        """Return the residuals: of all corners, x and y in turn, then of the lenses from what is usual."""
        lenses, (cameras, boards) = self._lenses_at(steps), self._poses_at(steps)
        parts = []
        for one in self._pictures:
            camera, board, lens = cameras[one.view], boards[one.moment], lenses[one.view]
            vector, translation = cv2.composeRT(board[:3], board[3:], camera[:3], camera[3:])[:2]
            pixels = lens.project(one.points, vector, translation)[0]
            parts.append((pixels - one.pixels).reshape(-1))
        for lens, start in zip(lenses, self._state.lenses, strict=True):
            away = np.linalg.lstsq(start.directions, lens.values, rcond=None)[0] if len(start.spreads) else np.zeros(0)
            parts.append(self._sigma_px * (away - start.usual) / start.spreads)
        return np.concatenate(parts)

    def jacobian(self, steps: Floats) -> Any:
        """Return the sparse derivatives of `residuals`."""
        from scipy.sparse import block_diag, coo_array, csr_array, vstack

        lenses, (cameras, boards) = self._lenses_at(steps), self._poses_at(steps)
        data, columns, counts = [], [], []
        for one, places in zip(self._pictures, self._pattern, strict=True):
            block = _block(one, lenses[one.view], cameras[one.view], boards[one.moment])
            data.append(block.reshape(-1))
            columns.append(np.tile(places, len(block)))
            counts.append(np.full(len(block), len(places)))
        starts = np.concatenate(([0], np.cumsum(np.concatenate(counts))))
        shape = (len(starts) - 1, self.num_numbers)
        corners = csr_array((np.concatenate(data), np.concatenate(columns), starts), shape=shape)
        weights = np.concatenate([self._sigma_px / lens.spreads for lens in self._state.lenses])
        if not len(weights):
            return corners
        usual = block_diag([np.diag(weights)])
        padded = coo_array((usual.data, (usual.row, usual.col)), shape=(len(weights), self.num_numbers))
        return vstack([corners, padded], format="csr")


def _block(picture: Picture, lens: Lens, camera: Floats, board: Floats) -> Floats:
    """Return (2N, P) the derivatives of a picture's pixels by its lens, its camera (but the first) and its board."""
    composed = cv2.composeRT(board[:3], board[3:], camera[:3], camera[3:])
    vector, translation, r_rb, _, r_rc, _, t_rb, t_tb, t_rc, t_tc = composed
    full = lens.project(picture.points, vector, translation)[1]
    by_r, by_t, by_lens = full[:, :3], full[:, 3:6], full[:, 6:] @ lens.directions
    by_camera = np.concatenate((by_r @ r_rc + by_t @ t_rc, by_t @ t_tc), 1)
    by_board = np.concatenate((by_r @ r_rb + by_t @ t_rb, by_t @ t_tb), 1)
    return np.concatenate((by_lens, by_camera, by_board) if picture.view else (by_lens, by_board), 1)
