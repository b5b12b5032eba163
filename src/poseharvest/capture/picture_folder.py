"""Views kept as folders of numbered pictures."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import Image, ImageSize
from poseharvest.capture.bit_depth import full_scale, to_8_bits
from poseharvest.capture.damage import fail
from poseharvest.capture.discover import is_image, natural_key
from poseharvest.capture.picture_header import fits_budget
from poseharvest.capture.picture_times import Reading, read_picture_times
from poseharvest.capture.settings import DamagePolicy
from poseharvest.errors import CaptureError
from poseharvest.reading.budgets import MAX_ARRAY_BYTES
from poseharvest.reading.guard import foreign_library, read_bytes

_LOOKS = 8  # pictures of a folder that are read to find the number of used bits
_JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})
_JPEG_END = b"\xff\xd9"


@dataclass(frozen=True, eq=False)
class ImageFolder:
    """The footage of one view as a folder of pictures. Build it with `open_image_folders`.

    Attributes:
        name: the view's name.
        path: the folder.
        files: the pictures in order.
        ticks: (N,) increasing times of the pictures, in picture periods; a gap is a missing picture.
        image_size: (height, width) of every picture.
        frame_rate: pictures per second.
        on_damage: "error" raises an error for a picture that cannot be read, "drop" gives None for it.
        reading: the interpretation of the names: index, number or clock.
        note: the same as a text for the user; empty if there was nothing to interpret.
        white: the value of white in pictures of more than 8 bits; None estimates it from each picture.
    """

    name: str
    path: Path
    files: tuple[Path, ...]
    ticks: NDArray[np.float64]
    image_size: ImageSize
    frame_rate: float
    on_damage: DamagePolicy = "error"
    reading: Reading = "number"
    note: str = ""
    white: float | None = None

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N,) increasing times, seconds."""
        return self.ticks / self.frame_rate

    @property
    def damage(self) -> str | None:
        """None: pictures are checked only when they are read."""
        return None

    def read(self, numbers: NDArray[np.int32]) -> Generator[Image | None, None, None]:
        """Yield the pictures of `numbers` (not decreasing; -1 gives None).

        Raises:
            CaptureError: a picture differs in size from the first one, or cannot be read and `on_damage` is "error".
        """
        at: int = -1
        image: Image | None = None
        for number in map(int, numbers):
            if number != at:
                at, image = number, None if number < 0 else self._image(self.files[number])
            yield image

    def _image(self, path: Path) -> Image | None:
        image = read_image(path, self.white)
        if image is None:
            fail(path, "the picture is truncated or damaged", self.on_damage)
        elif image.shape[:2] != self.image_size:
            raise CaptureError(
                f"{path}: expected pictures of one size (height, width) in the folder, "
                f"got {self.image_size} and here {image.shape[:2]}"
            )
        return image


def open_image_folders(
    folders: Mapping[str, Path], *, frame_rate: float, on_damage: DamagePolicy = "error"
) -> tuple[ImageFolder, ...]:
    """Return the footage of views that are folders of pictures, synchronised by their names.

    A name contains a number, a time, or only an order (`picture_times`). If the differences of all numbers are
    multiples of a step, that step is one picture. An example is a folder with every fifth picture of a film.

    Args:
        folders: the folder of every view by name.
        frame_rate: pictures per second, used if the names contain no times.
        on_damage: "error" or "drop", for a picture that cannot be read.

    Raises:
        CaptureError: a folder has no pictures, two pictures with the same number, names without an interpretation, or a
            first picture that cannot be read.
    """
    files = {name: _pictures(folder) for name, folder in folders.items()}
    times = read_picture_times(files, frame_rate)
    looks = {name: _first_look(of_view) for name, of_view in files.items()}
    ordered = {name: tuple(files[name][place] for place in times.order[name]) for name in files}
    return tuple(
        ImageFolder(
            name=name,
            path=folders[name],
            files=paths,
            ticks=times.ticks[name],
            image_size=looks[name].image_size,
            frame_rate=times.frame_rate[name],
            on_damage=on_damage,
            reading=times.reading,
            note=times.note,
            white=looks[name].white,
        )
        for name, paths in ordered.items()
    )


def read_image(path: Path, white: float | None = None) -> Image | None:
    """Return the picture, (H, W, 3) RGB and upright; None if the file is truncated or damaged.

    Args:
        path: the file.
        white: the value of white in pictures of more than 8 bits; None estimates it from the picture.
    """
    stored = read_stored(path)
    if stored is None:
        return None
    return to_8_bits(stored, full_scale(stored) if white is None else white)


def read_stored(path: Path) -> NDArray[Any] | None:
    """Return the picture, (H, W, 3) RGB and upright, with the values of the file; None if it is damaged or too large.

    Raises:
        CaptureError: the file cannot be read.
    """
    import cv2

    data = read_bytes(path, MAX_ARRAY_BYTES, CaptureError)
    if not fits_budget(data):
        return None
    if path.suffix.lower() in _JPEG_SUFFIXES and not data.rstrip(b"\0").endswith(_JPEG_END):
        return None  # OpenCV would fill the rest with grey without an error
    # Decode from memory, because OpenCV cannot open every path on every system.
    how = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    with foreign_library(f"{path}: expected a picture", CaptureError):
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), how)
    return None if image is None else np.ascontiguousarray(image[..., ::-1])


def _pictures(folder: Path) -> list[Path]:
    paths = sorted(filter(is_image, folder.iterdir()), key=lambda path: natural_key(path.name))
    if not paths:
        raise CaptureError(f"{folder}: expected pictures (jpg or png), got none")
    return paths


@dataclass(frozen=True)
class _Look:
    """Properties of the pictures of a folder: (height, width), and the value of white."""

    image_size: ImageSize
    white: float


def _first_look(paths: Sequence[Path]) -> _Look:
    """Return the properties from the first picture; with more than 8 bits also from others, as one may be dark."""
    first = read_stored(paths[0])
    if first is None:
        raise CaptureError(f"{paths[0]}: expected a picture, got a truncated or damaged file")
    size = (first.shape[0], first.shape[1])
    if first.dtype == np.uint8:
        return _Look(size, full_scale(first))
    places = sorted({round(place) for place in np.linspace(0, len(paths) - 1, _LOOKS)})
    stored = [first, *(read_stored(paths[place]) for place in places[1:])]
    return _Look(size, max(full_scale(one) for one in stored if one is not None))
