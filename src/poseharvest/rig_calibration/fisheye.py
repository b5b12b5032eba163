"""A first guess of a fisheye lens from the pictures of one camera.

OpenCV's calibration of fisheye lenses goes wrong from a far start, and gives up where one picture is hard. So the focal
length is looked for first: the one with which single pictures of the board fit best, without coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from poseharvest.arrays import ImageSize
from poseharvest.boards.board import Board, Floats
from poseharvest.boards.detection import Corners
from poseharvest.rig_calibration.board_poses import find_pose
from poseharvest.rig_calibration.lenses import Lens

_SHARES = tuple(0.2 * 1.15**step for step in range(12))  # of the longer side: 290 degrees to 60 degrees of view
_USUAL_SHARE = 0.35
_LOOKED_AT, _CALIBRATED = 12, 30
_LEAST_PICTURES = 3
_GUESS_ERRORS = 3.0  # times the median error: a picture with more is left out
_LARGEST_COEFFICIENT = 1.0


def guess_fisheye(board: Board, pictures: Sequence[Corners], image_size: ImageSize) -> Lens:
    """Return a first guess of a fisheye lens.

    Args:
        board: the board.
        pictures: where the camera sees its corners.
        image_size: (height, width) of the pictures.
    """
    start = _lens(image_size, _USUAL_SHARE * max(image_size))
    if len(pictures) < _LEAST_PICTURES:
        return start
    few = _some(pictures, _LOOKED_AT)
    lenses = [_lens(image_size, share * max(image_size)) for share in _SHARES]
    start = min(lenses, key=lambda lens: float(np.median(_errors(board, few, lens))))
    chosen = _some(pictures, _CALIBRATED)
    errors = _errors(board, chosen, start)
    fitting = [one for one, error in zip(chosen, errors, strict=True) if error <= _GUESS_ERRORS * np.median(errors)]
    found = _calibrated(board, fitting, start)
    better = found is not None and np.median(_errors(board, few, found)) < np.median(_errors(board, few, start))
    return found if found is not None and better else start


def _lens(image_size: ImageSize, focal_px: float) -> Lens:
    height, width = image_size
    values = np.array((focal_px, focal_px, (width - 1) / 2, (height - 1) / 2, 0.0, 0.0, 0.0, 0.0))
    return Lens(image_size, values, "fisheye", is_fisheye=True)


def _some(pictures: Sequence[Corners], count: int) -> list[Corners]:
    return list(pictures[:: -(-len(pictures) // count)])


def _errors(board: Board, pictures: Sequence[Corners], lens: Lens) -> Floats:
    """Return the (N,) errors of pictures, each by the pose of the board that fits it best, pixels."""
    poses = [find_pose(board, one, lens) for one in pictures]
    return np.array([np.inf if pose is None else pose.error_px for pose in poses])


def _calibrated(board: Board, pictures: Sequence[Corners], start: Lens) -> Lens | None:
    """Return the lens by OpenCV's calibration from a start; None if it gives up, or ends at an impossible lens."""
    of = cv2.fisheye if hasattr(cv2.fisheye, "CALIB_FIX_SKEW") else cv2  # OpenCV 4 has them here, OpenCV 5 there
    flags = of.CALIB_USE_INTRINSIC_GUESS | of.CALIB_FIX_SKEW | of.CALIB_RECOMPUTE_EXTRINSIC
    points = [board.corner_points[one.ids].reshape(-1, 1, 3) for one in pictures]
    pixels = [one.pixels.reshape(-1, 1, 2).astype(np.float64) for one in pictures]
    try:
        _, matrix, coefficients, *_ = cv2.fisheye.calibrate(
            points, pixels, start.image_size[::-1], start.matrix.copy(), np.zeros((4, 1)), flags=flags
        )
    except cv2.error:  # a picture from which its pose does not follow
        return None
    values = np.array((matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *coefficients.reshape(-1)))
    share = values[0] / max(start.image_size)
    is_possible = np.isfinite(values).all() and _SHARES[0] / 2 < share < 2 * _SHARES[-1]
    is_possible = is_possible and bool((np.abs(values[4:]) < _LARGEST_COEFFICIENT).all())
    return Lens(start.image_size, values, "fisheye", is_fisheye=True) if is_possible else None
