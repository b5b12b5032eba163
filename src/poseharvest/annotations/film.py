"""Small pictures of the frames of a harvest as a film: the views side by side in each picture, H.264 in MP4 files.

The film is cut into parts of a fixed number of pictures, each a file of its own that appears when it is whole. So an
interrupted harvest goes on after the last whole part, and its film ends as without an interruption.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.info import FilmInfo, FilmTile
from poseharvest.arrays import Image
from poseharvest.errors import StoreError
from poseharvest.geometry.rig import Rig
from poseharvest.storage.disk import flush_file, flush_folder, os_errors_as_store_errors

if TYPE_CHECKING:
    from av.container import OutputContainer

FILM: Final = "film"

USUAL_LONG_SIDE_PX = 320

MAX_BYTES = 100_000_000
"""Most that a film takes. Of a longer take every second picture is left out, or two of three, and so on."""

MAX_PICTURE_BYTES = 4000
"""Most that the encoder takes for a view's picture of 320 x 320 pixels, on average over a second or so."""

PICTURES_PER_PART = 250

_KEY_FRAME_EVERY = 10  # so that any picture is shown after decoding ten small ones
_LONGEST_SIDE = 4096  # of a picture that decoders in chips take
_BLOCK = 16  # side of an encoder's block: no block holds pixels of two views
_NOTHING_RGB = (34, 38, 44)  # where a view has no picture: the page's own colour behind a pose
_QUALITY = {"preset": "veryfast", "crf": "27"}
_BEGUN = ".begun"


class FilmSink(Protocol):
    """What takes the pictures of a film in order: a `FilmWriter`, or what brings them to one."""

    @property
    def info(self) -> FilmInfo:
        """The pictures that it wants, and how they are put together."""
        ...

    @property
    def next_frame(self) -> int:
        """The frame of the next picture."""
        ...

    def add(self, frame: int, picture: NDArray[np.uint8], /) -> None:
        """Add the picture of a frame, as `film_picture` returns it; those from before `next_frame` are passed over."""
        ...


