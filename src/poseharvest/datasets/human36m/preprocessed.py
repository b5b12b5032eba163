"""Preprocessed layouts of Human3.6M: pictures from the videos, and poses in the frame of every camera.

h36m-fetch writes `S9/Posing-1/annot.h5` with one row for each picture of each camera: `camera`, `frame` (from 1) and
`pose/3d` (32 joints, mm, frame of the camera). The `annot/valid.h5` of the authors has one row for each line of
`annot/valid_images.txt`: `S (N, 17, 3)` in the frame of the camera, with another order of the legs
(`names_and_joints`). Both contain every fifth frame, or any other selection. The camera converts its poses to the
world. If two cameras then disagree, rows and pictures do not match.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.datasets.human36m.camera_files import find_cameras, read_cameras
from poseharvest.datasets.human36m.names_and_joints import AUTHORS_ROWS, DAMAGE, FRAME_RATE, NUM_ROWS, ROWS, action_of
from poseharvest.datasets.protocol import DatasetSequence, PersonTruth, SequenceTruth
from poseharvest.datasets.recording_footage import DatasetFootage, blanks, numbered_pictures, stills
from poseharvest.errors import DatasetError, FormatError
from poseharvest.geometry.camera import Camera, CameraModel
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import read_text
from poseharvest.reading.hdf5 import open_hdf5
from poseharvest.skeleton.definitions import H36M17

_MAX_DISAGREEMENT_MM = 10.0  # in one frame cameras agree to 0.01 mm; with a shift of one frame, a hand differs more
_PICTURE = re.compile(r"(S\d{1,2})_(.+)\.(\d{8})_(\d{1,12})\.\w+", re.ASCII)


@dataclass(frozen=True, eq=False)
class _CameraPoses:
    """Poses of one camera: (F,) numbers of frames, and (F, 17, 3) poses in the frame of the camera, mm."""

    numbers: NDArray[np.int64]
    poses: NDArray[np.float64]

    def sorted(self) -> _CameraPoses:
        order = np.argsort(self.numbers, kind="stable")
        return _CameraPoses(self.numbers[order], self.poses[order])


@dataclass(frozen=True)
class _Take:
    """A recording: folder of the data set, subject, name, file of annotations, and file of cameras."""

    root: Path
    subject: str
    name: str
    path: Path
    cameras: Path | None

    @property
    def full_name(self) -> str:
        return f"{self.subject}/{self.name}"

    def rig(self) -> Rig:
        return read_cameras(find_cameras(self.root, self.cameras), self.subject)


def fetch_sequences(root: Path, cameras: Path | None) -> list[DatasetSequence]:
    """Return the recordings in the layout of h36m-fetch; empty if the folder has another layout.

    Raises:
        FormatError: an annotation is damaged.
    """
    return [_fetch_sequence(root, path, cameras) for path in sorted(root.glob("S*/*/annot.h5"))]


def _fetch_sequence(root: Path, path: Path, cameras: Path | None) -> DatasetSequence:
    subject, take = path.relative_to(root).parts[:2]
    with open_hdf5(path) as file:
        views = tuple(str(view) for view in np.unique(file.array("camera")))
    pictures = {view: path.parent / "imageSequence" / view for view in views}
    return _sequence(
        _Take(root, subject, take, path, cameras),
        views=views,
        read_poses=lambda: _read_fetch(path),
        find_pictures=lambda view: numbered_pictures(pictures[view]),
    )


def _read_fetch(path: Path) -> dict[str, _CameraPoses]:
    with open_hdf5(path) as file:
        if not file.holds("pose/3d") and file.holds("pose/3d-univ"):
            raise FormatError(
                f'{path}: expected "pose/3d", got "pose/3d-univ" alone: those are scaled to another person\'s size'
            )
        poses = file.array("pose/3d")
        camera, frame = file.array("camera"), file.array("frame")
    _check_poses(path, "pose/3d", poses, NUM_ROWS)
    _check_rows(path, len(poses), camera=camera, frame=frame)
    return {
        str(view): _CameraPoses(frame[camera == view].astype(np.int64), poses[camera == view][:, ROWS]).sorted()
        for view in np.unique(camera)
    }


def authors_sequences(root: Path, cameras: Path | None) -> list[DatasetSequence]:
    """Return the recordings in the layout of the authors; empty if the folder has another layout.

    Raises:
        DatasetError: the list of pictures is missing.
        FormatError: the list has picture names of another form.
    """
    return [
        sequence
        for part in ("train", "valid")
        if (path := root / "annot" / f"{part}.h5").is_file()
        for sequence in _authors_part(root, path, cameras)
    ]


def _authors_part(root: Path, path: Path, cameras: Path | None) -> list[DatasetSequence]:
    rows: dict[tuple[str, str], dict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    names = _picture_names(path.with_name(f"{path.stem}_images.txt"))
    for row, (subject, take, view, number) in enumerate(names):
        rows[subject, take][view][number] = row
    return [
        _authors_sequence(_Take(root, subject, take, path, cameras), dict(views), len(names))
        for (subject, take), views in rows.items()
    ]


def _picture_names(path: Path) -> list[tuple[str, str, str, int]]:
    if not path.is_file():
        raise DatasetError(f"{path}: expected the list of pictures that belongs to {path.parent.name}, found nothing")
    names = []
    for number, line in enumerate(read_text(path).split(), 1):
        match = _PICTURE.fullmatch(line)
        if match is None:
            raise FormatError(f"{path}: line {number}: expected S9_Posing_1.54138969_000001.jpg, got {line[:60]!r}")
        names.append((match[1], match[2], match[3], int(match[4])))
    return names


def _authors_sequence(take: _Take, views: Mapping[str, Mapping[int, int]], num_rows: int) -> DatasetSequence:
    def find_pictures(view: str) -> dict[int, Path]:
        names = {number: f"{take.subject}_{take.name}.{view}_{number:06d}.jpg" for number in views[view]}
        paths = {number: take.root / "images" / name for number, name in names.items()}
        present = {number: path for number, path in paths.items() if path.is_file()}
        if not present:
            raise DatasetError(f"{next(iter(paths.values()))}: expected a picture, found nothing there")
        return present

    return _sequence(
        take,
        views=tuple(sorted(views)),
        read_poses=lambda: _read_authors(take.path, views, num_rows),
        find_pictures=find_pictures,
    )


def _read_authors(path: Path, views: Mapping[str, Mapping[int, int]], num_rows: int) -> dict[str, _CameraPoses]:
    with open_hdf5(path) as file:
        poses = file.array("S")
    if poses.ndim == 3 and poses.shape[1] == 3:  # written by MATLAB
        poses = poses.transpose(0, 2, 1)
    _check_poses(path, "S", poses, len(AUTHORS_ROWS))
    if len(poses) != num_rows:
        raise DatasetError(
            f"{path}: out of step with {path.stem}_images.txt: expected {num_rows} poses, got {len(poses)}"
        )
    poses_of_view = {}
    for view, rows in views.items():
        numbers = np.asarray(sorted(rows), dtype=np.int64)
        poses_of_view[view] = _CameraPoses(numbers, poses[[rows[int(number)] for number in numbers]][:, AUTHORS_ROWS])
    return poses_of_view


def _sequence(
    take: _Take,
    *,
    views: tuple[str, ...],
    read_poses: Callable[[], dict[str, _CameraPoses]],
    find_pictures: Callable[[str], dict[int, Path]],
) -> DatasetSequence:
    def open_footage(selected: tuple[str, ...], pictures: bool) -> DatasetFootage:
        numbers = _shared_numbers(take, read_poses()).tolist()
        rig = take.rig().subset(selected)
        if not pictures:
            return blanks(take.full_name, rig, numbers=numbers, number_rate=FRAME_RATE)
        paths = [find_pictures(view) for view in selected]
        return stills(take.full_name, rig, paths, numbers=numbers, number_rate=FRAME_RATE)

    return DatasetSequence(
        name=take.full_name,
        subject=take.subject,
        action=action_of(take.name),
        cameras=views,
        open_footage=open_footage,
        read_truth=lambda: _truth(take, read_poses()),
        damage=DAMAGE.get(take.full_name),
    )


def _truth(take: _Take, views: Mapping[str, _CameraPoses]) -> SequenceTruth:
    numbers = _shared_numbers(take, views)
    rig = take.rig().subset(tuple(views))
    worlds = np.stack([_to_world(camera, view.poses) for camera, view in zip(rig, views.values(), strict=True)])
    _check_agreement(take, tuple(views), numbers, worlds)
    person = PersonTruth(
        name=take.subject,
        skeleton=H36M17,
        frames=torch.arange(len(numbers)),
        numbers=torch.from_numpy(numbers),
        positions=torch.from_numpy(worlds.mean(0)),
    )
    return SequenceTruth(H36M17, (person,))


def _to_world(camera: CameraModel, poses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the world points, mm, of points (..., 3) in the frame of a camera (``x_cam = R @ x_world + t``)."""
    if not isinstance(camera, Camera):
        raise DatasetError(f'camera "{camera.name}": expected a perspective camera that stands still')
    return np.asarray((poses - camera.translation.numpy()) @ camera.rotation.numpy(), dtype=np.float64)


