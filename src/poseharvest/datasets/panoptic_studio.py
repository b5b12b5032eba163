"""CMU Panoptic Studio: a dome with 31 HD cameras, several people, and truth estimated from its 480 VGA views.

A sequence is a folder such as `160906_band2`:

| file | what |
|---|---|
| `calibration_160906_band2.json` | cameras, in centimetres (`calibration/panoptic.py`) |
| `hdPose3d_stage1_coco19/body3DScene_00000139.json` | all people in frame 139 |
| `hdImgs/00_05/00_05_00000139.jpg` | the picture of camera `00_05` in frame 139 |
| `hdVideos/hd_00_05.mp4` | or the film of this camera; picture 139 (from 0) is frame 139 |

Quirks. `joints19` holds x, y, z, confidence of 19 joints in the order of `COCO19`, in centimetres. The world's y axis
points *down*, and the floor is y = 0. A missing joint has confidence -1 and no position. The `id` of a person is
constant over time, but a person may get a new `id` after a loss. The ground truth covers a part of the film. Frames
without a file are not annotated; frames with an empty list of bodies are annotated and show no person. HD runs at 29.97
Hz. The ground truth is estimated and not measured with markers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.panoptic import read_panoptic
from poseharvest.calibration.values import numbers
from poseharvest.capture.discover import natural_key
from poseharvest.capture.video import open_video_view
from poseharvest.datasets.protocol import DatasetSequence, MultiViewDataset, PersonTruth, SequenceTruth
from poseharvest.datasets.recording_footage import DatasetFootage, blanks, films, numbered_pictures, stills
from poseharvest.errors import DatasetError, FormatError
from poseharvest.reading.documents import load_json
from poseharvest.skeleton.skeleton import Skeleton, limbs
from poseharvest.units import mm_per

NAME = "panoptic"
FRAME_RATE = 30000 / 1001
POSES = "hdPose3d_stage1_coco19"

COCO19 = Skeleton(
    name="coco19",
    joints=(
        "neck",
        "nose",
        "mid_hip",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_eye",
        "left_ear",
        "right_eye",
        "right_ear",
    ),
    limbs=limbs(
        "mid_hip-neck",
        "neck-nose",
        "nose-left_eye",
        "left_eye-left_ear",
        "nose-right_eye",
        "right_eye-right_ear",
        "neck-left_shoulder",
        "left_shoulder-left_elbow",
        "left_elbow-left_wrist",
        "neck-right_shoulder",
        "right_shoulder-right_elbow",
        "right_elbow-right_wrist",
        "mid_hip-left_hip",
        "left_hip-left_knee",
        "left_knee-left_ankle",
        "mid_hip-right_hip",
        "right_hip-right_knee",
        "right_knee-right_ankle",
    ),
    flip_pairs=tuple(
        (f"left_{part}", f"right_{part}")
        for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "eye", "ear")
    ),
)
"""The 19 joints of Panoptic: those of COCO, and the neck and middle of the hips of OpenPose."""


def open_panoptic(root: Path) -> MultiViewDataset:
    """Return the sequences of CMU Panoptic in a folder. The folder may itself be a sequence.

    Raises:
        DatasetError: there is no sequence.
        CalibrationError: a calibration has no HD cameras.
        FormatError: a calibration is damaged.
    """
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())] if root.is_dir() else []
    sequences = [
        _sequence(folder, calibrations[0])
        for folder in folders
        if (calibrations := sorted(folder.glob("calibration_*.json"))) and _pose_files(folder)
    ]
    if not sequences:
        raise DatasetError(f"{root}: expected folders with calibration_*.json and {POSES}/body3DScene_*.json, got none")
    return MultiViewDataset(NAME, root, COCO19, tuple(sequences))


def _sequence(folder: Path, calibration: Path) -> DatasetSequence:
    name = folder.resolve().name
    every = read_panoptic(calibration, ReadOptions()).names
    cameras = tuple(
        camera for camera in every if _pictures(folder, camera).is_dir() or _video(folder, camera).is_file()
    )
    return DatasetSequence(
        name=name,
        subject=name,
        action=re.sub(r"^\d{6}_", "", name),
        cameras=cameras or every,
        open_footage=partial(_footage, folder, calibration, cameras),
        read_truth=lambda: _truth(folder, cameras),
    )


def _pictures(folder: Path, camera: str) -> Path:
    return folder / "hdImgs" / camera


def _video(folder: Path, camera: str) -> Path:
    return folder / "hdVideos" / f"hd_{camera}.mp4"


def _pose_files(folder: Path) -> dict[int, Path]:
    """Return the files of annotations by number of the frame."""
    file_of_number = {}
    for path in sorted((folder / POSES).rglob("body3DScene_*.json"), key=lambda path: natural_key(path.name)):
        digits = path.stem.rpartition("_")[2]
        if not digits.isdecimal():
            raise FormatError(f"{path}: expected a frame number in the file's name, got none")
        file_of_number[int(digits)] = path
    return file_of_number


def _frame_numbers(folder: Path, cameras: tuple[str, ...]) -> list[int]:
    """Return the numbers of the frames: those of the pictures, or for films 0 to the last annotated frame."""
    folders = [path for camera in cameras if (path := _pictures(folder, camera)).is_dir()]
    held = sorted({number for path in folders for number in numbered_pictures(path)})
    return held or list(range(max(_pose_files(folder)) + 1))


def _footage(
    folder: Path, calibration: Path, cameras: tuple[str, ...], selected: tuple[str, ...], pictures: bool
) -> DatasetFootage:
    name = folder.resolve().name
    rig = read_panoptic(calibration, ReadOptions()).subset(selected)
    order = _frame_numbers(folder, cameras)
    if not pictures:
        return blanks(name, rig, numbers=order, number_rate=FRAME_RATE)
    if all(_video(folder, camera).is_file() and not _pictures(folder, camera).is_dir() for camera in selected):
        videos = [open_video_view(camera, _video(folder, camera)) for camera in selected]
        return films(name, rig, videos, num_frames=len(order), frame_rate=FRAME_RATE)
    paths = [numbered_pictures(_pictures(folder, camera)) for camera in selected]
    return stills(name, rig, paths, numbers=order, number_rate=FRAME_RATE)


def _truth(folder: Path, cameras: tuple[str, ...]) -> SequenceTruth:
    order = _frame_numbers(folder, cameras)
    frame_of = {number: frame for frame, number in enumerate(order)}
    poses_of_person: dict[int, list[tuple[int, Tensor]]] = defaultdict(list)
    for number, path in _pose_files(folder).items():
        for person, rows in _bodies(path).items() if number in frame_of else ():
            poses_of_person[person].append((number, rows))
    people = [_person(str(person), parts, frame_of) for person, parts in sorted(poses_of_person.items())]
    return SequenceTruth(COCO19, tuple(people))


def _bodies(path: Path) -> dict[int, Tensor]:
    """Return (19, 4) float64 x, y, z in cm and confidence of every person in a frame, by id."""
    document = load_json(path)
    bodies = document.get("bodies") if isinstance(document, dict) else None
    if not isinstance(bodies, list):
        raise FormatError(f'{path}: expected a list "bodies", got none')
    joints_of_person: dict[int, Tensor] = {}
    for body in bodies:
        person, rows = _body(body, path)
        if person in joints_of_person:
            raise FormatError(f"{path}: expected every id once, got {person} twice")
        joints_of_person[person] = rows
    return joints_of_person


def _body(body: Any, path: Path) -> tuple[int, Tensor]:
    if not isinstance(body, dict) or not isinstance(body.get("id"), int):
        raise FormatError(f'{path}: expected bodies with a whole "id", got {str(body)[:40]!r}')
    if "joints19" not in body:
        keys = ", ".join(key for key in body if key != "id") or "none"
        raise FormatError(f'{path}: body {body["id"]}: expected "joints19" (the skeleton coco19), got {keys}')
    rows = numbers(body["joints19"], (len(COCO19), 4), f"{path}: body {body['id']}: joints19")
    return body["id"], torch.from_numpy(rows)


def _person(name: str, parts: list[tuple[int, Tensor]], frame_of: dict[int, int]) -> PersonTruth:
    rows = torch.stack([part for _, part in parts])
    confidence = rows[..., 3].clamp(0, 1)
    is_known = (rows[..., 3] >= 0).unsqueeze(-1)
    return PersonTruth(
        name=name,
        skeleton=COCO19,
        frames=torch.tensor([frame_of[number] for number, _ in parts]),
        numbers=torch.tensor([number for number, _ in parts]),
        positions=torch.where(is_known, rows[..., :3] * mm_per("cm"), torch.nan),
        confidence=confidence,
    )
