"""Drawn footage of a calibration board, and how far the calibrated cameras are from the true ones."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from poseharvest.arrays import ImageSize
from poseharvest.boards.board import Board
from poseharvest.boards.detection import BoardDetector
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.rig_calibration import CalibrationOptions, Sighting, Sightings, calibrate_rig
from poseharvest.rig_calibration.solve import WorldRequest
from poseharvest.simulation.board_pictures import PictureQuality, film_plan, room_rig, stages


@dataclass(frozen=True)
class Kind:
    """A rig, a board and what is filmed.

    Attributes:
        num_views: cameras about a room, 2.4 to 3.2 m from its middle.
        board: the board.
        num_near: moments near each camera.
        num_common: moments in the middle.
        quality: of the pictures.
        image_size: (height, width) of the pictures.
        fisheyes: numbers of the cameras whose lenses are fisheyes.
    """

    num_views: int
    board: Board
    num_near: int = 18
    num_common: int = 60
    quality: PictureQuality = field(default_factory=PictureQuality)
    image_size: ImageSize = (720, 1280)
    fisheyes: tuple[int, ...] = ()


_CHARUCO = Board("charuco", 7, 5, 80.0)
KINDS = {
    "4 cameras, ChArUco 7 x 5": Kind(4, _CHARUCO),
    "6 cameras, ChArUco 7 x 5": Kind(6, _CHARUCO, num_near=12),
    "3 cameras, chessboard 9 x 6": Kind(3, Board("chessboard", 9, 6, 60.0), num_near=30, num_common=40),
    "4 cameras, symmetric chessboard": Kind(4, Board("chessboard", 8, 6, 70.0), num_near=30, num_common=40),
    "4 cameras, blur and noise": Kind(
        4, Board("charuco", 7, 5, 120.0), quality=PictureQuality(blur_px=1.0, noise=5.0, contrast=0.6)
    ),
    "3 cameras, fisheye": Kind(3, Board("charuco", 7, 5, 140.0), num_near=24, num_common=60, fisheyes=(0, 1, 2)),
    "4 cameras, fisheye": Kind(4, Board("charuco", 7, 5, 140.0), num_near=24, num_common=60, fisheyes=(0, 1, 2, 3)),
    "4 cameras, two fisheye": Kind(4, Board("charuco", 7, 5, 140.0), num_near=24, num_common=60, fisheyes=(1, 2)),
}
"""What is studied, by name."""


@dataclass(frozen=True)
class StudyResult:
    """Largest errors over the cameras of a rig.

    Attributes:
        rotation_deg: of a camera's rotation, after the best rigid alignment.
        place_mm: of its place, likewise.
        focal_percent: of its focal length.
        corner_px: standard deviation of a corner, as the calibration states it.
        floor_rotation_deg: of a rotation in the world of the board on the floor.
        floor_place_mm: of a place in that world.
        num_errors: findings that forbid the use of the result.
    """

    rotation_deg: float
    place_mm: float
    focal_percent: float
    corner_px: float
    floor_rotation_deg: float
    floor_place_mm: float
    num_errors: int


def run_study(kind: Kind, seed: int) -> StudyResult:
    """Return the errors of a calibration from drawn pictures."""
    generator = np.random.default_rng(seed)
    rig = room_rig(kind.num_views, generator, image_size=kind.image_size, fisheyes=kind.fisheyes)
    poses = film_plan(kind.board, rig, generator, num_near=kind.num_near, num_common=kind.num_common)
    detector, found = BoardDetector(kind.board), []
    all_stages = stages(kind.board, rig, kind.quality)
    for frame, pose in enumerate(poses):
        looks = [detector.detect(stage.draw(pose, generator)) for stage in all_stages]
        found += [Sighting(view, frame, corners) for view, corners in enumerate(looks) if corners is not None]
    sizes = tuple(camera.image_size for camera in rig)
    sightings = Sightings(kind.board, rig.names, sizes, tuple(range(len(poses))), tuple(found))
    result = calibrate_rig(
        sightings,
        options=CalibrationOptions.of_lenses([f"cam{number + 1}=fisheye" for number in kind.fisheyes]),
        world=WorldRequest(floor_frames=(0,)),
    )
    return _compared(result.rig, rig, result.precision.corner_px, sum(f.severity == "error" for f in result.findings))


def _compared(found: Rig, true: Rig, corner_px: float, num_errors: int) -> StudyResult:
    pairs = [(a, b) for a in found if isinstance(a, Camera) for b in (true.camera(a.name),) if isinstance(b, Camera)]
    turns = torch.stack([b.rotation.T @ a.rotation for a, b in pairs])  # true world from found world, by each camera
    u, _, vt = torch.linalg.svd(turns.sum(0))
    turn = u @ torch.diag(torch.tensor((1.0, 1.0, float(torch.det(u @ vt)))).double()) @ vt
    places = torch.stack([a.center for a, _ in pairs]) @ turn.T, torch.stack([b.center for _, b in pairs])
    apart = (places[0] - places[0].mean(0)) - (places[1] - places[1].mean(0))
    raw = torch.stack([a.center - b.center for a, b in pairs])
    return StudyResult(
        rotation_deg=max(_angle_deg(a.rotation @ turn.T @ b.rotation.T) for a, b in pairs),
        place_mm=float(apart.norm(dim=1).max()),
        focal_percent=max(100 * abs(float(a.px_from_cam[0, 0] / b.px_from_cam[0, 0]) - 1) for a, b in pairs),
        corner_px=corner_px,
        floor_rotation_deg=max(_angle_deg(a.rotation @ b.rotation.T) for a, b in pairs),
        floor_place_mm=float(raw.norm(dim=1).max()),
        num_errors=num_errors,
    )


def _angle_deg(rotation: torch.Tensor) -> float:
    return float(torch.rad2deg(torch.linalg.matrix_norm(rotation - torch.eye(3).double()) / 2**0.5))