def _shared_numbers(take: _Take, views: Mapping[str, _CameraPoses]) -> NDArray[np.int64]:
    first, *others = views
    for other in others:
        ours, theirs = views[first].numbers, views[other].numbers
        if not np.array_equal(ours, theirs):
            stray = int(np.setxor1d(ours, theirs)[0]) if len(np.setxor1d(ours, theirs)) else int(ours[0])
            raise DatasetError(
                f"{take.path}: {take.full_name}: cameras {first} and {other} are out of step: "
                f"frame {stray} is not annotated once in each"
            )
    return views[first].numbers


def _check_agreement(
    take: _Take, names: tuple[str, ...], numbers: NDArray[np.int64], worlds: NDArray[np.float64]
) -> None:
    apart = np.linalg.norm(worlds - worlds[:1], axis=-1).max(-1)  # (V, F) mm
    view, frame = np.unravel_index(int(apart.argmax()), apart.shape)
    if apart[view, frame] > _MAX_DISAGREEMENT_MM:
        raise DatasetError(
            f"{take.path}: {take.full_name}: cameras {names[0]} and {names[view]} are out of step: their poses of "
            f"frame {numbers[frame]} lie {apart[view, frame]:.0f} mm apart in the world, expected at most "
            f"{_MAX_DISAGREEMENT_MM:.0f}"
        )


def _check_poses(path: Path, key: str, poses: NDArray[np.float64], num_joints: int) -> None:
    if poses.ndim != 3 or poses.shape[1:] != (num_joints, 3):
        raise FormatError(f'{path}: "{key}": expected {num_joints} joints, (N, {num_joints}, 3), got {poses.shape}')
    if not np.isfinite(poses).all():
        raise FormatError(f'{path}: "{key}": expected finite numbers, got NaN or infinity')


def _check_rows(path: Path, num_rows: int, **columns: NDArray[np.int64]) -> None:
    for key, column in columns.items():
        if column.shape != (num_rows,):
            raise FormatError(f'{path}: "{key}": expected one number for each of {num_rows} poses, got {column.shape}')
