"""Keypoint files of other 2D detectors: OpenPose's JSON (a file a frame) and COCO's (a file a view).

OpenPose: `people[].pose_keypoints_2d` is x, y, score of every joint, pixels of the picture; a joint that was not
found is 0, 0, 0. A folder holds one folder a view, called as the view, or the view and `_json`; the last number in a
file's name is its frame. COCO: one `VIEW.json` a view in a folder; either a data set (`images`, `annotations`,
`categories`), whose third value is a flag of visibility, or a list of results (`image_id`, `keypoints`), whose third
value is a score. The last number in an image's file name is its frame, or else its id.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.errors import DetectorError, FormatError


class KeypointFiles(Protocol):
    """The keypoints of one view, by frame number of the files."""

    @property
    def joints(self) -> tuple[str, ...] | None:
        """Names of the rows if the files name them, else None."""
        ...

    @property
    def frames(self) -> tuple[int, ...]:
        """Numbers of the frames that the files hold, in order."""
        ...

    def people(self, number: int) -> list[Tensor]:
        """Return (K, 3) float64 x, y, score of everybody in a frame; nobody where the files lack the frame."""
        ...


class OpenPoseFolder:
    """One view's folder of OpenPose files. Files are read when asked for, so that any length fits in memory."""

    joints: tuple[str, ...] | None = None

    def __init__(self, folder: Path) -> None:
        self._paths: dict[int, Path] = {}
        for path in sorted(folder.glob("*.json")):
            number = _last_number(path.stem)
            if number is None:
                raise FormatError(f"{path}: expected a frame number in the file's name, got none")
            if number in self._paths:
                raise FormatError(f"{path}: expected one file for frame {number}, got also {self._paths[number].name}")
            self._paths[number] = path
        if not self._paths:
            raise DetectorError(f"{folder}: expected OpenPose files (*.json), got none")

    @property
    def frames(self) -> tuple[int, ...]:
        """Numbers of the frames that have a file."""
        return tuple(sorted(self._paths))

    def people(self, number: int) -> list[Tensor]:
        """Return (K, 3) x, y, score of everybody in a frame.

        Raises:
            FormatError: the file is damaged.
        """
        path = self._paths.get(number)
        if path is None:
            return []
        content = _read_json(path)
        if not isinstance(content, dict) or not isinstance(content.get("people"), list):
            raise FormatError(f"{path}: expected OpenPose's people, got {type(content).__name__} without them")
        return [_triples(_field(person, "pose_keypoints_2d", path), path) for person in content["people"]]


class CocoFile:
    """One view's COCO file."""

    def __init__(self, path: Path) -> None:
        content = _read_json(path)
        self.joints: tuple[str, ...] | None = None
        self._people: dict[int, list[Tensor]] = defaultdict(list)
        if isinstance(content, list):
            for result in content:
                self._people[_whole(_field(result, "image_id", path), path)].append(_person(result, path))
            self._numbers = tuple(sorted(self._people))
        else:
            self._read_data_set(content, path)

    def _read_data_set(self, content: Any, path: Path) -> None:
        numbers = {}
        for image in _field(content, "images", path):
            number = _last_number(Path(str(image.get("file_name", ""))).stem)
            identity = _whole(_field(image, "id", path), path)
            numbers[identity] = identity if number is None else number
        for annotation in _field(content, "annotations", path):
            identity = _whole(_field(annotation, "image_id", path), path)
            if identity not in numbers:
                raise FormatError(f"{path}: expected the image {identity} of an annotation among images, got none")
            person = _person(annotation, path)
            person[:, 2] = (person[:, 2] > 0).double()
            self._people[numbers[identity]].append(person)
        for category in content.get("categories", []):
            if category.get("keypoints"):
                self.joints = tuple(str(name) for name in category["keypoints"])
        self._numbers = tuple(sorted(numbers.values()))

    @property
    def frames(self) -> tuple[int, ...]:
        """Numbers of the frames that the file holds."""
        return self._numbers

    def people(self, number: int) -> list[Tensor]:
        """Return (K, 3) x, y, score of everybody in a frame."""
        return list(self._people.get(number, []))


def open_view(root: Path, view: str) -> KeypointFiles:
    """Return the keypoint files of a view below `root`.

    Raises:
        DetectorError: there are none; the message lists what there is.
    """
    for folder in (root / view, root / f"{view}_json"):
        if folder.is_dir():
            return OpenPoseFolder(folder)
    if (root / f"{view}.json").is_file():
        return CocoFile(root / f"{view}.json")
    found = sorted(path.name for path in root.iterdir())[:8]
    raise DetectorError(
        f'{root}: view "{view}": expected a folder "{view}" or "{view}_json" of OpenPose files, or a COCO file '
        f'"{view}.json", got {", ".join(found) or "nothing"}'
    )


def named_rows(joints: tuple[str, ...] | None, layout: str | None, *, source: str) -> tuple[str, ...] | None:
    """Return the names of the rows: those of the layout that the user chose, else those in the files.

    Raises:
        DetectorError: there is no such layout.
    """
    if layout is None:
        return joints
    if layout not in LAYOUTS:
        raise DetectorError(f'{source}: layout: expected one of {", ".join(LAYOUTS)}, got "{layout}"')
    return LAYOUTS[layout]


def _last_number(text: str) -> int | None:
    digits = re.findall(r"\d+", text)
    return int(digits[-1]) if digits else None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(f"{path}: expected JSON, got: {error}") from error


def _field(record: Any, key: str, path: Path) -> Any:
    if not isinstance(record, dict) or key not in record:
        raise FormatError(f'{path}: expected a record with "{key}", got {str(record)[:60]}')
    return record[key]


def _whole(value: Any, path: Path) -> int:
    number = _last_number(str(value))
    if number is None:
        raise FormatError(f"{path}: expected a number, got {value!r}")
    return number


def _person(record: Any, path: Path) -> Tensor:
    return _triples(_field(record, "keypoints", path), path)


def _triples(values: Any, path: Path) -> Tensor:
    """Return (K, 3) of a flat list; a joint without a finite place gets score 0, scores are cut to 0 to 1."""
    numbers = isinstance(values, list) and all(isinstance(value, int | float) for value in values)
    if not numbers or not values or len(values) % 3:
        raise FormatError(f"{path}: expected keypoints as x, y, score of every joint, got {str(values)[:60]}")
    finite = [value if math.isfinite(value) else -math.inf for value in values]
    person = torch.tensor(finite, dtype=torch.float64).view(-1, 3)
    found = torch.isfinite(person).all(-1) & (person[:, 2] > 0)
    return torch.where(found.unsqueeze(-1), person, torch.zeros_like(person)).clamp_(
        max=torch.tensor([math.inf, math.inf, 1.0], dtype=torch.float64)
    )
