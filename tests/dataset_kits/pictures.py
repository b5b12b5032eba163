"""MPII and COCO in miniature: pictures with discs, labels in each true format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.io import savemat

from dataset_kits.scene import MARKED, write_picture
from poseharvest.skeleton.definitions import COCO17, MPII16
from poseharvest.skeleton.skeleton import Skeleton

SIZE = (120, 200)
NAMES = ("000001.jpg", "000002.jpg")
UNLABELLED = {"mpii": "left_wrist", "coco": "nose"}
HIDDEN = "right_knee"


@dataclass(frozen=True)
class WrittenPictures:
    """What was written: (J, 2) pixels by picture and person, NaN without label, counted from 0."""

    name: str
    annotations: Path
    people: dict[str, list[np.ndarray]]
    head_px: float = float("nan")


def points(skeleton: Skeleton, unlabelled: str, seed: int) -> np.ndarray:
    """(J, 2) well apart, whole pixels."""
    generator = np.random.default_rng(seed)
    cells = generator.permutation(50)[: len(skeleton)]
    pixels = np.stack((12 + 18 * (cells % 10), 12 + 22 * (cells // 10)), -1).astype(float)
    pixels[skeleton.index(unlabelled)] = np.nan
    return pixels


def write_pictures(folder: Path, skeleton: Skeleton, unlabelled: str) -> dict[str, list[np.ndarray]]:
    """The first picture with one person, whose discs it shows, the second with two."""
    people = {NAMES[0]: [points(skeleton, unlabelled, 0)], NAMES[1]: [points(skeleton, unlabelled, s) for s in (1, 2)]}
    for name, poses in people.items():
        image = np.full((*SIZE, 3), 20, dtype=np.uint8)
        for joint, colour in MARKED.items():
            x, y = poses[0][skeleton.index(joint)]
            cv2.circle(image, (int(x), int(y)), 5, colour, -1)
        write_picture(folder / name, image)
    return people


def filled(pixels: np.ndarray, value: float) -> list[list[float]]:
    """Counted from 1, `value` for a joint without label."""
    return np.where(np.isnan(pixels), value, pixels + 1).tolist()


def visible(skeleton: Skeleton, pixels: np.ndarray) -> list[int]:
    return [int(j != HIDDEN and not np.isnan(p).any()) for j, p in zip(skeleton.joints, pixels, strict=True)]


def mpii_hourglass(root: Path) -> WrittenPictures:
    people = write_pictures(root / "images", MPII16, UNLABELLED["mpii"])
    records = [
        {
            "dataset": "MPI",
            "isValidation": 1.0,
            "img_paths": name,
            "objpos": [101.0, 61.0],
            "joint_self": [[*p, v] for p, v in zip(filled(pixels, 0), visible(MPII16, pixels), strict=True)],
            "scale_provided": 0.5,
            "numOtherPeople": 0.0,
        }
        for name, poses in people.items()
        for pixels in poses
    ]
    path = root / "mpii_annotations.json"
    path.write_text(json.dumps(records))
    return WrittenPictures("mpii", path, people)


def mpii_hrnet(root: Path) -> WrittenPictures:
    people = write_pictures(root / "images", MPII16, UNLABELLED["mpii"])
    records = [
        {
            "image": name,
            "center": [101.0, 61.0],
            "scale": 0.5,
            "joints": filled(pixels, -1),
            "joints_vis": visible(MPII16, pixels),
        }
        for name, poses in people.items()
        for pixels in poses
    ]
    path = root / "annot" / "valid.json"
    path.parent.mkdir()
    path.write_text(json.dumps(records))
    return WrittenPictures("mpii", path, people)


def structs(records: list[dict]) -> np.ndarray:
    """A MATLAB struct array, (1, N)."""
    array = np.empty((1, len(records)), dtype=[(key, object) for key in records[0]])
    for i, record in enumerate(records):
        for key, value in record.items():
            array[key][0, i] = value
    return array


def mpii_mat(root: Path) -> WrittenPictures:
    """With a picture of the test part, one without people, and somebody without joints."""
    people = write_pictures(root / "images", MPII16, UNLABELLED["mpii"])
    pictures = [structs_of_picture(name, poses) for name, poses in people.items()]
    pictures.append({"image": structs([{"name": "empty.jpg"}]), "annorect": np.zeros((0, 0))})
    pictures.append(structs_of_picture("test.jpg", people[NAMES[0]]))
    release = {"annolist": structs(pictures), "img_train": np.array([[1, 1, 1, 0]], dtype=np.uint8)}
    path = root / "mpii_human_pose_v1_u12_1.mat"
    savemat(path, {"RELEASE": structs([release])})
    return WrittenPictures("mpii", path, people, head_px=0.6 * 50)


def structs_of_picture(name: str, poses: list[np.ndarray]) -> dict:
    rectangles = [rectangle(pixels) for pixels in poses]
    rectangles.append({**rectangle(poses[0]), "annopoints": np.zeros((0, 0))})
    return {"image": structs([{"name": name}]), "annorect": structs(rectangles)}


def rectangle(pixels: np.ndarray) -> dict:
    """Visibility is a number, a character or nothing, as in the original."""
    labelled = [i for i, p in enumerate(pixels) if not np.isnan(p).any()]
    marks = {True: "1", False: np.array([[0.0]])}
    parts = [
        {
            "x": float(pixels[i, 0] + 1),
            "y": float(pixels[i, 1] + 1),
            "id": float(i),
            "is_visible": np.zeros((0, 0)) if i == 6 else marks[MPII16.joints[i] != HIDDEN],
        }
        for i in reversed(labelled)
    ]
    return {
        "x1": 11.0,
        "y1": 11.0,
        "x2": 41.0,
        "y2": 51.0,
        "annopoints": structs([{"point": structs(parts)}]),
        "scale": 0.5,
        "objpos": structs([{"x": 101.0, "y": 61.0}]),
    }


def coco(root: Path) -> WrittenPictures:
    people = write_pictures(root / "images", COCO17, UNLABELLED["coco"])
    annotations = [
        {
            "image_id": NAMES.index(name) + 7,
            "keypoints": [value for row in coco_rows(pixels) for value in row],
            "bbox": [50.5, 20.5, 100.0, 80.0],
            "area": 4000.0,
            "iscrowd": 0,
        }
        for name, poses in people.items()
        for pixels in poses
    ]
    annotations.append({**annotations[0], "iscrowd": 1})
    annotations.append({**annotations[0], "keypoints": [0] * 51})
    document = {
        "images": [{"id": i + 7, "file_name": name} for i, name in enumerate(NAMES)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO17.joints)}],
    }
    path = root / "annotations" / "person_keypoints.json"
    path.parent.mkdir()
    path.write_text(json.dumps(document))
    return WrittenPictures("coco", path, people)


def coco_rows(pixels: np.ndarray) -> list[list[float]]:
    flags = [0 if np.isnan(p).any() else 1 if j == HIDDEN else 2 for j, p in zip(COCO17.joints, pixels, strict=True)]
    return [[*np.nan_to_num(p).tolist(), flag] for p, flag in zip(pixels, flags, strict=True)]
