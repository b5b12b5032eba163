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

from poseharvest.calibration.documents import load_json
from poseharvest.datasets.labelled_pictures import PersonLabels, PictureDataset, by_picture, image_folder
from poseharvest.datasets.pose_files import load_mat
from poseharvest.errors import DatasetError, FormatError
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
    release = load_mat(path, "RELEASE").reshape(-1)[0]
    pictures = _parts(release, "annolist", path)
    is_train = np.asarray(_field(release, "img_train", path)).reshape(-1)
    if len(is_train) != len(pictures):
        raise DatasetError(
            f"{path}: out of step: expected img_train for {len(pictures)} pictures of annolist, got {len(is_train)}"
        )
    return [
        (_text(_parts(picture, "image", path)[0], "name", path), labels)
        for picture, train in zip(pictures, is_train, strict=True)
        if train
        for person in _parts(picture, "annorect", path)
        if (labels := _from_rectangle(person, path)) is not None
    ]


def _from_rectangle(person: Any, path: Path) -> PersonLabels | None:
    """Return the labels of a person; None for a person without joints."""
    groups = _parts(person, "annopoints", path) if hasattr(person, "annopoints") else []
    if not groups:
        return None
    points, visible = np.full((_NUM_JOINTS, 2), _NO_POINT), np.zeros(_NUM_JOINTS)
    for point in _parts(groups[0], "point", path):
        joint = int(_number(point, "id", path))
        if not 0 <= joint < _NUM_JOINTS:
            raise FormatError(f"{path}: expected joints numbered 0 to {_NUM_JOINTS - 1}, got {joint}")
        points[joint] = _number(point, "x", path), _number(point, "y", path)
        visible[joint] = _visibility(point)
    places = _parts(person, "objpos", path) if hasattr(person, "objpos") else []
    center = [_number(places[0], axis, path) for axis in "xy"] if places else [np.nan, np.nan]
    has_scale = hasattr(person, "scale") and np.size(person.scale) > 0
    return _labels(
        points=points,
        visible=visible,
        center=np.asarray(center),
        scale=_number(person, "scale", path) if has_scale else float("nan"),
        head_px=_head_size(person, path),
    )


def _visibility(point: Any) -> float:
    """Return 0 if the label is the number or the character 0, else 1."""
    value = np.asarray(getattr(point, "is_visible", 1)).reshape(-1)
    return 0.0 if value.size and str(value[0]).strip() in {"0", "0.0"} else 1.0


def _head_size(person: Any, path: Path) -> float:
    if not all(hasattr(person, corner) and np.size(getattr(person, corner)) for corner in ("x1", "y1", "x2", "y2")):
        return float("nan")
    x1, y1, x2, y2 = (_number(person, corner, path) for corner in ("x1", "y1", "x2", "y2"))
    return _HEAD_BOX_SHARE * float(np.hypot(x2 - x1, y2 - y1))


def _field(struct: Any, name: str, path: Path) -> Any:
    if not hasattr(struct, name):
        names = ", ".join(getattr(struct, "_fieldnames", ())) or "none"
        raise FormatError(f'{path}: expected a field "{name}", got {names}')
    return getattr(struct, name)


def _parts(struct: Any, name: str, path: Path) -> list[Any]:
    """Return the structs in a field, possibly none."""
    return list(np.asarray(_field(struct, name, path), dtype=object).reshape(-1))


def _number(struct: Any, name: str, path: Path) -> float:
    value = np.asarray(_field(struct, name, path)).reshape(-1)
    if value.size != 1 or value.dtype.kind not in "iuf":
        raise FormatError(f'{path}: field "{name}": expected one number, got {value.tolist()!r}')
    return float(value[0])


def _text(struct: Any, name: str, path: Path) -> str:
    value = np.asarray(_field(struct, name, path)).reshape(-1)
    if value.size != 1:
        raise FormatError(f'{path}: field "{name}": expected a text, got {value.tolist()!r}')
    return str(value[0])
