"""The world of boards that lie on the floor: one picture of all cameras, or several that lie in one plane.

The cameras are known already. All corners of all floor pictures in all views are met together: the first board has six
numbers, which are the world, and every other one has three, its place and its direction on the same floor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.boards.board import Board, Floats
from poseharvest.boards.detection import Corners
from poseharvest.errors import CalibrationError
from poseharvest.rig_calibration.board_poses import find_pose, matrix_from, projected, rms, vector_of
from poseharvest.rig_calibration.lenses import Lens
from poseharvest.rig_calibration.world import World

_MAX_BOARD_ERROR_SHARE = 0.01  # of the longer side of a picture
_UP = np.diag((1.0, -1.0, -1.0, 1.0))  # the board's y goes down its rows, its z into the floor
_STEP = 1e-6


@dataclass(frozen=True, eq=False)
class FloorPicture:
    """A board on the floor, in the pictures of one moment.

    Attributes:
        where: which moment, for messages.
        corners: what the cameras see, by index of the camera.
    """

    where: str
    corners: Mapping[int, Corners]


@dataclass(frozen=True, eq=False)
class _Cameras:
    """The board and the cameras, which are known."""

    board: Board
    lenses: Sequence[Lens]
    cams_from_world: Floats

    def pixels(self, view: int, world_from_board: Floats, ids: NDArray[np.int64]) -> Floats:
        pose = self.cams_from_world[view] @ world_from_board
        return projected(self.lenses[view], pose, self.board.corner_points[ids])

    def numbered(self, view: int, world_from_board: Floats, seen: Corners) -> NDArray[np.int64]:
        """Return the (N,) numbers of corners. Those of a symmetric board count from the end that fits."""
        ids = seen.ids
        choices = [ids, self.board.num_corners - 1 - ids] if self.board.is_symmetric else [ids]
        return min(choices, key=lambda of: rms(self.pixels(view, world_from_board, of) - seen.pixels))

    def error(self, picture: FloorPicture, world_from_board: Floats) -> float:
        """Return the error of the worst view of a picture, pixels."""
        return max(
            rms(self.pixels(view, world_from_board, self.numbered(view, world_from_board, seen)) - seen.pixels)
            for view, seen in picture.corners.items()
        )

    def nearest(self, picture: FloorPicture) -> Floats:
        """Return the (4, 4) pose of the board, of those that single views tell, that fits all views best.

        Raises:
            CalibrationError: no camera sees the board.
        """
        candidates = []
        for view, seen in picture.corners.items():
            pose = find_pose(self.board, seen, self.lenses[view])
            turns = [np.eye(4), self.board.half_turn] if self.board.is_symmetric else [np.eye(4)]
            world_from_cam = np.linalg.inv(self.cams_from_world[view])
            candidates += [world_from_cam @ pose.cam_from_board @ turn for turn in turns if pose]
        if not candidates:
            raise CalibrationError(
                f"{picture.where}: expected a board on the floor that a camera sees, found none in any view"
            )
        return min(candidates, key=lambda pose: self.error(picture, pose))


def floor_world(
    board: Board, lenses: Sequence[Lens], cams_from_world: Floats, pictures: Sequence[FloorPicture]
) -> World:
    """Return the world of boards on the floor: the outer corner of the first is the origin, x along its columns, z up.

    Args:
        board: the board; its printed side faces up.
        lenses: of V cameras.
        cams_from_world: (V, 4, 4) their poses, mm.
        pictures: one or more.

    Raises:
        CalibrationError: no camera sees one of the boards, or the cameras do not agree on it.
    """
    cameras = _Cameras(board, lenses, cams_from_world)
    starts = [_refined(cameras, picture) for picture in pictures]
    limit = _MAX_BOARD_ERROR_SHARE * max(max(lens.image_size) for lens in lenses)
    poses, covariance = _together(cameras, pictures, starts)
    for picture, pose in zip(pictures, poses, strict=True):
        error = cameras.error(picture, pose)
        if error > limit:
            reason = "is it on the floor, as the others are, " if len(pictures) > 1 else ""
            raise CalibrationError(
                f"{picture.where}: expected one place of the board in all views, got {error:.1f} px between them: "
                f"{reason}was it moved, or do the pictures belong to several moments?"
            )
    place_mm, up_deg = _precision(poses[0], covariance, cams_from_world)
    text = f"{_described(board, pictures)}; by the corners' scatter its vertical is known to {up_deg:.2g} degrees and a"
    text += f" camera's place in it to {place_mm:.2g} mm (one standard deviation)"
    if len(pictures) == 1:
        text += ": boards in more places of the floor make that better (--floor-board with several frames)"
    return World(_UP @ np.linalg.inv(poses[0]), 1.0, "floor board", text, place_sigma_mm=place_mm, up_sigma_deg=up_deg)


def _described(board: Board, pictures: Sequence[FloorPicture]) -> str:
    seen = {view for picture in pictures for view in picture.corners}
    note = "; it looks the same after half a turn, so x and y may point the other way" if board.is_symmetric else ""
    names = ", ".join(picture.where for picture in pictures)
    which = f"the board on the floor ({names}" if len(pictures) == 1 else f"the boards on the floor ({names}"
    first = "its corner" if len(pictures) == 1 else "the corner of the first"
    cameras = f"{len(seen)} camera{'s' if len(seen) > 1 else ''}"
    return f"the world is that of {which}, seen by {cameras}): origin at {first}, x along its columns, z up{note}"


def _refined(cameras: _Cameras, picture: FloorPicture) -> Floats:
    """Return the (4, 4) pose of a board that fits the corners of one picture in all views best."""
    start = cameras.nearest(picture)
    residuals = _residuals(cameras, [picture], [start])
    return matrix_from(*np.split(_least_squares(residuals, vector_of(start), 0)[0], [3]))


def _together(
    cameras: _Cameras, pictures: Sequence[FloorPicture], starts: Sequence[Floats]
) -> tuple[list[Floats], Floats]:
    """Return the (4, 4) poses of boards in one plane, and the (6, 6) covariance of the first one's vector."""
    residuals = _residuals(cameras, pictures, starts)
    flat = [_flat_vector(np.linalg.inv(starts[0]) @ start) for start in starts[1:]]
    numbers, covariance = _least_squares(residuals, np.concatenate([vector_of(starts[0]), *flat]), len(flat))
    return _poses(numbers), covariance[:6, :6]


