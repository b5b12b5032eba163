"""The pose of the board before one camera, from one picture. Poses are (4, 4) matrices, mm."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from poseharvest.boards.board import Board, Floats
from poseharvest.boards.detection import Corners
from poseharvest.rig_calibration.lenses import Lens


@dataclass(frozen=True, eq=False)
class BoardPose:
    """The board before one camera.

    Attributes:
        cam_from_board: (4, 4) its pose, mm.
        error_px: root mean square distance of the corners to their projections, pixels.
    """

    cam_from_board: Floats
    error_px: float


def matrix_from(rotation_vector: Floats, translation: Floats) -> Floats:
    """Return the (4, 4) pose of a Rodrigues vector (3,) and a translation (3,), mm."""
    pose = np.eye(4)
    pose[:3, :3] = cv2.Rodrigues(rotation_vector)[0]
    pose[:3, 3] = translation
    return pose


def vector_of(pose: Floats) -> Floats:
    """Return the (6,) Rodrigues vector and translation of a (4, 4) pose."""
    return np.concatenate((cv2.Rodrigues(pose[:3, :3])[0].reshape(3), pose[:3, 3]))


def projected(lens: Lens, cam_from_board: Floats, points: Floats) -> Floats:
    """Return the (N, 2) pixels of points (N, 3) of a board; far outside for those that are not before the camera."""
    vector = vector_of(cam_from_board)
    pixels = lens.project(points, vector[:3], vector[3:])[0]
    depth = points @ cam_from_board[2, :3] + cam_from_board[2, 3]
    return np.where((depth > 1.0)[:, None] & np.isfinite(pixels), pixels, -1e6)


def rms(distances: Floats) -> float:
    """Return the root mean square length of displacements (N, 2)."""
    return float(np.sqrt(np.mean(np.sum(distances**2, -1))))


def find_pose(board: Board, corners: Corners, lens: Lens) -> BoardPose | None:
    """Return the pose of a board that fits the corners of a picture best; None if none lies before the camera.

    A small flat board has two poses that fit almost alike (Collins and Bartoli 2014, IPPE); the better one is refined.
    """
    points = board.corner_points[corners.ids]
    plane = lens.normalized(corners.pixels)
    found, vectors, translations, _ = cv2.solvePnPGeneric(points, plane, np.eye(3), None, flags=cv2.SOLVEPNP_IPPE)
    starts = [
        np.concatenate(pair).reshape(6).astype(np.float64)
        for pair in zip(vectors[:found], translations[:found], strict=True)
    ]
    poses = []
    for start in starts:
        if not np.isfinite(start).all():  # corners beyond the view of a lens that is guessed wrongly
            continue
        refined = _refined(points, corners.pixels, plane, lens, start)
        pose = matrix_from(refined[:3], refined[3:])
        poses.append(BoardPose(pose, rms(projected(lens, pose, points) - corners.pixels)))
    possible = [pose for pose in poses if np.isfinite(pose.cam_from_board).all() and pose.cam_from_board[2, 3] > 0]
    return min(possible, key=lambda pose: pose.error_px) if possible else None


def _refined(points: Floats, pixels: Floats, plane: Floats, lens: Lens, start: Floats) -> Floats:
    """Return the (6,) pose near `start` that fits best: by pixels for a fisheye, whose plane stretches at its edges."""
    if not lens.is_fisheye:
        better = cv2.solvePnPRefineLM(points, plane, np.eye(3), None, start[:3].copy(), start[3:].copy())
        return np.asarray(np.concatenate(better).reshape(6), dtype=np.float64)
    from scipy.optimize import least_squares

    found = least_squares(
        lambda pose: (lens.project(points, pose[:3], pose[3:])[0] - pixels).reshape(-1),
        start,
        jac=lambda pose: lens.project(points, pose[:3], pose[3:])[1][:, :6],
        x_scale="jac",
        method="lm",
    )
    return np.asarray(found.x, dtype=np.float64)
