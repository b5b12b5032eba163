"""A board before known cameras: where its corners are seen, without drawing pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.boards.board import Board
from poseharvest.boards.detection import Corners
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.rig_calibration import Sighting, Sightings
from poseharvest.simulation.board_pictures import film_plan, room_rig

CHARUCO = Board("charuco", 7, 5, 80.0)
CHESSBOARD = Board("chessboard", 9, 6, 60.0)
SYMMETRIC = Board("chessboard", 8, 6, 65.0)
SIZE = (720, 1280)

Floats = NDArray[np.float64]


def seen(board: Board, camera: Camera, world_from_board: Floats, noise: Floats) -> Corners | None:
    """The corners inside a picture if the board shows its front, by the product's camera; a chessboard whole or not."""
    points = np.concatenate((board.corner_points, np.ones((board.num_corners, 1))), 1) @ world_from_board.T
    shown = camera.project(torch.from_numpy(points[:, :3].copy()))
    height, width = camera.image_size
    pixels = shown.pixels.numpy() + noise
    inside = shown.valid.numpy() & (pixels > 0).all(1) & (pixels < (width - 1, height - 1)).all(1)
    to_origin = world_from_board[:3, 3] - camera.center.numpy()
    is_front = world_from_board[:3, 2] @ to_origin > 0.25 * np.linalg.norm(to_origin)
    enough = board.num_corners if board.kind == "chessboard" else 6
    ids = np.flatnonzero(inside)
    if (
        not is_front
        or len(ids) < enough
        or min(np.ptp(ids // (board.columns - 1)), np.ptp(ids % (board.columns - 1))) < 1
    ):
        return None
    return Corners(ids, pixels[ids])


def film(board: Board, rig: Rig, poses: Floats, generator: np.random.Generator, sigma_px: float = 0.1) -> Sightings:
    """Where the cameras see the corners of a board at poses (F, 4, 4), with normal errors."""
    found = []
    for frame, pose in enumerate(poses):
        for view, camera in enumerate(rig.at(0)):
            corners = seen(board, camera, pose, generator.normal(0, sigma_px, (board.num_corners, 2)))
            if corners is not None:
                found.append(Sighting(view, frame, corners))
    sizes = tuple(camera.image_size for camera in rig)
    return Sightings(board, rig.names, sizes, tuple(range(len(poses))), tuple(found))


def session(
    board: Board = CHARUCO,
    *,
    seed: int = 0,
    num_views: int = 3,
    sigma_px: float = 0.1,
    num_near: int = 12,
    num_common: int = 24,
    fisheyes: Collection[int] = (),
) -> tuple[Rig, Sightings]:
    """True cameras, and a session before them; frame 0 shows the board on the floor."""
    generator = np.random.default_rng(seed)
    rig = room_rig(num_views, generator, image_size=SIZE, fisheyes=fisheyes)
    poses = film_plan(board, rig, generator, num_near=num_near, num_common=num_common)
    return rig, film(board, rig, poses, generator, sigma_px)


def changed(sightings: Sightings, change: Callable[[Sighting], Sighting | None]) -> Sightings:
    """The sightings after a change of each; None takes one away."""
    return replace(sightings, found=tuple(new for one in sightings.found if (new := change(one)) is not None))


def errors_of(found: Rig, true: Rig) -> tuple[float, float, float]:
    """Largest errors in the same world: rotation in degrees, place in mm, focal length in %."""
    pairs = [(camera, true.camera(camera.name)) for camera in found]
    rotation = max(float(torch.linalg.matrix_norm(a.rotation - b.rotation)) / 2**0.5 for a, b in pairs)
    place = max(float((a.center - b.center).norm()) for a, b in pairs)
    focal = max(100 * abs(float(a.px_from_cam[0, 0] / b.px_from_cam[0, 0]) - 1) for a, b in pairs)
    return float(np.degrees(rotation)), place, focal
