"""Campus and Shelf in miniature: MATLAB cells, VoxelPose's calibration, pictures, several people who come and go."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.io import savemat

from dataset_kits.scene import STAGE_MM, Miniature, Person, Recording, joints, picture, write_picture
from poseharvest.calibration.voxelpose import write_voxelpose
from poseharvest.datasets.campus_shelf import IMAGE_SIZES
from poseharvest.geometry.rig import Rig
from poseharvest.simulation.camera_rigs import random_rig
from poseharvest.skeleton.definitions import LSP14

NUM_FRAMES = 3
PRESENT = {"actor1": (0, 1, 2), "actor2": (), "actor3": (1, 2)}
EMPTY = np.zeros((1, 0))


def rig(name: str) -> Rig:
    cameras = random_rig(
        5 if name == "shelf" else 3, torch.Generator().manual_seed(5), image_size=IMAGE_SIZES[name]
    ).cameras
    shift = torch.tensor([*STAGE_MM, 0.0], dtype=torch.float64)
    return Rig(
        tuple(replace(c, name=str(i), translation=c.translation - c.rotation @ shift) for i, c in enumerate(cameras))
    )


def cells(parts: list) -> np.ndarray:
    """A column of cells, (N, 1)."""
    column = np.empty((len(parts), 1), dtype=object)
    for i, part in enumerate(parts):
        column[i, 0] = part
    return column


def row(parts: list) -> np.ndarray:
    return cells(parts).T


def actors() -> dict[str, np.ndarray]:
    return {name: joints(LSP14, range(NUM_FRAMES), person) for person, name in enumerate(PRESENT)}


def write_actors(root: Path, cameras: Rig) -> None:
    poses, pixels = [], []
    for name, positions in actors().items():
        is_there = [frame in PRESENT[name] for frame in range(NUM_FRAMES)]
        poses.append(cells([p / 1000 if there else EMPTY for p, there in zip(positions, is_there, strict=True)]))
        seen = [[c.project(torch.from_numpy(p)).pixels.numpy() for c in cameras] for p in positions]
        absent = row([EMPTY] * len(cameras))
        pixels.append(cells([row(views) if there else absent for views, there in zip(seen, is_there, strict=True)]))
    savemat(root / "actorsGT.mat", {"actor3D": row(poses), "actor2D": row(pixels)})


def write(root: Path, name: str, numbers: tuple[int, ...]) -> Miniature:
    root.mkdir(parents=True, exist_ok=True)
    cameras = rig(name)
    write_voxelpose(cameras, root / f"calibration_{name}.json")
    write_actors(root, cameras)
    file = "img_{1:06d}.png" if name == "shelf" else "campus4-c{0}-{1:05d}.png"
    positions = actors()
    for number in numbers:
        for camera in cameras:
            image = picture(camera, LSP14, positions["actor1"][number])
            write_picture(root / f"Camera{camera.name}" / file.format(camera.name, number), image)
    people = {
        actor: Person(tuple(n for n in PRESENT[actor] if n in numbers), p[[n for n in PRESENT[actor] if n in numbers]])
        for actor, p in positions.items()
    }
    return Miniature(name, root, {name: Recording("actors", name, cameras.names, numbers, people)})


def shelf(root: Path) -> Miniature:
    return write(root, "shelf", (0, 1, 2))


def campus_in_part(root: Path) -> Miniature:
    """Only some pictures were unpacked."""
    return write(root, "campus", (1, 2))


def write_predictions(path: Path, numbers: tuple[int, ...]) -> dict[str, np.ndarray]:
    """VoxelPose's pickle: two people in every picture but the last."""
    generator = np.random.default_rng(3)
    content = {
        f"{camera}_{n}": [] if n == numbers[-1] else [{"pred": generator.uniform(0, 1, (17, 3))} for _ in range(2)]
        for camera in rig("shelf").names
        for n in numbers
    }
    path.write_bytes(pickle.dumps(content, protocol=3))
    return content
