"""What one person's record in a keypoint file says, whichever tool wrote it, as rows of x, y, score."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from poseharvest.errors import FormatError
from poseharvest.reading.documents import load_json
from poseharvest.skeleton.hands import HAND21

_MAX_SHOWN = 60
_HAND_FIELDS = {"people": ("hand_left_keypoints_2d", "hand_right_keypoints_2d"), "annots": ("handl2d", "handr2d")}


def read_json(path: Path) -> Any:
    """Return what a file of JSON holds.

    Raises:
        FormatError: it cannot be read, or is no JSON.
    """
    return load_json(path, where=f"{path}: expected JSON, got")


def field(record: Any, key: str, path: Path) -> Any:
    """Return a field that a record must have.

    Raises:
        FormatError: it lacks the field, or is no record.
    """
    if not isinstance(record, dict) or key not in record:
        raise FormatError(f'{path}: expected a record with "{key}", got {_shown(record)}')
    return record[key]


def records(holder: Any, key: str, path: Path) -> list[dict[str, Any]]:
    """Return the list of records in a field.

    Raises:
        FormatError: there is none, or it holds something else than records.
    """
    value = field(holder, key, path)
    if not isinstance(value, list) or not all(isinstance(record, dict) for record in value):
        raise FormatError(f'{path}: "{key}": expected a list of records, got {_shown(value)}')
    return value


def identity(record: Any, key: str, path: Path) -> str:
    """Return the id of a picture as a text: ids are whole numbers or texts.

    Raises:
        FormatError: there is none, or it is something else.
    """
    value = field(record, key, path)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise FormatError(f'{path}: "{key}": expected a number or a text, got {_shown(value)}')
    return str(value)


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"[:_MAX_SHOWN]


def triples(values: Any, path: Path) -> Tensor | None:
    """Return (K, 3) float64 x, y, score of a flat list; None where the list is empty: nobody.

    A joint without a finite place or score (null, NaN) was not found: its score is 0. Scores are cut to 0 to 1.

    Raises:
        FormatError: it is no list of numbers, or not three a joint.
    """
    is_list = isinstance(values, list) and all(value is None or isinstance(value, int | float) for value in values)
    if not is_list or len(values) % 3:
        raise FormatError(f"{path}: expected keypoints as x, y, score of every joint, got {_shown(values)}")
    if not values:
        return None
    finite = [value if value is not None and math.isfinite(value) else -math.inf for value in values]
    person = torch.tensor(finite, dtype=torch.float64).view(-1, 3)
    is_found = torch.isfinite(person).all(-1) & (person[:, 2] > 0)
    return torch.where(is_found.unsqueeze(-1), person, torch.zeros_like(person)).clamp_(
        max=torch.tensor([math.inf, math.inf, 1.0], dtype=torch.float64)
    )


def openpose_person(record: Any, path: Path) -> Tensor | None:
    """Return a person of OpenPose's list; None for `{}`, as Pose2Sim writes who was not associated.

    Raises:
        FormatError: the record holds something else.
    """
    return None if record == {} else triples(field(record, "pose_keypoints_2d", path), path)


def hands_of(record: Any, kind: str, path: Path) -> Tensor | None:
    """Return (2, K, 3) x, y, score of a person's left and right hand; None where the record has neither.

    Args:
        record: of the person.
        kind: "people" for OpenPose's lists of numbers, "annots" for EasyMocap's lists of triples.
        path: of the file, for errors.

    Raises:
        FormatError: the record holds something else, or a hand of another number of joints.
    """
    hands = [_one_hand(record.get(key), kind, path) for key in _HAND_FIELDS[kind]]
    if all(hand is None for hand in hands):
        return None
    return torch.stack([torch.zeros((len(HAND21), 3)).double() if hand is None else hand for hand in hands])


def _one_hand(values: Any, kind: str, path: Path) -> Tensor | None:
    if not values:
        return None
    hand = triples(values, path) if kind == "people" else easymocap_person({"keypoints": values}, path)
    if hand is None or len(hand) != len(HAND21):
        got = 0 if hand is None else len(hand)
        raise FormatError(f"{path}: expected {len(HAND21)} keypoints of a hand, got {got}")
    return hand


def easymocap_person(record: Any, path: Path) -> Tensor | None:
    """Return a person of EasyMocap's list; None where the record has no keypoints.

    Raises:
        FormatError: the record holds something else.
    """
    rows = field(record, "keypoints", path)
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 3 for row in rows):
        raise FormatError(f"{path}: expected keypoints as [x, y, score] of every joint, got {_shown(rows)}")
    return triples([value for row in rows for value in row], path)


def coco_person(record: Any, path: Path) -> Tensor | None:
    """Return a person of COCO's lists; None where the record has no keypoints.

    Raises:
        FormatError: the record holds something else.
    """
    if not isinstance(record, dict):
        raise FormatError(f"{path}: expected a record of a person, got {_shown(record)}")
    values = record.get("keypoints")
    return None if values is None else triples(values, path)


def mmpose_person(record: Any, path: Path) -> Tensor | None:
    """Return a person of MMPose's lists: places and scores apart; None where there are none.

    Raises:
        FormatError: the record holds something else.
    """
    places, scores = field(record, "keypoints", path), field(record, "keypoint_scores", path)
    alike = isinstance(places, list) and isinstance(scores, list) and len(places) == len(scores)
    if not alike or not all(isinstance(place, list) and len(place) >= 2 for place in places):
        raise FormatError(f"{path}: expected a place and a score of every joint, got {_shown(record)}")
    return triples([value for place, score in zip(places, scores, strict=True) for value in (*place[:2], score)], path)
