"""COCO keypoints: single pictures with 2D labels of 17 joints, in the order of `coco17`.

`{"images": [{"id", "file_name"}], "annotations": [{"image_id", "keypoints", "bbox", "area", "iscrowd"}], "categories":
[{"id", "keypoints"}]}`. Quirks. `keypoints` holds x, y, v of every joint: v is 0 for one without a label (at 0, 0), 1
for a hidden one, 2 for a visible one. Keypoints are relative to the centre of the top-left pixel, as in the whole
package. Boxes `[x, y, width, height]` are relative to its corner, so half a pixel is subtracted. People without
keypoints and crowds (`iscrowd`) are left out. Pictures without people are kept.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from poseharvest.calibration.values import numbers, shown
from poseharvest.datasets.labelled_pictures import AnnotatedPicture, PersonLabels, PictureDataset, image_folder
from poseharvest.errors import DatasetError, FormatError
from poseharvest.reading.documents import load_json
from poseharvest.skeleton.definitions import COCO17

NAME = "coco"
_EDGE_OF_PIXEL = 0.5  # distance from the centre of the pixel


def open_coco(annotations: Path, *, images: Path | None = None) -> PictureDataset:
    """Return the pictures of a file of COCO keypoints.

    Args:
        annotations: the JSON.
        images: the folder of pictures; None searches for `images` beside the file or its folder.

    Raises:
        DatasetError: there is no such file, or no picture in it.
        FormatError: the file is damaged, or its keypoints are not the 17 of COCO.
    """
    if not annotations.is_file():
        raise DatasetError(f"{annotations}: expected COCO's annotations, a .json file, found none there")
    document = load_json(annotations)
    files = {image["id"]: image["file_name"] for image in _list(document, "images", annotations)}
    people: dict[Any, list[PersonLabels]] = {key: [] for key in files}
    _check_categories(document, annotations)
    for index, record in enumerate(_list(document, "annotations", annotations)):
        where = f"{annotations}: annotation {index}"
        if not _is_id(record.get("image_id")) or record["image_id"] not in people:
            raise DatasetError(f"{where}: out of step with images: there is no image {record.get('image_id')}")
        if not record.get("iscrowd") and _is_labelled(record.get("keypoints"), where):
            people[record["image_id"]].append(_labels(record, where))
    folder = images or image_folder(annotations)
    pictures = [AnnotatedPicture(name, folder / name, tuple(people[key])) for key, name in files.items()]
    return PictureDataset(NAME, annotations, COCO17, tuple(pictures))


def _list(document: Any, key: str, path: Path) -> list[dict[str, Any]]:
    entries = document.get(key) if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(item, dict) for item in entries):
        raise FormatError(f'{path}: expected COCO\'s list "{key}", got {type(entries).__name__}')
    if key == "images":
        wrong = [one for one in entries if not (_is_id(one.get("id")) and isinstance(one.get("file_name"), str))]
        if wrong:
            raise FormatError(f'{path}: "images": expected an "id" and a "file_name" in each, got {shown(wrong[0])}')
    return entries


def _is_id(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_labelled(keypoints: object, where: str) -> bool:
    if keypoints is not None and not isinstance(keypoints, list):
        raise FormatError(f"{where}: keypoints: expected a list, got {shown(keypoints)}")
    return any(keypoints or ())


def _check_categories(document: Any, path: Path) -> None:
    for category in _list(document, "categories", path):
        joints = tuple(category["keypoints"]) if isinstance(category.get("keypoints"), list) else ()
        if joints and joints != COCO17.joints:
            raise FormatError(
                f'{path}: category "{category.get("name")}": expected the keypoints of coco17, got {len(joints)} '
                f"others: {', '.join(map(str, joints[:4]))} ..."
            )


def _labels(record: dict[str, Any], where: str) -> PersonLabels:
    rows = torch.from_numpy(numbers(record["keypoints"], (len(COCO17), 3), f"{where}: keypoints"))
    box = torch.from_numpy(numbers(record.get("bbox"), (4,), f"{where}: bbox").copy())
    box[:2] -= _EDGE_OF_PIXEL
    is_labelled = rows[:, 2] > 0
    return PersonLabels(
        pixels=torch.where(is_labelled[:, None], rows[:, :2], torch.nan),
        is_visible=rows[:, 2] == 2,
        center=box[:2] + box[2:] / 2,
        area_px2=float(numbers(record.get("area", math.nan), (1,), f"{where}: area")[0]),
        box=box,
    )
