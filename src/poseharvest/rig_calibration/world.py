"""The world of calibrated cameras: from a board on the floor, from measured points, or that of a camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.boards.board import Board, Floats
from poseharvest.boards.detection import Corners
from poseharvest.errors import CalibrationError
from poseharvest.rig_calibration.board_poses import find_pose, matrix_from, projected, rms, vector_of
from poseharvest.rig_calibration.lenses import Lens
from poseharvest.rig_calibration.scene_points import ScenePoint

_MIN_POINTS = 3
_MAX_BOARD_ERROR_SHARE = 0.01  # of the longer side of a picture
_FLAT = 0.02  # points nearer to a line than this share of their spread fix no direction


@dataclass(frozen=True, eq=False)
class World:
    """The world of the result.

    Attributes:
        new_from_old: (4, 4) rotation and translation from the first camera's frame, mm.
        scale: factor on all lengths, before that.
        source: "camera", "floor board" or "scene points".
        text: how it was made, in words for a person.
        error_mm: root mean square distance of scene points to where they were measured; NaN without points.
    """

    new_from_old: Floats
    scale: float
    source: str
    text: str
    error_mm: float = float("nan")


def camera_world(name: str) -> World:
    """Return the world of the first camera, whose name is `name`."""
    text = f'the world is that of camera "{name}": origin at its lens, x right, y down, z forward; up is not known'
    return World(np.eye(4), 1.0, "camera", text)


def floor_world(
    board: Board, lenses: Sequence[Lens], cams_from_world: Floats, corners: Mapping[int, Corners], where: str
) -> World:
    """Return the world of a board that lies on the floor: its outer corner the origin, x along its columns, z up.

    Args:
        board: the board; its printed side faces up.
        lenses: of V cameras.
        cams_from_world: (V, 4, 4) their poses, mm.
        corners: what they see of the board, by index of the camera.
        where: which picture that is, for messages.

    Raises:
        CalibrationError: no camera sees the board, or they do not agree on it.
    """
    candidates = []
    for view, seen in corners.items():
        pose = find_pose(board, seen, lenses[view])
        turns = [np.eye(4), board.half_turn] if board.is_symmetric else [np.eye(4)]
        candidates += [np.linalg.inv(cams_from_world[view]) @ pose.cam_from_board @ turn for turn in turns if pose]
    if not candidates:
        raise CalibrationError(f"{where}: expected a board on the floor that a camera sees, found none in any view")

    def error(pose: Floats) -> float:
        return max(
            _floor_error(board, lenses[view], cams_from_world[view] @ pose, seen) for view, seen in corners.items()
        )

    world_from_board = _refined(board, lenses, cams_from_world, corners, min(candidates, key=error))
    limit = _MAX_BOARD_ERROR_SHARE * max(max(lens.image_size) for lens in lenses)
    if error(world_from_board) > limit:
        raise CalibrationError(
            f"{where}: expected one place of the board in all views, got {error(world_from_board):.1f} px between "
            "them: was it moved, or do the pictures belong to several moments?"
        )
    up = np.diag((1.0, -1.0, -1.0, 1.0))  # the board's y goes down its rows, its z into the floor
    note = "; it looks the same after half a turn, so x and y may point the other way" if board.is_symmetric else ""
    cameras = f"{len(corners)} camera{'s' if len(corners) > 1 else ''}"
    text = (
        f"the world is that of the board on the floor ({where}, seen by {cameras}): origin at its corner, x along its "
        f"columns, z up{note}"
    )
    return World(up @ np.linalg.inv(world_from_board), 1.0, "floor board", text)


def _refined(
    board: Board, lenses: Sequence[Lens], cams_from_world: Floats, corners: Mapping[int, Corners], start: Floats
) -> Floats:
    """Return the (4, 4) pose of the board, near `start`, that fits the corners in all views best."""
    from scipy.optimize import least_squares

    numbered = {
        view: _numbered(board, lenses[view], cams_from_world[view] @ start, seen) for view, seen in corners.items()
    }

    def residuals(vector: Floats) -> Floats:
        pose = matrix_from(vector[:3], vector[3:])
        parts = [
            projected(lenses[view], cams_from_world[view] @ pose, board.corner_points[ids]) - corners[view].pixels
            for view, ids in numbered.items()
        ]
        return np.concatenate(parts).reshape(-1)

    found = least_squares(residuals, vector_of(start), loss="soft_l1", x_scale=(0.1,) * 3 + (100.0,) * 3)
    return matrix_from(found.x[:3], found.x[3:])


def _numbered(board: Board, lens: Lens, cam_from_board: Floats, corners: Corners) -> NDArray[np.int64]:
    """Return the (N,) numbers of corners. Those of a symmetric board count from the end that fits."""
    choices = [corners.ids, board.num_corners - 1 - corners.ids] if board.is_symmetric else [corners.ids]
    return min(choices, key=lambda ids: rms(projected(lens, cam_from_board, board.corner_points[ids]) - corners.pixels))


def _floor_error(board: Board, lens: Lens, cam_from_board: Floats, corners: Corners) -> float:
    """Return the error of a picture, pixels."""
    points = board.corner_points[_numbered(board, lens, cam_from_board, corners)]
    return rms(projected(lens, cam_from_board, points) - corners.pixels)


def points_world(
    points: Sequence[ScenePoint], views: Sequence[str], lenses: Sequence[Lens], cams_from_world: Floats, where: str
) -> World:
    """Return the world of measured points, with their scale.

    Args:
        points: the points; those that two of the views see are used.
        views: names of V cameras.
        lenses: of them.
        cams_from_world: (V, 4, 4) their poses, mm.
        where: the file, for messages.

    Raises:
        CalibrationError: a view is unknown, fewer than three points are in two views, or they lie on one line.
    """
    unknown = sorted({view for point in points for view in point.pixels} - set(views))
    if unknown:
        raise CalibrationError(f"{where}: expected views of {', '.join(views)}, got {', '.join(unknown)}")
    usable = [point for point in points if len(point.pixels) >= 2]
    if len(usable) < _MIN_POINTS:
        raise CalibrationError(f"{where}: expected three points or more in two views each, got {len(usable)}")
    place = {name: number for number, name in enumerate(views)}
    found = np.stack([
        _triangulated([(place[view], pixel) for view, pixel in point.pixels.items()], lenses, cams_from_world)
        for point in usable
    ])
    measured = np.stack([point.position_mm for point in usable])
    scale, pose = _similarity(found, measured, where)
    moved = scale * found @ pose[:3, :3].T + pose[:3, 3]
    error_mm = rms(moved - measured)
    text = (
        f"the world is that of {len(usable)} measured points ({where}), which are met within {error_mm:.1f} mm; "
        f"by them all lengths are {scale:.4f} times those by the board"
    )
    return World(pose, scale, "scene points", text, error_mm)


def _triangulated(seen: Sequence[tuple[int, Floats]], lenses: Sequence[Lens], cams_from_world: Floats) -> Floats:
    """Return the (3,) point nearest to the rays of a few views, by the linear method (DLT)."""
    rows = []
    for view, pixel in seen:
        x, y = lenses[view].normalized(pixel[None])[0]
        camera = cams_from_world[view]
        rows += [x * camera[2] - camera[0], y * camera[2] - camera[1]]
    solution = np.linalg.svd(np.stack(rows))[2][-1]
    return np.asarray(solution[:3] / solution[3], dtype=np.float64)


def _similarity(found: Floats, measured: Floats, where: str) -> tuple[float, Floats]:
    """Return scale and (4, 4) pose from `found` (N, 3) to `measured` (N, 3) (Umeyama 1991)."""
    middle_found, middle = found.mean(0), measured.mean(0)
    a, b = found - middle_found, measured - middle
    spread = np.linalg.svd(b, compute_uv=False)
    if spread[1] < _FLAT * spread[0]:
        raise CalibrationError(f"{where}: expected measured points that do not lie on one line")
    u, sizes, vt = np.linalg.svd(b.T @ a)
    signs = np.array((1.0, 1.0, np.sign(np.linalg.det(u @ vt))))
    pose = np.eye(4)
    pose[:3, :3] = (u * signs) @ vt
    scale = float((sizes * signs).sum() / (a**2).sum())
    pose[:3, 3] = middle - scale * pose[:3, :3] @ middle_found
    return scale, pose
