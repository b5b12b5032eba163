"""KTH Multiview Football II in miniature: text files and pictures of cameras that pan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from dataset_kits.scene import Miniature, Recording, joints, one_person, picture, write_picture
from poseharvest.geometry.camera import AffineCamera
from poseharvest.skeleton.definitions import LSP14

CAMERAS = ("Camera 1", "Camera 2", "Camera 3")
SIZE = (480, 640)
NUMBERS = (1, 2, 3, 4)


def affine(view: int, frame: int) -> AffineCamera:
    """0.2 pixels a mm, panning by 7 pixels a frame."""
    a = 0.3 + 2.1 * view
    across = [-0.2 * math.sin(a), 0.2 * math.cos(a), 0.0, 320 - 7.0 * frame]
    down = [0.01, 0.0, -0.2, 420 + 2.0 * view]
    return AffineCamera(CAMERAS[view], SIZE, torch.tensor([across, down], dtype=torch.float64))


def write_numbers(path: Path, values: Sequence[float] | np.ndarray) -> None:
    """One number a row."""
    path.write_text("".join(f"{value:.9g}\n" for value in np.ravel(values)))


def kth_football(root: Path) -> Miniature:
    held = {}
    for player, sequence in ((1, 1), (2, 1)):
        name = f"Player {player}/Sequence {sequence}"
        folder = root / name
        folder.mkdir(parents=True)
        poses = joints(LSP14, range(len(NUMBERS)))
        cameras = [[affine(v, f) for v in range(3)] for f in range(len(NUMBERS))]
        write_numbers(folder / "positions3d.txt", poses / 1000)
        pixels = [
            [camera.project(torch.from_numpy(pose)).pixels.numpy() for camera in row]
            for pose, row in zip(poses, cameras, strict=True)
        ]
        write_numbers(folder / "positions2d.txt", np.array(pixels))
        metres = np.array([[camera.px_from_world.numpy() * [1000, 1000, 1000, 1] for camera in row] for row in cameras])
        write_numbers(folder / "cameras.txt", metres.transpose(0, 1, 3, 2))
        for pose, row, number in zip(poses, cameras, NUMBERS, strict=True):
            for camera in row:
                write_picture(folder / camera.name / f"{number:05d}.png", picture(camera, LSP14, pose))
        subject = f"player{player}"
        held[name] = Recording(subject, f"Sequence {sequence}", CAMERAS, NUMBERS, one_person(LSP14, NUMBERS, subject))
    return Miniature("kth_football", root, held)
