"""KTH Multiview Football Dataset II, the part with 3D truth: players filmed by three cameras that pan and zoom.

A sequence is a folder with three text files, one number per row, and the pictures:

| file | rows | order, the outermost first |
|---|---|---|
| `positions3d.txt` | 42 a frame | frame, joint, (x, y, z) |
| `positions2d.txt` | 84 a frame | frame, camera, joint, (x, y) |
| `cameras.txt` | 24 a frame | frame, camera, column 1 to 4, row 1 to 2 of the affine matrix: MATLAB's order |
| `Camera 1/00001.png` | | frame n is picture n, from 1 |

Quirks. The cameras are affine, pixel = M (x, y, z, 1), and change in every frame. Lengths are in metres, with z up. The
files do not state this, so limbs of implausible lengths are refused. The 14 joints are in the order of `lsp14`; the
"bottom head" is its `upper_neck`. The pictures are crops of the film around the player, and M maps to pixels of the
crop. The frame rate is not documented: 25 is assumed and used only for time stamps. It is also not documented whether
pixels count from 0 or 1: they are used unchanged. The ground truth was made by hand and has an error of some
centimetres.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.arrays import ImageSize
from poseharvest.capture.discover import natural_key
from poseharvest.capture.picture_folder import read_image
from poseharvest.datasets.protocol import DatasetSequence, MultiViewDataset, PersonTruth, SequenceTruth
from poseharvest.datasets.recording_footage import DatasetFootage, blanks, numbered_pictures, stills
from poseharvest.errors import CaptureError, DatasetError, FormatError
from poseharvest.geometry.camera import AffineCamera, MovingCamera
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import read_text
from poseharvest.skeleton.definitions import LSP14
from poseharvest.units import LengthUnit, mm_per

NAME = "kth_football"
FRAME_RATE = 25.0

_POSITIONS_3D, _POSITIONS_2D, _CAMERAS = "positions3d.txt", "positions2d.txt", "cameras.txt"
_NUM_JOINTS = len(LSP14)
_THIGHS = (("right_hip", "right_knee"), ("left_hip", "left_knee"))
_THIGH_MM = (250.0, 650.0)


def open_kth_football(root: Path, *, unit: LengthUnit = "m") -> MultiViewDataset:
    """Return KTH Multiview Football II: every folder below `root` with `positions3d.txt` is a sequence.

    Args:
        root: the folder of the data set, of a player, or of a sequence.
        unit: unit of length of the files.

    Raises:
        DatasetError: the folder does not exist or contains no sequence.
    """
    if not root.is_dir():
        raise DatasetError(f"{root}: expected the folder of KTH Multiview Football II, found none")
    folders = sorted((path.parent for path in root.rglob(_POSITIONS_3D)), key=lambda path: natural_key(str(path)))
    if not folders:
        raise DatasetError(f"{root}: expected folders with {_POSITIONS_3D}, {_POSITIONS_2D} and {_CAMERAS}, got none")
    return MultiViewDataset(NAME, root, LSP14, tuple(_sequence(root, folder, unit) for folder in folders))


def _sequence(root: Path, folder: Path, unit: LengthUnit) -> DatasetSequence:
    below = folder.relative_to(root)
    name = below.as_posix() if below.parts else folder.resolve().name
    subject = _player(folder)
    cameras = tuple(path.name for path in sorted(folder.glob("Camera *"), key=lambda path: natural_key(path.name)))
    if not cameras:
        cameras = tuple(f"Camera {i + 1}" for i in range(_read(folder, unit).px_from_world.shape[1]))
    return DatasetSequence(
        name=name,
        subject=subject,
        action=folder.resolve().name,
        cameras=cameras,
        open_footage=partial(_footage, name, folder, unit, cameras),
        read_truth=lambda: _truth(subject, cameras, _read(folder, unit)),
    )


def _player(folder: Path) -> str:
    """Return the player of a sequence, such as "player1", from the nearest folder with such a name."""
    for part in reversed(folder.resolve().parts):
        match = re.search(r"player\W*(\d+)", part, re.IGNORECASE)
        if match is not None:
            return f"player{match[1]}"
    return folder.resolve().parent.name


@dataclass(frozen=True, eq=False)
class _Files:
    """The content of the three files.

    Attributes:
        positions: (F, 14, 3) mm.
        pixels: (F, V, 14, 2).
        px_from_world: (F, V, 2, 4), from mm.
    """

    positions: NDArray[np.float64]
    pixels: NDArray[np.float64]
    px_from_world: NDArray[np.float64]


def _read(folder: Path, unit: LengthUnit) -> _Files:
    flat = {name: _numbers(folder / name) for name in (_POSITIONS_3D, _POSITIONS_2D, _CAMERAS)}
    num_frames = _count(folder / _POSITIONS_3D, flat[_POSITIONS_3D], 3 * _NUM_JOINTS, "frames of 14 joints")
    num_views = _count(folder / _CAMERAS, flat[_CAMERAS], 8 * num_frames, f"cameras in {num_frames} frames")
    expected = num_frames * num_views * _NUM_JOINTS * 2
    if len(flat[_POSITIONS_2D]) != expected:
        raise DatasetError(
            f"{folder / _POSITIONS_2D}: out of step with {_POSITIONS_3D} and {_CAMERAS}: expected {expected} numbers "
            f"({num_frames} frames, {num_views} cameras, {_NUM_JOINTS} joints), got {len(flat[_POSITIONS_2D])}"
        )
    mm = mm_per(unit)
    positions = flat[_POSITIONS_3D].reshape(num_frames, _NUM_JOINTS, 3) * mm
    _check_size(folder / _POSITIONS_3D, positions, unit)
    affine = flat[_CAMERAS].reshape(num_frames, num_views, 4, 2).transpose(0, 1, 3, 2).copy()
    affine[..., :3] /= mm
    return _Files(positions, flat[_POSITIONS_2D].reshape(num_frames, num_views, _NUM_JOINTS, 2), affine)


def _numbers(path: Path) -> NDArray[np.float64]:
    if not path.is_file():
        raise DatasetError(f"{path}: expected a file of numbers, found nothing there")
    words = read_text(path).split()
    try:
        return np.asarray(words, dtype=np.float64)
    except ValueError as error:
        row, word = next((i, word) for i, word in enumerate(words, 1) if not _is_number(word))
        raise FormatError(f"{path}: row {row}: expected a number, got {word[:40]!r}") from error


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _count(path: Path, numbers: NDArray[np.float64], each: int, what: str) -> int:
    if not len(numbers) or len(numbers) % each:
        raise FormatError(f"{path}: expected {what}, {each} numbers each, got {len(numbers)} numbers")
    return len(numbers) // each


def _check_size(path: Path, positions: NDArray[np.float64], unit: LengthUnit) -> None:
    ends = [[positions[:, LSP14.index(joint)] for joint in thigh] for thigh in _THIGHS]
    length = float(np.median([np.linalg.norm(a - b, axis=-1) for a, b in ends]))
    if not _THIGH_MM[0] <= length <= _THIGH_MM[1]:
        raise FormatError(
            f"{path}: expected thighs of {_THIGH_MM[0]:.0f} to {_THIGH_MM[1]:.0f} mm, got {length:.3g} mm reading the "
            f'file in "{unit}": is it in another unit, or of other joints?'
        )


def _footage(
    name: str, folder: Path, unit: LengthUnit, cameras: tuple[str, ...], selected: tuple[str, ...], pictures: bool
) -> DatasetFootage:
    files = _read(folder, unit)
    num_frames, num_views = files.pixels.shape[:2]
    if len(cameras) != num_views:
        raise DatasetError(f"{folder}: expected {num_views} folders of pictures, got {', '.join(cameras)}")
    numbers = range(1, num_frames + 1)
    rig = Rig(tuple(_camera(camera, folder, files, cameras.index(camera)) for camera in selected))
    if not pictures:
        return blanks(name, rig, numbers=numbers, number_rate=FRAME_RATE)
    paths = [numbered_pictures(folder / camera) for camera in selected]
    return stills(name, rig, paths, numbers=numbers, number_rate=FRAME_RATE)


def _camera(name: str, folder: Path, files: _Files, view: int) -> MovingCamera:
    size = _image_size(folder / name, files.pixels[:, view])
    matrices = torch.from_numpy(files.px_from_world[:, view].copy())
    return MovingCamera(name, tuple(AffineCamera(name, size, matrix) for matrix in matrices))


def _image_size(folder: Path, pixels: NDArray[np.float64]) -> ImageSize:
    """Return the (height, width) of the pictures; without pictures, a size that contains all annotations."""
    if not folder.is_dir():
        width, height = (math.ceil(edge) + 1 for edge in np.nanmax(pixels, axis=(0, 1)))
        return height, width
    path = next(iter(numbered_pictures(folder).values()))
    image = read_image(path)
    if image is None:
        raise CaptureError(f"{path}: expected a picture, got a truncated or damaged file")
    return image.shape[0], image.shape[1]


def _truth(subject: str, cameras: tuple[str, ...], files: _Files) -> SequenceTruth:
    frames = torch.arange(len(files.positions))
    person = PersonTruth(
        name=subject,
        skeleton=LSP14,
        frames=frames,
        numbers=frames + 1,
        positions=torch.from_numpy(files.positions),
        pixels={camera: torch.from_numpy(files.pixels[:, view].copy()) for view, camera in enumerate(cameras)},
    )
    return SequenceTruth(LSP14, (person,))
