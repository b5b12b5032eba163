"""CMU Panoptic in miniature: JSON in centimetres, a body lost and found, pictures or films."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dataset_kits.scene import STAGE_MM, Miniature, Person, Recording, joints, picture, write_picture, write_video
from poseharvest.calibration.panoptic import write_panoptic
from poseharvest.datasets.panoptic_studio import COCO19
from poseharvest.geometry.rig import Rig
from poseharvest.simulation.camera_rigs import random_rig

NAME = "160906_band2"
CAMERAS = ("00_03", "00_06", "00_12")
LOST = "right_ear"


def rig() -> Rig:
    cameras = random_rig(3, torch.Generator().manual_seed(8), image_size=(540, 960)).cameras
    shift = torch.tensor([*STAGE_MM, 0.0], dtype=torch.float64)
    return Rig(
        tuple(
            replace(camera, name=name, translation=camera.translation - camera.rotation @ shift)
            for camera, name in zip(cameras, CAMERAS, strict=True)
        )
    )


def body(person: int, pose: np.ndarray) -> dict:
    """In centimetres; one joint was never found."""
    rows = np.column_stack((pose / 10, np.full(len(pose), 0.5)))
    rows[COCO19.index(LOST)] = (0, 0, 0, -1)
    return {"id": person, "joints19": rows.ravel().tolist()}


def write_bodies(folder: Path, number: int, bodies: list[dict]) -> None:
    path = folder / "hdPose3d_stage1_coco19" / f"body3DScene_{number:08d}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": 0.7, "univTime": 1.0, "fpsType": "hd_29_97", "bodies": bodies}))


def expected(positions: np.ndarray) -> np.ndarray:
    positions = positions.copy()
    positions[:, COCO19.index(LOST)] = np.nan
    return positions


def write(root: Path, numbers: tuple[int, ...], annotated: tuple[int, ...]) -> tuple[Path, Recording, np.ndarray]:
    """`numbers` are those of the pictures, person 3 is there in all `annotated` ones and person 7 in the last."""
    folder = root / NAME
    folder.mkdir(parents=True)
    write_panoptic(rig(), folder / f"calibration_{NAME}.json")
    first, second = (joints(COCO19, range(len(numbers)), person) for person in (0, 1))
    for number in annotated:
        row = numbers.index(number)
        bodies = [body(3, first[row])] + ([body(7, second[row])] if number == annotated[-1] else [])
        write_bodies(folder, number, bodies)
    rows = [numbers.index(number) for number in annotated]
    people = {
        "3": Person(annotated, expected(first[rows])),
        "7": Person(annotated[-1:], expected(second[rows[-1:]])),
    }
    return folder, Recording(NAME, "band2", CAMERAS, numbers, people), first


def pictures(root: Path) -> Miniature:
    numbers = (139, 140, 141)
    folder, recording, poses = write(root, numbers, numbers)
    for camera in rig():
        for number, pose in zip(numbers, poses, strict=True):
            path = folder / "hdImgs" / camera.name / f"{camera.name}_{number:08d}.jpg"
            write_picture(path, picture(camera, COCO19, pose))
    return Miniature("panoptic", root, {NAME: recording})


def film(root: Path) -> Miniature:
    """Films begin at frame 0; the truth is of all frames here, and the films run on."""
    numbers = (0, 1, 2)
    folder, recording, poses = write(root, numbers, numbers)
    for camera in rig():
        images = [picture(camera, COCO19, pose) for pose in (*poses, poses[-1])]
        write_video(folder / "hdVideos" / f"hd_{camera.name}.mp4", images, 30)
    return Miniature("panoptic", folder, {NAME: recording})
