"""The world of calibrated cameras: from measured points, or that of a camera; `floor` has that of a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poseharvest.boards.board import Floats
from poseharvest.errors import CalibrationError
from poseharvest.rig_calibration.board_poses import rms
from poseharvest.rig_calibration.lenses import Lens
from poseharvest.rig_calibration.scene_points import ScenePoint

_MIN_POINTS = 3
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
        place_sigma_mm: standard deviation of the camera's place in this world that is known least, by the corners of
            the boards on the floor alone; NaN without them.
        up_sigma_deg: the same of the vertical, degrees.
    """

    new_from_old: Floats
    scale: float
    source: str
    text: str
    error_mm: float = float("nan")
    place_sigma_mm: float = float("nan")
    up_sigma_deg: float = float("nan")


def camera_world(name: str) -> World:
    """Return the world of the first camera, whose name is `name`."""
    text = f'the world is that of camera "{name}": origin at its lens, x right, y down, z forward; up is not known'
    return World(np.eye(4), 1.0, "camera", text)


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
