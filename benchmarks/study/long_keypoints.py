"""OpenPose's files of a simulated person in every view, a file a picture, as long as one likes."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.geometry.rig import Rig
from poseharvest.simulation import random_rig, simulate
from poseharvest.skeleton.definitions import MPII16

NOISE_PX, LOST_SHARE, LAYOUT = 1.5, 0.05, "coco17"
_STAND_INS = {"nose": "head_top", "eye": "head_top", "ear": "head_top"}


def write_long_keypoints(folder: Path, num_frames: int, num_views: int) -> Rig:
    """Write a folder of files for each view, and return the cameras.

    Args:
        folder: the one to make.
        num_frames: files a view.
        num_views: cameras around the person.
    """
    generator = torch.Generator().manual_seed(8)
    rig = random_rig(num_views, generator, image_size=(720, 1280))
    positions = simulate(num_frames, 1, rig=rig, render=False).truth.positions  # (F, J, 3) of MPII16, mm
    channels = [MPII16.index(_joint(name)) for name in LAYOUTS[LAYOUT]]
    for camera in rig.at(0):
        pixels = camera.project(positions[:, channels]).pixels
        noise = NOISE_PX * torch.randn(pixels.shape, generator=generator, dtype=torch.float64)
        scores = 0.9 * (torch.rand(pixels.shape[:2], generator=generator, dtype=torch.float64) > LOST_SHARE)
        _write_view(folder / camera.name, torch.cat((pixels + noise, scores[..., None]), -1))
    return rig


def _write_view(folder: Path, rows: Tensor) -> None:
    folder.mkdir(parents=True)
    for frame, values in enumerate(rows.flatten(1).round(decimals=2).tolist()):
        content = json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": values}]})
        (folder / f"{folder.name}_{frame:012d}_keypoints.json").write_text(content)


def _joint(name: str) -> str:
    part = name.rpartition("_")[2]
    return _STAND_INS.get(part, name)
