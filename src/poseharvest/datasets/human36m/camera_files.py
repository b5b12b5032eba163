"""The cameras of Human3.6M, from the `metadata.xml` of the official software or a JSON made from it.

`metadata.xml` holds `<w0>[...]</w0>`, 300 numbers. The first ones are three angles and three coordinates for each of 4
cameras and, within a camera, each of 11 subjects. Then follow fx fy cx cy k1 k2 k3 p1 p2 of each camera. The rotation
is R = Rx(a) Ry(b) Rz(c); the coordinates are the camera's *centre* in mm: `x_cam = R (x_world - T)`. The radial k3
comes before p1 and p2.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseharvest.calibration.build import CameraNumbers, ReadOptions, build_rig
from poseharvest.calibration.h36m import IMAGE_SIZES, read_h36m, reject_h36m
from poseharvest.datasets.human36m.names_and_joints import CAMERAS
from poseharvest.errors import DatasetError, FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_xml

METADATA = "metadata.xml"
_NUM_SUBJECTS = 11
_NUM_INTRINSICS = 9
_NUM_NUMBERS = len(CAMERAS) * (6 * _NUM_SUBJECTS + _NUM_INTRINSICS)


def find_cameras(root: Path, cameras: Path | None = None) -> Path:
    """Return the file with the cameras: `cameras` if given, else a `metadata.xml` or a JSON below `root`.

    Raises:
        DatasetError: there is no such file.
    """
    if cameras is not None:
        return cameras
    for pattern in (METADATA, f"*/{METADATA}"):
        candidates = sorted(root.glob(pattern))
        if candidates:
            return candidates[0]
    jsons = [path for path in sorted(root.glob("*.json")) if reject_h36m(path) is None]
    if not jsons:
        raise DatasetError(
            f"{root}: expected Human3.6M's cameras, {METADATA} or a JSON with intrinsics and extrinsics, got neither: "
            "put one there, or say where it is (cameras=PATH)"
        )
    return jsons[0]


def read_cameras(path: Path, subject: str) -> Rig:
    """Return the four cameras in their places for a subject ("S9").

    Raises:
        FormatError: the file is damaged.
        CalibrationError: the file lacks the subject, or a camera is impossible.
    """
    if path.suffix.lower() == ".xml":
        return _read_metadata(path, subject)
    return read_h36m(path, ReadOptions(subject=subject))


def _read_metadata(path: Path, subject: str) -> Rig:
    numbers = _w0(path)
    match = re.fullmatch(r"S(\d+)", subject)
    if match is None or not 1 <= int(match[1]) <= _NUM_SUBJECTS:
        raise DatasetError(f'{path.name}: expected a subject of S1 to S{_NUM_SUBJECTS}, got "{subject}"')
    index = int(match[1]) - 1
    split = len(CAMERAS) * _NUM_SUBJECTS * 6
    extrinsics = numbers[:split].reshape(len(CAMERAS), _NUM_SUBJECTS, 6)[:, index]
    intrinsics = numbers[split:].reshape(len(CAMERAS), _NUM_INTRINSICS)
    cameras = [_camera(*parts) for parts in zip(CAMERAS, extrinsics, intrinsics, strict=True)]
    return build_rig(cameras, f"{path.name}: {subject}", 1.0, ReadOptions())


def _w0(path: Path) -> NDArray[np.float64]:
    node = load_xml(path).find("w0")
    if node is None or not node.text:
        raise FormatError(f"{path}: expected Human3.6M's metadata with <w0>, got none")
    try:
        numbers = np.asarray([float(word) for word in re.split(r"[\s,;]+", node.text.strip(" []\n"))])
    except ValueError as error:
        raise FormatError(f"{path}: <w0>: expected numbers, got: {error}") from error
    if len(numbers) != _NUM_NUMBERS:
        raise FormatError(f"{path}: <w0>: expected {_NUM_NUMBERS} numbers, got {len(numbers)}")
    return numbers


def _camera(name: str, extrinsics: NDArray[np.float64], intrinsics: NDArray[np.float64]) -> CameraNumbers:
    rotation = _rotation(*extrinsics[:3])
    fx, fy, cx, cy, k1, k2, k3, p1, p2 = intrinsics.tolist()
    return CameraNumbers(
        name=name,
        image_size=IMAGE_SIZES[name],
        matrix=[[fx, 0, cx], [0, fy, cy], [0, 0, 1]],
        rotation=rotation,
        translation=-rotation @ extrinsics[3:],
        coefficients=[k1, k2, p1, p2, k3],
    )


def _rotation(a: float, b: float, c: float) -> NDArray[np.float64]:
    (sa, sb, sc), (ca, cb, cc) = np.sin((a, b, c)), np.cos((a, b, c))
    about_x = np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
    about_y = np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
    about_z = np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    return np.asarray(about_x @ about_y @ about_z)