def _residuals(
    cameras: _Cameras, pictures: Sequence[FloorPicture], starts: Sequence[Floats]
) -> Callable[[Floats], Floats]:
    places = [
        (number, view, cameras.numbered(view, start, seen), seen.pixels)
        for number, (picture, start) in enumerate(zip(pictures, starts, strict=True))
        for view, seen in picture.corners.items()
    ]

    def residuals(numbers: Floats) -> Floats:
        poses = _poses(numbers)
        parts = [cameras.pixels(view, poses[number], ids) - pixels for number, view, ids, pixels in places]
        return np.concatenate(parts).reshape(-1)

    return residuals


def _poses(numbers: Floats) -> list[Floats]:
    """Return the poses of boards from (6 + 3 N,) numbers: the first one's vector, then x, y and angle beside it."""
    first = matrix_from(numbers[:3], numbers[3:6])
    beside = []
    for x, y, angle in numbers[6:].reshape(-1, 3):
        pose = matrix_from(np.array((0.0, 0.0, angle)), np.array((x, y, 0.0)))
        beside.append(first @ pose)
    return [first, *beside]


def _flat_vector(pose: Floats) -> Floats:
    """Return the (3,) place and angle within the plane of the first board; what leads out of it is left out."""
    return np.array((pose[0, 3], pose[1, 3], np.arctan2(pose[1, 0], pose[0, 0])))


def _least_squares(residuals: Callable[[Floats], Floats], start: Floats, num_beside: int) -> tuple[Floats, Floats]:
    """Return the numbers that fit best, and their covariance by the scatter of what is left."""
    from scipy.optimize import least_squares

    scale = (0.1,) * 3 + (100.0,) * 3 + (100.0, 100.0, 0.1) * num_beside
    found = least_squares(residuals, start, loss="soft_l1", x_scale=scale)
    left = residuals(found.x)
    variance = float(left @ left) / max(1, len(left) - len(start))
    return found.x, np.linalg.pinv(found.jac.T @ found.jac) * variance


def _precision(world_from_board: Floats, covariance: Floats, cams_from_world: Floats) -> tuple[float, float]:
    """Return the standard deviations of the camera's place that is known least, mm, and of the vertical, degrees."""
    vector = vector_of(world_from_board)
    centers = np.linalg.inv(cams_from_world)[:, :, 3]  # (V, 4)

    def placed(numbers: Floats) -> tuple[Floats, Floats]:
        new_from_old = _UP @ np.linalg.inv(matrix_from(numbers[:3], numbers[3:]))
        return (centers @ new_from_old.T)[:, :3], new_from_old[2, :3]

    places, up = placed(vector)
    steps = _STEP * np.array((1.0,) * 3 + (1000.0,) * 3)
    moved = [placed(vector + step) for step in np.diag(steps)]
    by_place = np.stack([(one[0] - places) / step for one, step in zip(moved, steps, strict=True)], -1)  # (V, 3, 6)
    by_up = np.stack([(one[1] - up) / step for one, step in zip(moved, steps, strict=True)], -1)
    variances = np.einsum("vik,kl,vil->v", by_place, covariance, by_place)
    tilt = float(np.trace(by_up @ covariance @ by_up.T))
    return float(np.sqrt(variances.max())), float(np.degrees(np.sqrt(tilt)))
