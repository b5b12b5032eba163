"""The pictures of one recording of a data set as a `FrameSource`, decoded on request.

Data sets synchronise pictures by number: picture 12 of every view is one moment. If a view lacks a number, it has no
picture at that moment.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import Image
from poseharvest.calibration.image_size import check_image_size
from poseharvest.capture.discover import is_image
from poseharvest.capture.frames import CaptureFacts, MultiViewFrame, prefetch
from poseharvest.capture.picture_folder import ImageFolder, read_image
from poseharvest.capture.view_footage import Footage
from poseharvest.errors import CaptureError, DatasetError
from poseharvest.geometry.rig import Rig

_AHEAD_BYTES = 128 * 2**20
_MAX_AHEAD_FRAMES = 8


@dataclass(frozen=True, eq=False)
class DatasetFootage:
    """A `FrameSource` over the pictures of a data set.

    Attributes:
        name: the recording's name.
        rig: its cameras.
        frame_rate: frames per second.
        numbers: (F,) int64 increasing, the numbers of the frames in the data set.
        views: the pictures of every camera; None for footage without pictures.
        pictures: (V, F) int32, index of the picture of each view in each frame; -1 for none.
        number_rate: numbers per second. It differs from the frame rate if, for example, only every fifth number exists.
        turn: turn of the pictures after which people stand upright, degrees clockwise; 0 in published data sets.
    """

    name: str
    rig: Rig
    frame_rate: float
    numbers: NDArray[np.int64]
    views: tuple[Footage | None, ...]
    pictures: NDArray[np.int32]
    number_rate: float
    turn: int = 0

    def __post_init__(self) -> None:
        for camera, view in zip(self.rig, self.views, strict=True):
            if view is not None:
                check_image_size(camera, view.image_size)

    @property
    def facts(self) -> CaptureFacts:
        """The turn of the pictures; no other facts are known."""
        return CaptureFacts(turn=self.turn)

    @property
    def num_frames(self) -> int:
        """Number of frames F."""
        return len(self.numbers)

    def frames(self, start: int = 0, stop: int | None = None) -> Generator[MultiViewFrame, None, None]:
        """Stream the frames `start` to `stop` (exclusive, the end if None or beyond it) in order.

        Raises:
            CaptureError: a negative `start` or `stop`; or, while streaming, a picture that cannot be decoded.
        """
        end = self.num_frames if stop is None else min(stop, self.num_frames)
        if start < 0 or end < 0:
            raise CaptureError(f"{self.name}: expected frames from 0 to {self.num_frames}, got {start} to {stop}")
        return self._stream(start, max(start, end))

    def _stream(self, start: int, end: int) -> Generator[MultiViewFrame, None, None]:
        wanted = self.pictures[:, start:end]
        sources = [_read(view, row) for view, row in zip(self.views, wanted, strict=True)]
        for index, images in enumerate(prefetch(sources, depth=self._depth()), start):
            time_s = float(self.numbers[index] - self.numbers[0]) / self.number_rate
            yield MultiViewFrame(index=index, time_s=time_s, images=images)

    def _depth(self) -> int:
        frame_bytes = sum(3 * camera.image_size[0] * camera.image_size[1] for camera in self.rig)
        return max(1, min(_MAX_AHEAD_FRAMES, _AHEAD_BYTES // frame_bytes))


def _read(view: Footage | None, numbers: NDArray[np.int32]) -> Generator[Image | None, None, None]:
    if view is not None:
        return view.read(numbers)
    return (None for _ in numbers)


def films(
    name: str, rig: Rig, videos: Sequence[Footage], *, num_frames: int, frame_rate: float, first_number: int = 0
) -> DatasetFootage:
    """Return footage of one video per view, in which picture i is frame i.

    Args:
        name: the recording's name.
        rig: its cameras, in the order of `videos`.
        videos: one per camera.
        num_frames: number of annotated frames. A video may be longer; the rest of it is not used.
        frame_rate: frames per second.
        first_number: number of the first frame in the data set.

    Raises:
        DatasetError: a video is shorter than the annotations.
    """
    for video in videos:
        if len(video.times_s) < num_frames:
            raise DatasetError(
                f"{video.path}: out of step with the annotations of {name}: "
                f"expected at least {num_frames} pictures, got {len(video.times_s)}"
            )
    numbers = np.arange(first_number, first_number + num_frames, dtype=np.int64)
    pictures = np.tile(np.arange(num_frames, dtype=np.int32), (len(videos), 1))
    return DatasetFootage(name, rig, frame_rate, numbers, tuple(videos), pictures, frame_rate)


def blanks(name: str, rig: Rig, *, numbers: Iterable[int], number_rate: float) -> DatasetFootage:
    """Return footage without pictures, for detectors that need none, such as files of keypoints.

    Args:
        name: the recording's name.
        rig: its cameras.
        numbers: the numbers of the frames in the data set, increasing.
        number_rate: numbers per second.
    """
    order = np.asarray(list(numbers), dtype=np.int64)
    pictures = np.full((len(rig), len(order)), -1, dtype=np.int32)
    return DatasetFootage(name, rig, number_rate / _step(order), order, (None,) * len(rig), pictures, number_rate)


def stills(
    name: str, rig: Rig, paths: Sequence[Mapping[int, Path]], *, numbers: Iterable[int], number_rate: float
) -> DatasetFootage:
    """Return footage of numbered pictures for every view.

    Args:
        name: the recording's name.
        rig: its cameras, in the order of `paths`.
        paths: for every camera the pictures by number, at least one.
        numbers: the numbers of the frames in the data set, increasing.
        number_rate: numbers per second.

    Raises:
        CaptureError: a first picture cannot be read.
        DatasetError: the number of a picture is not the number of a frame.
    """
    order = np.asarray(list(numbers), dtype=np.int64)
    step = int(np.gcd.reduce(np.diff(order))) if len(order) > 1 else 1
    rate = number_rate / step
    views = tuple(
        _folder(camera.name, files, rate) if files else None for camera, files in zip(rig, paths, strict=True)
    )
    pictures = np.full((len(paths), len(order)), -1, dtype=np.int32)
    for row, files in zip(pictures, paths, strict=True):
        picture_numbers = np.asarray(sorted(files), dtype=np.int64)
        _check_numbers(name, files, picture_numbers, order)
        row[np.searchsorted(order, picture_numbers)] = np.arange(len(picture_numbers))
    return DatasetFootage(name, rig, rate, order, views, pictures, number_rate)


def _step(order: NDArray[np.int64]) -> int:
    """Return the step between the numbers of neighbouring frames, such as 5 for every fifth frame."""
    return int(np.gcd.reduce(np.diff(order))) if len(order) > 1 else 1


def _check_numbers(
    name: str, files: Mapping[int, Path], picture_numbers: NDArray[np.int64], order: NDArray[np.int64]
) -> None:
    stray = np.setdiff1d(picture_numbers, order)
    if len(stray):
        raise DatasetError(
            f"{files[int(stray[0])]}: out of step with the annotations of {name}: expected pictures numbered "
            f"{order[0]} to {order[-1]}, got {stray[0]}"
        )


def _folder(view: str, files: Mapping[int, Path], frame_rate: float) -> ImageFolder:
    numbers = sorted(files)
    first = files[numbers[0]]
    image = read_image(first)
    if image is None:
        raise CaptureError(f"{first}: expected a picture, got a truncated or damaged file")
    return ImageFolder(
        name=view,
        path=first.parent,
        files=tuple(files[number] for number in numbers),
        ticks=np.asarray(numbers, dtype=np.float64),
        image_size=(image.shape[0], image.shape[1]),
        frame_rate=frame_rate,
    )


def numbered_pictures(folder: Path) -> dict[int, Path]:
    """Return the pictures in a folder by the last number in their names.

    Raises:
        DatasetError: the folder does not exist or has no pictures, or a picture has no number or one that occurs twice.
    """
    picture_of_number: dict[int, Path] = {}
    for path in sorted(filter(is_image, folder.iterdir())) if folder.is_dir() else ():
        groups = re.findall(r"\d+", path.stem)
        if not groups:
            raise DatasetError(f"{path}: expected a number in the picture's name, got none")
        other = picture_of_number.setdefault(int(groups[-1]), path)
        if other is not path:
            raise DatasetError(f"{folder}: two pictures of number {int(groups[-1])}: {other.name} and {path.name}")
    if not picture_of_number:
        raise DatasetError(f"{folder}: expected numbered pictures (jpg or png), got none")
    return picture_of_number
