"""MPII Human Pose: single pictures with 2D labels of 16 joints, in the order of `mpii16`.

Three files are read:

| file | content |
|---|---|
| `mpii_human_pose_v1_u12_1.mat` | the original: `RELEASE.annolist`, pictures; `annorect`, people; `annopoints` |
| JSON of the hourglass code | a person a record: `img_paths`, `objpos`, `joint_self` (x, y, seen), `scale_provided` |
| JSON of HRNet and mmpose | a person a record: `image`, `center`, `joints`, `joints_vis`, `scale` |

Quirks. All files count pixels from 1; so 1 is subtracted. `scale` is roughly the height of the person divided by 200
pixels. A joint without a label is (0, 0) in the first JSON, (-1, -1) in the second, and left out in the original.
"Visible" in the original may be a number, a character, or missing, which means visible. Only the original has the box
of the head, so `head_px` is unknown with both JSONs. The test pictures of the original (`img_train` 0) have no joints.
They are left out, as are people without joints. Annotators clicked pelvis and thorax; these are not middles of other
joints.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.datasets.labelled_pictures import PersonLabels, PictureDataset, by_picture, image_folder
from poseharvest.errors import DatasetError, FormatError
from poseharvest.reading.documents import load_json
from poseharvest.reading.matlab import MatStruct, read_mat
from poseharvest.skeleton.definitions import MPII16

NAME = "mpii"

_NUM_JOINTS = len(MPII16)
_PIXELS_PER_SCALE = 200.0
_HEAD_BOX_SHARE = 0.6  # share of the diagonal: the head size of MPII for PCKh
_NO_POINT = (np.nan, np.nan)


def open_mpii(annotations: Path, *, images: Path | None = None) -> PictureDataset:
    """Return MPII from one of its files.

    Args:
        annotations: the `.mat` or a JSON.
        images: the folder of pictures; None searches for `images` beside the file or its folder.

    Raises:
        DatasetError: there is no such file, or it contains no labelled person.
        FormatError: the file is damaged, or belongs to another data set.
    """
    if not annotations.is_file():
        raise DatasetError(f"{annotations}: expected MPII's annotations, a .mat or .json file, found none there")
    labels = _read_mat(annotations) if annotations.suffix == ".mat" else _read_json(annotations)
    pictures = by_picture(labels, images or image_folder(annotations))
    return PictureDataset(NAME, annotations, MPII16, pictures)


def _read_json(path: Path) -> list[tuple[str, PersonLabels]]:
    records = load_json(path)
    if not isinstance(records, list):
        raise FormatError(f"{path}: expected a list of people, got {type(records).__name__}")
    return [_from_record(record, f"{path}: record {index}") for index, record in enumerate(records)]


def _from_record(record: Any, where: str) -> tuple[str, PersonLabels]:
    keys = record.keys() if isinstance(record, dict) else set()
    if {"img_paths", "joint_self", "objpos", "scale_provided"} <= keys:
        rows = _floats(record["joint_self"], (_NUM_JOINTS, 3), f"{where}: joint_self")
        visible, name, center, scale = rows[:, 2], record["img_paths"], record["objpos"], record["scale_provided"]
    elif {"image", "joints", "joints_vis", "center", "scale"} <= keys:
        rows = _floats(record["joints"], (_NUM_JOINTS, 2), f"{where}: joints")
        visible = _floats(record["joints_vis"], (_NUM_JOINTS,), f"{where}: joints_vis")
        name, center, scale = record["image"], record["center"], record["scale"]
    else:
        raise FormatError(
            f'{where}: expected a person of MPII with "joint_self" or "joints", got {", ".join(sorted(keys)) or "none"}'
        )
    labels = _labels(
        points=rows[:, :2],
        visible=visible,
        center=_floats(center, (2,), f"{where}: center"),
        scale=float(_floats(scale, (), f"{where}: scale")),
    )
    return str(name), labels


def _labels(
    *,
    points: NDArray[np.float64],
    visible: NDArray[np.float64],
    center: NDArray[np.float64],
    scale: float,
    head_px: float = float("nan"),
) -> PersonLabels:
    """Return the labels of points that count from 1; (0, 0), (-1, -1) or NaN means no label."""
    is_labelled = np.asarray(np.isfinite(points).all(-1) & ~(points <= 0).all(-1))
    pixels = np.where(is_labelled[:, None], points - 1, np.nan)
    return PersonLabels(
        pixels=torch.from_numpy(pixels),
        is_visible=torch.from_numpy(is_labelled & (visible > 0)),
        center=torch.from_numpy(center - 1),
        height_px=scale * _PIXELS_PER_SCALE,
        head_px=head_px,
    )


def _floats(value: Any, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    wanted = f"{' x '.join(map(str, shape))} numbers" if shape else "a number"
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{what}: expected {wanted}, got {str(value)[:40]!r}") from error
    if array.shape != shape:
        raise FormatError(f"{what}: expected {wanted}, got shape {array.shape}")
    return array


def _read_mat(path: Path) -> list[tuple[str, PersonLabels]]:
    release = _parts(MatStruct({"RELEASE": read_mat(path, "RELEASE")}), "RELEASE", path, at_least=1)[0]
    pictures = _parts(release, "annolist", path)
    is_train = _field(release, "img_train", path).reshape(-1)
    if is_train.dtype.kind not in "biuf" or len(is_train) != len(pictures):
        raise DatasetError(
            f"{path}: out of step: expected img_train for {len(pictures)} pictures of annolist, got {len(is_train)}"
        )
    return [
        (_text(_parts(picture, "image", path, at_least=1)[0], "name", path), labels)
        for picture, train in zip(pictures, is_train, strict=True)
        if train
        for person in _parts(picture, "annorect", path)
        if (labels := _from_rectangle(person, path)) is not None
    ]


def _from_rectangle(person: MatStruct, path: Path) -> PersonLabels | None:
    """Return the labels of a person; None for a person without joints."""
    groups = _parts(person, "annopoints", path) if "annopoints" in person.fields else []
    if not groups:
        return None
    points, visible = np.full((_NUM_JOINTS, 2), _NO_POINT), np.zeros(_NUM_JOINTS)
    for point in _parts(groups[0], "point", path):
        number = _number(point, "id", path)
        if number not in range(_NUM_JOINTS):
            raise FormatError(f"{path}: expected joints numbered 0 to {_NUM_JOINTS - 1}, got {number:g}")
        joint = int(number)
        points[joint] = _number(point, "x", path), _number(point, "y", path)
        visible[joint] = _visibility(point)
    places = _parts(person, "objpos", path) if "objpos" in person.fields else []
    center = [_number(places[0], axis, path) for axis in "xy"] if places else [np.nan, np.nan]
    return _labels(
        points=points,
        visible=visible,
        center=np.asarray(center),
        scale=_number(person, "scale", path) if _has(person, "scale") else float("nan"),
        head_px=_head_size(person, path),
    )


def _visibility(point: MatStruct) -> float:
    """Return 0 if the label is the number or the character 0, else 1."""
    value = np.asarray(point.fields.get("is_visible", 1)).reshape(-1)
    return 0.0 if value.size and str(value[0]).strip() in {"0", "0.0"} else 1.0


def _head_size(person: MatStruct, path: Path) -> float:
    if not all(_has(person, corner) for corner in ("x1", "y1", "x2", "y2")):
        return float("nan")
    x1, y1, x2, y2 = (_number(person, corner, path) for corner in ("x1", "y1", "x2", "y2"))
    return _HEAD_BOX_SHARE * float(np.hypot(x2 - x1, y2 - y1))


def _has(struct: MatStruct, name: str) -> bool:
    """Return whether a struct has a field that is not empty."""
    return np.size(struct.fields.get(name, ())) > 0


def _parts(struct: MatStruct, name: str, path: Path, *, at_least: int = 0) -> list[MatStruct]:
    """Return the structs in a field, possibly none."""
    parts = _field(struct, name, path).reshape(-1).tolist()
    if len(parts) < at_least or not all(isinstance(part, MatStruct) for part in parts):
        raise FormatError(f'{path}: field "{name}": expected structs, got {str(parts)[:60]}')
    return parts


def _field(struct: MatStruct, name: str, path: Path) -> NDArray[Any]:
    if name not in struct.fields:
        raise FormatError(f'{path}: expected a field "{name}", got {", ".join(struct.fields) or "none"}')
    return np.asarray(struct.fields[name])


def _number(struct: MatStruct, name: str, path: Path) -> float:
    value = _field(struct, name, path).reshape(-1)
    if value.size != 1 or value.dtype.kind not in "iuf":
        raise FormatError(f'{path}: field "{name}": expected one number, got {str(value)[:60]}')
    return float(value[0])


def _text(struct: MatStruct, name: str, path: Path) -> str:
    value = _field(struct, name, path).reshape(-1)
    if value.size != 1 or value.dtype.kind != "U":
        raise FormatError(f'{path}: field "{name}": expected a text, got {str(value)[:60]}')
    return str(value[0])
