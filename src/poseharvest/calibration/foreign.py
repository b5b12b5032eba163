"""Files of known kinds that are not a supported calibration, with advice for the error message."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from poseharvest.errors import FormatError
from poseharvest.reading.documents import load_json, read_text

_MAX_CHARS = 4000


@dataclass(frozen=True)
class ForeignKind:
    """A kind of file that is not supported.

    Attributes:
        what: description of the kind, for a sentence "it is ...".
        remedy: advice for the user.
        is_one: returns whether a file is of this kind, from its JSON (None if it is not JSON) and its first characters.
    """

    what: str
    remedy: str
    is_one: Callable[[Any, str], bool]


def _has(document: object, *keys: str) -> bool:
    return isinstance(document, dict) and set(keys) <= document.keys()


def _lists_image_points(document: object) -> bool:
    """Return whether the document is the list of image points that Pose2Sim stores beside its calibration."""
    if not _has(document, "intrinsics", "extrinsics"):
        return False
    assert isinstance(document, dict)  # as `_has` says
    halves = (document["intrinsics"], document["extrinsics"])
    return all(isinstance(half, list) and all(_has(item, "cam_name") for item in half) for half in halves)


def _matches(pattern: str) -> Callable[[Any, str], bool]:
    compiled = re.compile(pattern, re.MULTILINE)
    return lambda document, text: compiled.search(text) is not None


_WRITE_TOML = "convert it to a TOML as Pose2Sim's (docs/formats.md)"

FOREIGN: tuple[ForeignKind, ...] = (
    ForeignKind(
        "Pose2Sim's list of image points, no calibration",
        "name the Calib*.toml beside it",
        lambda document, text: _lists_image_points(document),
    ),
    ForeignKind(
        "a data set of COCO, no calibration",
        "name the calibration",
        lambda document, text: _has(document, "images", "annotations"),
    ),
    ForeignKind(
        "a file of keypoints, no calibration",
        "name the calibration",
        lambda document, text: _has(document, "people") or _has(document, "instance_info"),
    ),
    ForeignKind(
        "a NeRF's transforms.json (camera-to-world, OpenGL axes)",
        _WRITE_TOML,
        lambda document, text: _has(document, "frames") and "transform_matrix" in text,
    ),
    ForeignKind(
        "one camera alone, as of an Azure Kinect or RealSense",
        "a calibration of all cameras is needed",
        lambda document, text: _has(document, "intrinsics") and _has(document["intrinsics"], "fx"),
    ),
    ForeignKind(
        "a calibration of Kalibr", _WRITE_TOML, _matches(r"^\s*T_cn_cnm1:|^\s*T_cam_imu:|^\s*distortion_model:")
    ),
    ForeignKind(
        "a calibration of one camera (ROS or OpenCV)",
        "a calibration of all cameras with their places is needed",
        _matches(r"^\s*[Cc]amera_?[Mm]atrix:"),
    ),
)

_BINARY: Mapping[str, ForeignKind] = MappingProxyType({
    ".qca": ForeignKind(
        "a binary calibration of Qualisys",
        "export it from Qualisys Track Manager as text (.qca.txt)",
        lambda document, text: False,
    ),
    ".cal": ForeignKind(
        "a binary calibration of OptiTrack's Motive",
        "export it from Motive 3.2 or later as .mcal",
        lambda document, text: False,
    ),
    ".bin": ForeignKind(
        "a binary model of COLMAP",
        "convert it by colmap model_converter --output_type TXT",
        lambda document, text: False,
    ),
})
"""Kinds of binary files by their ending."""


def foreign_kind(path: Path) -> ForeignKind | None:
    """Return the known unsupported kind of a file; None if it has none."""
    document: Any = None
    try:
        text = read_text(path)
    except FormatError:
        return _BINARY.get(path.suffix.lower())
    with suppress(FormatError):
        document = load_json(path) if text.lstrip().startswith(("{", "[")) else None
    return next((kind for kind in FOREIGN if kind.is_one(document, text[:_MAX_CHARS])), None)
