"""Conversion of the 2D keypoints of VoxelPose for Campus and Shelf to files for the keypoint detector.

`pred_shelf_maskrcnn_hrnet_coco.pkl` maps "CAMERA_NUMBER" to a list of people, each with `pred` (17, 3): x, y, score in
COCO's order. It is a pickle, which is interpreted without running it (`pickled_arrays.py`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from poseharvest.errors import FormatError
from poseharvest.reading.documents import write_text
from poseharvest.reading.pickled_arrays import read_pickle
from poseharvest.skeleton.definitions import COCO17


def convert_voxelpose_keypoints(predictions: Path, folder: Path, numbers: Sequence[int]) -> tuple[Path, ...]:
    """Write a file of COCO results for every camera, and return their paths.

    The files count frames as in the footage: frame i has the number `numbers[i]` in the data set
    (`DatasetFootage.numbers`).

    Args:
        predictions: the pickle of VoxelPose.
        folder: the output folder of `CAMERA.json`; it is made if it does not exist.
        numbers: the numbers in the data set of the frames of the footage; people in other frames are left out.

    Raises:
        DatasetError: there is no such pickle.
        FormatError: the file is damaged, or is not such a pickle.
    """
    frame_of = {int(number): frame for frame, number in enumerate(numbers)}
    results: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for key, people in _by_picture(predictions).items():
        camera, number = _camera_and_number(key, predictions)
        records = results[camera]  # also for a picture without people, so that its camera gets a file
        if number in frame_of:
            records.extend(_record(person, frame_of[number], f"{predictions}: {key}") for person in people)
    folder.mkdir(parents=True, exist_ok=True)
    for camera, records in results.items():
        write_text(folder / f"{camera}.json", json.dumps(records))
    return tuple(folder / f"{camera}.json" for camera in results)


def _by_picture(path: Path) -> dict[str, list[Any]]:
    content = read_pickle(path)
    if not isinstance(content, dict) or not all(isinstance(people, list) for people in content.values()):
        raise FormatError(f"{path}: expected people by picture, got {type(content).__name__}")
    return content


def _camera_and_number(key: object, path: Path) -> tuple[str, int]:
    camera, _, number = str(key).rpartition("_")
    if not (camera and number.isdecimal()):
        raise FormatError(f'{path}: expected pictures named CAMERA_NUMBER, got "{key}"')
    return camera, int(number)


def _record(person: object, frame: int, where: str) -> dict[str, Any]:
    rows = np.asarray(person.get("pred") if isinstance(person, dict) else None)
    if rows.shape != (len(COCO17), 3) or rows.dtype.kind != "f":
        raise FormatError(f"{where}: expected {len(COCO17)} keypoints, ({len(COCO17)}, 3), got {rows.shape}")
    scores = rows[:, 2]
    keypoints = [float(value) for value in rows.reshape(-1)]
    return {"image_id": frame, "category_id": 1, "keypoints": keypoints, "score": float(scores.mean())}