def plan_film(rig: Rig, frames: range, frame_rate: float, long_side_px: int = USUAL_LONG_SIDE_PX) -> FilmInfo:
    """Return the film of a harvest: which frames it has, and where each view lies in its pictures.

    Args:
        rig: the cameras.
        frames: of the harvest, each one.
        frame_rate: frames per second.
        long_side_px: longer side of a view's picture; smaller footage keeps its size.
    """
    sizes = [_tile_size(camera.image_size, long_side_px) for camera in rig]
    height, width = (_BLOCK * math.ceil(max(size[axis] for size in sizes) / _BLOCK) for axis in (0, 1))
    cell = (height, width)
    columns = _columns(len(sizes), cell)
    tiles = tuple(
        FilmTile(view=name, left=k % columns * cell[1], top=k // columns * cell[0], width=size[1], height=size[0])
        for k, (name, size) in enumerate(zip(rig.names, sizes, strict=True))
    )
    most = MAX_BYTES / sum(map(_most_bytes, sizes))
    step = max(1, math.ceil(len(frames) / most))
    return FilmInfo(
        first_frame=frames.start,
        step=step,
        pictures=math.ceil(len(frames) / step),
        pictures_per_part=PICTURES_PER_PART,
        picture_rate=frame_rate / step,
        height=math.ceil(len(sizes) / columns) * cell[0],
        width=columns * cell[1],
        tiles=tiles,
    )


def film_picture(film: FilmInfo, images: Sequence[Image | None]) -> NDArray[np.uint8]:
    """Return all views side by side, (1.5 H, W) in planes of YUV 4:2:0 as the encoder takes them.

    Args:
        film: where the views lie.
        images: one (H, W, 3) RGB picture per view; None where the view has none.
    """
    canvas = np.full((film.height, film.width, 3), _NOTHING_RGB, dtype=np.uint8)
    for tile, image in zip(film.tiles, images, strict=True):
        if image is not None:
            rows, columns = slice(tile.top, tile.top + tile.height), slice(tile.left, tile.left + tile.width)
            canvas[rows, columns] = _shrunk(image, tile)
    return np.asarray(cv2.cvtColor(canvas, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)


def film_part_path(folder: Path, index: int) -> Path:
    """Return the path of part `index` (from 0) of the film of a harvest `folder`."""
    return folder / FILM / f"part-{index:05d}.mp4"


def can_encode() -> bool:
    """Return whether PyAV has the encoder of the film; the builds of some distributions lack it."""
    import av

    try:
        av.codec.Codec("libx264", "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True


class FilmWriter:
    """Writes the film of a harvest, from where an interrupted one stands.

    Args:
        harvest: the folder of the harvest.
        film: its pictures.

    Raises:
        StoreError: the folder cannot be written.
    """

    def __init__(self, harvest: Path, film: FilmInfo) -> None:
        self.info = film
        self._harvest = harvest
        self._num_written = 0
        self._encoder: _Encoder | None = None
        with os_errors_as_store_errors(harvest / FILM):
            (harvest / FILM).mkdir(exist_ok=True)
            for begun in (harvest / FILM).glob(f"*{_BEGUN}"):
                begun.unlink()
        while self._num_written < film.pictures and self._part(self._num_written).is_file():
            self._num_written = min(self._num_written + film.pictures_per_part, film.pictures)

    @property
    def next_frame(self) -> int:
        """The frame of the next picture."""
        return self.info.first_frame + self._num_written * self.info.step

    def add(self, frame: int, picture: NDArray[np.uint8]) -> None:
        """Add the picture of a frame; those from before `next_frame` are passed over.

        Raises:
            StoreError: the part that ends with it cannot be written, or cannot be encoded.
        """
        if frame < self.next_frame:
            return
        assert frame == self.next_frame, f"expected the film's picture of frame {self.next_frame}, got {frame}"
        path = self._part(self._num_written)
        if self._encoder is None:
            self._encoder = _Encoder(self.info, path)
        self._encoder.add(picture)
        self._num_written += 1
        if self._num_written % self.info.pictures_per_part == 0 or self._num_written == self.info.pictures:
            _write_whole(path, self._encoder.finish())
            self._encoder = None

    def finish(self) -> FilmInfo:
        """Return the finished film.

        Raises:
            StoreError: a picture is missing.
        """
        if self._num_written != self.info.pictures:
            missing = f"expected {self.info.pictures} pictures, got {self._num_written}"
            raise StoreError(f"{self._harvest / FILM}: {missing}: harvest again, or without a film (--film-pixels 0)")
        return self.info

    def _part(self, picture: int) -> Path:
        return film_part_path(self._harvest, picture // self.info.pictures_per_part)


class _Encoder:
    """Encodes one part in memory; the same pictures always become the same bytes."""

    def __init__(self, film: FilmInfo, path: Path) -> None:
        import av

        self._path, self._film, self._stream_bytes = path, film, io.BytesIO()
        most = sum(_most_bytes((tile.height, tile.width)) for tile in film.tiles)
        bits_a_second = max(1, round(8 * most * film.picture_rate / 1000))
        bound = {"maxrate": f"{bits_a_second}k", "bufsize": f"{math.ceil(8 * most * _KEY_FRAME_EVERY / 1000)}k"}
        self._container: OutputContainer = av.open(self._stream_bytes, "w", format="mp4")
        rate = Fraction(film.picture_rate).limit_denominator(1001)
        self._stream: Any = self._container.add_stream("libx264", rate=rate, options={**_QUALITY, **bound})
        self._stream.width, self._stream.height, self._stream.pix_fmt = film.width, film.height, "yuv420p"
        codec = self._stream.codec_context
        codec.gop_size, codec.max_b_frames, codec.thread_count = _KEY_FRAME_EVERY, 0, 1
        codec.color_range, codec.colorspace = 1, 6  # as OpenCV makes them: limited range, BT.601

    def add(self, picture: NDArray[np.uint8]) -> None:
        import av

        self._mux(av.VideoFrame.from_ndarray(picture, format="yuv420p"))

    def finish(self) -> bytes:
        self._mux(None)
        self._container.close()
        return self._stream_bytes.getvalue()

    def _mux(self, frame: Any) -> None:
        import av

        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except av.FFmpegError as error:
            raise StoreError(
                f"{self._path}: cannot be encoded: {error}: harvest without a film (--film-pixels 0)"
            ) from error


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears under its name when it is on the disk."""
    begun = path.with_name(path.name + _BEGUN)
    with os_errors_as_store_errors(path):
        begun.write_bytes(content)
        flush_file(begun)
        begun.rename(path)
        flush_folder(path.parent)


def _shrunk(image: Image, tile: FilmTile) -> Image:
    """Return a picture in the size of its tile. Reading every pixel would take three times as long."""
    size, twice = (tile.width, tile.height), (2 * tile.width, 2 * tile.height)
    if image.shape[0] > twice[1] and image.shape[1] > twice[0]:
        image = np.asarray(cv2.resize(image, twice, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _tile_size(image_size: Sequence[int], long_side_px: int) -> tuple[int, int]:
    scale = min(1.0, long_side_px / max(image_size))
    return (max(1, round(image_size[0] * scale)), max(1, round(image_size[1] * scale)))


def _columns(num_views: int, cell: tuple[int, int]) -> int:
    """Return how many views stand in a row: few cells are empty, and the picture is nearly square."""

    def cost(columns: int) -> tuple[bool, int, float]:
        rows = math.ceil(num_views / columns)
        height, width = rows * cell[0], columns * cell[1]
        return (max(height, width) > _LONGEST_SIDE, rows * columns, max(height / width, width / height))

    return min(range(1, num_views + 1), key=cost)


def _most_bytes(size: tuple[int, int]) -> float:
    return MAX_PICTURE_BYTES * size[0] * size[1] / USUAL_LONG_SIDE_PX**2
