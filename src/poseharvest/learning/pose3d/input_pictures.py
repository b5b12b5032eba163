"""The pictures in which poses are predicted: a picture, a folder of pictures, or a video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from poseharvest.arrays import Image
from poseharvest.capture.discover import VIDEO_SUFFIXES, is_image, natural_key
from poseharvest.capture.picture_folder import read_image
from poseharvest.capture.video import Video, open_video_view
from poseharvest.errors import CaptureError


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture.

    Attributes:
        frame: its number, from 0.
        name: of the file.
        image: (H, W, 3) RGB uint8.
    """

    frame: int
    name: str
    image: Image


class PictureInput(Protocol):
    """Pictures in order, read one at a time."""

    @property
    def path(self) -> Path:
        """Where they lie."""
        ...

    @property
    def is_sequence(self) -> bool:
        """They follow each other in time, so that a person can be followed."""
        ...

    def __len__(self) -> int:
        """Return their number."""
        ...

    def __iter__(self) -> Iterator[Picture]:
        """Give them in order."""
        ...


@dataclass(frozen=True, eq=False)
class PictureFiles:
    """Files of pictures.

    Attributes:
        path: the file or the folder.
        files: in natural order of their names.
        is_sequence: they are the frames of one film.
    """

    path: Path
    files: tuple[Path, ...]
    is_sequence: bool = False

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Picture]:
        for frame, file in enumerate(self.files):
            image = read_image(file)
            if image is None:
                raise CaptureError(f"{file}: expected a picture, got a file that is damaged or of another kind")
            yield Picture(frame, file.name, image)


@dataclass(frozen=True, eq=False)
class VideoPictures:
    """The pictures of a video.

    Attributes:
        path: the file.
        video: opened.
    """

    path: Path
    video: Video

    @property
    def is_sequence(self) -> bool:
        """True: a video's pictures follow each other."""
        return True

    def __len__(self) -> int:
        return len(self.video.times_s)

    def __iter__(self) -> Iterator[Picture]:
        for frame, image in enumerate(self.video.read(np.arange(len(self), dtype=np.int32))):
            if image is not None:
                yield Picture(frame, self.path.name, image)


def open_pictures(path: Path | str, *, sequence: bool = False) -> PictureInput:
    """Return the pictures of a file, a folder or a video.

    Args:
        path: where they lie.
        sequence: the pictures of a folder are the frames of one film, in natural order of their names; those of a
            video always are.

    Raises:
        CaptureError: there is nothing of the kind, or the video is damaged.
    """
    place = Path(path)
    if place.is_dir():
        files = sorted(filter(is_image, place.iterdir()), key=lambda file: natural_key(file.name))
        if files:
            return PictureFiles(place, tuple(files), sequence)
    elif is_image(place):
        return PictureFiles(place, (place,))
    elif place.is_file() and place.suffix.lower() in VIDEO_SUFFIXES:
        return VideoPictures(place, open_video_view(place.stem, place))
    raise CaptureError(f"{place}: expected a picture, a folder of pictures or a video, found none")
