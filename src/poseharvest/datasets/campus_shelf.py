"""Campus (three cameras, outdoors) and Shelf (five cameras, indoors) of TU Munich: three to four walking people.

The layout is that of VoxelPose:

| file | what |
|---|---|
| `actorsGT.mat` | `actor3D`, `actor2D`: cells by actor and frame |
| `calibration_shelf.json` | perspective cameras; T is the camera's *centre* (`calibration/voxelpose.py`) |
| `Camera0/img_000000.png` | Shelf, 1032 x 776 |
| `Camera0/campus4-c0-00000.png` | Campus, 360 x 288 |
| `pred_shelf_maskrcnn_hrnet_coco.pkl` | 2D keypoints of all people (`voxelpose_keypoints.py`) |

Quirks. `actor3D` is in metres, the calibration in mm. A frame without an actor is an empty cell, of shape (1, 0).
Frames are counted from 0, in cells and in pictures' names. The 14 joints are in the order of `lsp14`; the "bottom head"
is its `upper_neck`. Some cells hold pixels as uint8. Papers evaluate only some frames (`EVALUATION_FRAMES`) and only
actors 1 to 3, although Shelf has four. If only some pictures exist, the footage consists of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.arrays import ImageSize
from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.voxelpose import read_voxelpose, reject_voxelpose
from poseharvest.datasets.protocol import DatasetSequence, MultiViewDataset, PersonTruth, SequenceTruth
from poseharvest.datasets.recording_footage import DatasetFootage, blanks, numbered_pictures, stills
from poseharvest.errors import DatasetError, FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_json
from poseharvest.reading.matlab import read_mat
from poseharvest.skeleton.definitions import LSP14
from poseharvest.units import mm_per

FRAME_RATE = 25.0
ACTORS_FILE = "actorsGT.mat"

IMAGE_SIZES: MappingProxyType[str, ImageSize] = MappingProxyType({"campus": (288, 360), "shelf": (776, 1032)})
"""(height, width) of the pictures."""

EVALUATION_FRAMES = MappingProxyType({
    "campus": (*range(350, 471), *range(650, 751)),
    "shelf": tuple(range(300, 601)),
})
"""Numbers of the frames that papers evaluate."""

EVALUATION_ACTORS = ("actor1", "actor2", "actor3")
"""The actors that papers evaluate."""

_NUM_JOINTS = len(LSP14)


def open_campus(root: Path) -> MultiViewDataset:
    """Return Campus; see `open_shelf`."""
    return _open("campus", root)


def open_shelf(root: Path) -> MultiViewDataset:
    """Return Shelf, one sequence of several people.

    Raises:
        DatasetError: the folder lacks the annotations or the calibration, or contains pictures of frames without
            annotations.
        FormatError: one of them is damaged.
    """
    return _open("shelf", root)


def _open(name: str, root: Path) -> MultiViewDataset:
    calibration = root / f"calibration_{name}.json"
    for path in (root / ACTORS_FILE, calibration):
        if not path.is_file():
            raise DatasetError(f"{path}: expected a file of {name.capitalize()}, found nothing there")
    rig = _read_rig(name, calibration)

    def open_footage(selected: tuple[str, ...], pictures: bool) -> DatasetFootage:
        numbers = _frame_numbers(root, rig.names, _read_actors(root).num_frames)
        if not pictures:
            return blanks(name, rig.subset(selected), numbers=numbers, number_rate=FRAME_RATE)
        paths = [numbered_pictures(_folder(root, camera)) for camera in selected]
        return stills(name, rig.subset(selected), paths, numbers=numbers, number_rate=FRAME_RATE)

    sequence = DatasetSequence(
        name=name,
        subject="actors",
        action=name,
        cameras=rig.names,
        open_footage=open_footage,
        read_truth=lambda: _truth(root, rig.names),
    )
    return MultiViewDataset(name, root, LSP14, (sequence,))


def _read_rig(name: str, calibration: Path) -> Rig:
    reason = reject_voxelpose(calibration)
    if reason is not None:
        raise FormatError(f"{calibration}: not a calibration of VoxelPose: {reason}")
    sizes = dict.fromkeys(load_json(calibration), IMAGE_SIZES[name])
    return read_voxelpose(calibration, ReadOptions(image_sizes=sizes))


def _folder(root: Path, camera: str) -> Path:
    return root / f"Camera{camera}"


def _frame_numbers(root: Path, cameras: tuple[str, ...], num_annotated: int) -> list[int]:
    """Return the numbers of the frames: those with a picture, or all annotated ones if there are no pictures."""
    folders = [folder for camera in cameras if (folder := _folder(root, camera)).is_dir()]
    held = sorted({number for folder in folders for number in numbered_pictures(folder)})
    if held and held[-1] >= num_annotated:
        raise DatasetError(
            f"{root}: pictures and {ACTORS_FILE} are out of step: expected pictures numbered 0 to {num_annotated - 1}, "
            f"got {held[-1]}"
        )
    return held or list(range(num_annotated))


@dataclass(frozen=True, eq=False)
class _Actors:
    """The cells of `actorsGT.mat`.

    Attributes:
        poses: by actor and frame, (14, 3) m, or anything empty.
        pixels: by actor, frame and camera, (14, 2), or anything empty.
    """

    poses: list[list[NDArray[Any]]]
    pixels: list[list[list[NDArray[Any]]]]

    @property
    def num_frames(self) -> int:
        return len(self.poses[0])


def _read_actors(root: Path) -> _Actors:
    path = root / ACTORS_FILE
    poses = [_cells(actor) for actor in _cells(_unpacked(read_mat(path, "actor3D"), depth=2))]
    actors = _cells(_unpacked(read_mat(path, "actor2D"), depth=3))
    pixels = [[_cells(frame) for frame in _cells(actor)] for actor in actors]
    lengths = [len(actor) for actor in poses] + [len(actor) for actor in pixels]
    if len(set(lengths)) != 1 or len(poses) != len(pixels):
        raise DatasetError(
            f"{path}: actors are out of step: expected cells for the same frames of each in actor3D and actor2D, "
            f"got {', '.join(map(str, lengths))}"
        )
    for number, actor in enumerate(poses, 1):
        for frame, pose in enumerate(actor):
            if pose.size and pose.shape != (_NUM_JOINTS, 3):
                raise FormatError(
                    f"{path}: actor{number}, frame {frame}: expected {_NUM_JOINTS} joints, ({_NUM_JOINTS}, 3), "
                    f"got {pose.shape}"
                )
    return _Actors(poses, pixels)


def _cells(cell: NDArray[Any]) -> list[NDArray[Any]]:
    """Return the parts of a cell array; a matrix is its own only part."""
    return [np.asarray(part) for part in cell.flat] if cell.dtype == object else [cell]


def _unpacked(cell: NDArray[Any], *, depth: int) -> NDArray[Any]:
    """Return the cell array `depth` levels above its matrices; MATLAB may add outer levels with one cell each."""
    above: list[NDArray[Any]] = []
    inner = cell
    while inner.dtype == object and inner.size:
        above.append(inner)
        inner = np.asarray(inner.flat[0])
    extra = max(len(above) - depth, 0)
    return above[extra] if above and all(outer.size == 1 for outer in above[:extra]) else cell


def _truth(root: Path, cameras: tuple[str, ...]) -> SequenceTruth:
    actors = _read_actors(root)
    numbers = _frame_numbers(root, cameras, actors.num_frames)
    people = tuple(
        _person(f"actor{i}", poses, pixels, numbers, cameras)
        for i, (poses, pixels) in enumerate(zip(actors.poses, actors.pixels, strict=True), 1)
    )
    return SequenceTruth(LSP14, people)


def _person(
    name: str,
    poses: list[NDArray[Any]],
    pixels: list[list[NDArray[Any]]],
    numbers: list[int],
    cameras: tuple[str, ...],
) -> PersonTruth:
    frames = [frame for frame, number in enumerate(numbers) if poses[number].size]
    held = [numbers[frame] for frame in frames]
    positions = np.array([poses[number] for number in held], dtype=np.float64).reshape(-1, _NUM_JOINTS, 3)
    by_view = {
        camera: np.array([_view_pixels(pixels[number], view) for number in held]).reshape(-1, _NUM_JOINTS, 2)
        for view, camera in enumerate(cameras)
    }
    return PersonTruth(
        name=name,
        skeleton=LSP14,
        frames=torch.tensor(frames, dtype=torch.int64),
        numbers=torch.tensor(held, dtype=torch.int64),
        positions=torch.from_numpy(positions * mm_per("m")),
        pixels={camera: torch.from_numpy(of_view) for camera, of_view in by_view.items()},
    )


def _view_pixels(views: list[NDArray[Any]], view: int) -> NDArray[np.float64]:
    if view < len(views) and views[view].shape == (_NUM_JOINTS, 2):
        return views[view].astype(np.float64)
    return np.full((_NUM_JOINTS, 2), np.nan)
