"""Human3.6M and KTH Multiview Football II in miniature, of discs, with what the paper's protocols ask for."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import torch

from dataset_kits import human36m, kth_football
from dataset_kits.discs import draw_discs
from dataset_kits.scene import joints, write_picture
from poseharvest.datasets.human36m.names_and_joints import CAMERAS
from poseharvest.skeleton.convert import Conversion
from poseharvest.skeleton.definitions import H36M17, LSP14, MPII16
from poseharvest.skeleton.skeleton import Skeleton

NUM_FRAMES = 4


def shown(skeleton: Skeleton, poses: np.ndarray) -> np.ndarray:
    """(F, 16, 3) joints of `mpii16`, those that are drawn."""
    return Conversion(skeleton, MPII16).points(torch.from_numpy(poses)).numpy()


def write_human36m(root: Path, takes: tuple[str, ...], subjects: tuple[str, ...] = ("S9", "S11")) -> Path:
    """In h36m-fetch's layout, every fifth frame; every take begins at another place."""
    human36m.write_json_cameras(root, subjects)
    numbers = [1 + 5 * frame for frame in range(NUM_FRAMES)]
    start = 0
    for subject in subjects:
        for take in takes:
            poses = joints(H36M17, range(start, start + NUM_FRAMES))
            start += 2
            write_take(root / subject / take, numbers, poses)
    return root


def write_take(folder: Path, numbers: list[int], poses: np.ndarray) -> None:
    write_annotations(folder, numbers, poses)
    for camera in human36m.rig():
        for number, pose in zip(numbers, shown(H36M17, poses), strict=True):
            write_picture(folder / "imageSequence" / camera.name / f"img_{number:06d}.png", draw_discs(camera, pose))


def write_annotations(folder: Path, numbers: list[int], poses: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "annot.h5", "w") as file:
        file["pose/3d"] = np.concatenate([human36m.in_camera(c, human36m.rows32(poses)) for c in human36m.rig()])
        file["camera"] = np.repeat([int(camera) for camera in CAMERAS], len(numbers))
        file["frame"] = np.tile(numbers, len(CAMERAS))


def write_football(root: Path) -> Path:
    """Both sequences of Player 2, and one of Player 1, whom nobody judges."""
    for name, start in (("Player 1/Sequence 1", 0), ("Player 2/Sequence 1", 1), ("Player 2/Sequence 2", 3)):
        folder = root / name
        poses = joints(LSP14, range(start, start + NUM_FRAMES))
        cameras = [[kth_football.affine(view, frame) for view in range(3)] for frame in range(NUM_FRAMES)]
        folder.mkdir(parents=True)
        write_football_truth(folder, poses)
        metres = np.array([[camera.px_from_world.numpy() * [1000, 1000, 1000, 1] for camera in row] for row in cameras])
        kth_football.write_numbers(folder / "cameras.txt", metres.transpose(0, 1, 3, 2))
        for number, (pose, row) in enumerate(zip(shown(LSP14, poses), cameras, strict=True), 1):
            for camera in row:
                write_picture(folder / camera.name / f"{number:05d}.png", draw_discs(camera, pose))
    return root


def write_football_truth(folder: Path, poses: np.ndarray) -> None:
    """Both files of positions of a sequence."""
    kth_football.write_numbers(folder / "positions3d.txt", poses / 1000)
    pixels = [
        [kth_football.affine(view, frame).project(torch.from_numpy(pose)).pixels.numpy() for view in range(3)]
        for frame, pose in enumerate(poses)
    ]
    kth_football.write_numbers(folder / "positions2d.txt", np.array(pixels))
