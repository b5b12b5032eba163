"""Somebody who walks before four cameras, what the cameras show of them, and changes of a camera."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from poseharvest.diagnosis.disagreement import projected
from poseharvest.geometry.camera import Camera
from poseharvest.skeleton.definitions import MPII16
from walker_kit import walker_rig

RATE, NUM = 30.0, 80
FLIP = MPII16.flip_permutation
SIZE = (720, 960)


def cameras() -> tuple[Camera, ...]:
    """Four cameras with pictures of a usual size."""
    scale = SIZE[1] / 480
    return tuple(
        replace(
            camera,
            image_size=SIZE,
            px_from_cam=torch.diag(torch.tensor([scale, scale, 1.0])).double() @ camera.px_from_cam,
        )
        for camera in walker_rig()
        if isinstance(camera, Camera)
    )


def body(frame: float) -> np.ndarray:
    """(J, 3) joints of somebody who walks in a circle and swings, mm."""
    generator = np.random.default_rng(5)
    rest = generator.normal(0, 1, (len(MPII16), 3)) * (180, 180, 380) + (0, 0, 1000)
    phase = generator.uniform(0, 6, (len(MPII16), 3))
    swing = 90 * np.sin(frame / 6 + phase)
    path = np.array([500 * math.cos(frame / 30), 500 * math.sin(frame / 30), 0])
    return rest + swing + path


def filmed(rig: tuple[Camera, ...], *, noise_px: float = 2.0, late: tuple[float, ...] = (0, 0, 0, 0)) -> np.ndarray:
    """(V, T, J, 2) what cameras show, with errors of a detector."""
    generator = np.random.default_rng(3)
    shown = np.stack([
        np.stack([projected(camera, body(frame - delay)) for frame in range(NUM)])
        for camera, delay in zip(rig, late, strict=False)
    ])
    wrong = generator.random(shown.shape[:3]) < 0.03
    return shown + noise_px * generator.normal(size=shown.shape) + 60 * wrong[..., None]


def changed(rig: tuple[Camera, ...], view: int, change: Callable[[Camera], Camera]) -> tuple[Camera, ...]:
    return tuple(change(camera) if number == view else camera for number, camera in enumerate(rig))


def turned(degrees: float, axis: int) -> Callable[[Camera], Camera]:
    turn = torch.as_tensor(Rotation.from_rotvec(np.eye(3)[axis] * math.radians(degrees)).as_matrix())

    def change(camera: Camera) -> Camera:
        rotation = turn @ camera.rotation
        return replace(camera, rotation=rotation, translation=-(rotation @ camera.center))

    return change


def moved(mm: float, axis: int) -> Callable[[Camera], Camera]:
    return lambda camera: replace(camera, translation=camera.translation + mm * torch.eye(3).double()[axis])


def zoomed(factor: float) -> Callable[[Camera], Camera]:
    scale = torch.diag(torch.tensor([factor, factor, 1.0])).double()

    def change(camera: Camera) -> Camera:
        matrix = scale @ camera.px_from_cam
        matrix[:2, 2] = camera.px_from_cam[:2, 2]
        return replace(camera, px_from_cam=matrix)

    return change
