"""The footage of a view in a video file, read by time stamp, its pictures upright as the display matrix says."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import Image, ImageSize
from poseharvest.capture.damage import fail
from poseharvest.capture.settings import DamagePolicy
from poseharvest.capture.video_index import VideoIndex, decode_frames, index_video
from poseharvest.errors import CaptureError

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


_ONE = 1 << 16  # the entries of the display matrix are 16.16 fixed point
_TOLERANCE = 0.01
_LEAST_LEAP = 8  # pictures that need not be decoded if reading starts anew at a later key frame
_MAX_DRIFT_FRAMES = 0.25  # largest drift over the whole footage at which the stated rate is used


@dataclass(frozen=True)
class Orientation:
    """A quarter turn, a mirroring, or both: transpose first, then flip.

    Attributes:
        transpose: True if rows become columns.
        flip_x: True if the result is then mirrored left to right.
        flip_y: True if the result is then mirrored top to bottom.
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    def size(self, stored: ImageSize) -> ImageSize:
        """Return the upright (height, width) of a picture with the stored (height, width)."""
        return (stored[1], stored[0]) if self.transpose else stored

    def upright(self, stored: Image) -> Image:
        """Return the upright picture of a `stored` one, contiguous in memory."""
        image = stored.transpose(1, 0, 2) if self.transpose else stored
        image = image[:, ::-1] if self.flip_x else image
        image = image[::-1] if self.flip_y else image
        return np.ascontiguousarray(image)


def orientation_from_matrix(matrix: bytes) -> Orientation:
    """Return the orientation of a display matrix in the format of FFmpeg.

    A stored pixel (p, q), x right and y down, has the upright position (a p + c q, b p + d q). The matrix is nine
    native int32: a b u, c d v, x y w.

    Raises:
        ValueError: the matrix is not a combination of quarter turns and mirrorings.
    """
    a, b, _, c, d = (float(entry) / _ONE for entry in np.frombuffer(matrix, dtype=np.int32)[:5])
    sizes = np.abs((a, b, c, d))
    if np.allclose(sizes, (1, 0, 0, 1), atol=_TOLERANCE):
        return Orientation(flip_x=a < 0, flip_y=d < 0)
    if np.allclose(sizes, (0, 1, 1, 0), atol=_TOLERANCE):
        return Orientation(transpose=True, flip_x=c < 0, flip_y=b < 0)
    raise ValueError(f"expected a quarter turn, got the display matrix ({a:.2f}, {b:.2f}; {c:.2f}, {d:.2f})")


@dataclass(frozen=True, eq=False)
class Video:
    """The footage of one view in a video file. Build it with `open_video_view`.

    Attributes:
        name: the view's name.
        path: the file.
        image_size: (height, width) of the upright pictures, pixels.
        orientation: the turn in the metadata of the file.
        index: the time stamps of its pictures.
        frame_rate: pictures per second where none is missing.
        on_damage: "error" raises an error for a picture that cannot be decoded, "drop" gives None for it.
        decoder_threads: number of threads of the decoder of this view.
    """

    name: str
    path: Path
    image_size: ImageSize
    orientation: Orientation
    index: VideoIndex
    frame_rate: float
    on_damage: DamagePolicy = "error"
    decoder_threads: int = 1

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N,) increasing time stamps, seconds."""
        return self.index.times_s

    @property
    def damage(self) -> str | None:
        """Description of the damage found when the file was opened; None if there is none."""
        return self.index.damage

    @cached_property
    def _stored_size(self) -> ImageSize:
        """(height, width) of the pictures as they are stored."""
        return self.orientation.size(self.image_size)  # turning a size twice gives the size again

    def read(self, numbers: NDArray[np.int32]) -> Generator[Image | None, None, None]:
        """Yield the pictures of `numbers` (not decreasing; -1 gives None), decoded forward from a key frame.

        Raises:
            CaptureError: a picture differs in size from the first one, or cannot be decoded and `on_damage` is "error".
        """
        runs = self._split_at_leaps(np.unique(numbers[numbers >= 0]))
        decoded = chain.from_iterable(map(self._decode_run, runs))
        at: int = -1
        image: Image | None = None
        for number in map(int, numbers):
            while at < number:
                at, image = next(decoded, (len(self.index.pts), None))
            if at > number >= 0:
                self._fail(f"the picture at {self.index.time_s(number):.3f} s cannot be decoded")
            yield image if at == number else None

    def _split_at_leaps(self, wanted: NDArray[np.int32]) -> list[NDArray[np.int32]]:
        """Return the numbers in runs, so that it pays to start each one at its own key frame."""
        if self.index.is_counted:
            return [wanted]
        starts = np.concatenate(([0], np.searchsorted(self.index.pts, self.index.keyframe_pts)))
        before = starts[np.searchsorted(starts, wanted[1:], side="right") - 1]  # the key frame of each number
        num_left_out = before - wanted[:-1] - 1
        return np.split(wanted, np.flatnonzero(num_left_out >= _LEAST_LEAP) + 1)

    def _decode_run(self, wanted: NDArray[np.int32]) -> Iterator[tuple[int, Image]]:
        """Yield (number, picture) of the numbers that can be decoded, from one key frame on; stop after the last."""
        if not len(wanted):
            return
        is_wanted = np.zeros(len(self.index.pts), dtype=bool)
        is_wanted[wanted] = True
        for place, frame in enumerate(self._frames_from(int(wanted[0]))):
            number = place if self.index.is_counted else self.index.number(frame.pts)
            if number is None or not is_wanted[number]:
                continue
            if self._is_whole(frame, number):
                yield number, self.orientation.upright(np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8))
            if number == wanted[-1]:
                return

    def _frames_from(self, start: int) -> Iterator[VideoFrame]:
        """Return the frames in order, from picture `start` or earlier.

        In a container without a table of key frames (MPEG-TS), seeking may end behind the key frame. Then the key frame
        before it is tried, and at last the start of the file.
        """

        def decoded(seek_pts: int | None) -> Iterator[VideoFrame]:
            return decode_frames(self.path, on_failure=self._fail, seek_pts=seek_pts, threads=self.decoder_threads)

        for seek_pts in self.index.keyframes_before(start):
            frames = decoded(seek_pts)
            first = next(frames, None)
            number = None if first is None else self.index.number(first.pts)
            if first is not None and number is not None and number <= start:
                return chain((first,), frames)
        return decoded(None)

    def _is_whole(self, frame: VideoFrame, number: int) -> bool:
        if (frame.height, frame.width) != self._stored_size:
            size = self.orientation.size((frame.height, frame.width))
            raise CaptureError(
                f"{self.path}: expected pictures of one size (height, width), "
                f"got {self.image_size} and, at {self.index.time_s(number):.3f} s, {size}"
            )
        if frame.is_corrupt:
            self._fail(f"the picture at {self.index.time_s(number):.3f} s is damaged")
        return not frame.is_corrupt

    def _fail(self, what: str) -> None:
        fail(self.path, what, self.on_damage)


def open_video_view(name: str, path: Path, *, on_damage: DamagePolicy = "error", decoder_threads: int = 1) -> Video:
    """Return the footage of one view, after reading its packets and its first picture.

    Raises:
        CaptureError: the file is not a video, is damaged (unless `on_damage` is "drop"), has no frame rate, or has a
            turn that is not a multiple of 90 degrees. Damage is always an error if pictures can only be identified by
            counting (an AVI with reordered pictures).
    """
    index = index_video(path)
    on_damage = "error" if index.is_counted else on_damage
    if index.damage is not None:
        fail(path, index.damage, on_damage)
    rate = estimate_rate(index.times_s, index.stated_rate)
    if rate is None:
        raise CaptureError(f"{path}: expected at least two pictures or a frame rate, got one picture")
    frame = _first_frame(path, on_damage)
    orientation = _orientation(frame, path)
    return Video(
        name=name,
        path=path,
        image_size=orientation.size((frame.height, frame.width)),
        orientation=orientation,
        index=index,
        frame_rate=rate,
        on_damage=on_damage,
        decoder_threads=decoder_threads,
    )


def _first_frame(path: Path, on_damage: DamagePolicy) -> VideoFrame:
    frame = next(decode_frames(path, on_failure=lambda what: fail(path, what, on_damage)), None)
    if frame is None:
        raise CaptureError(f"{path}: expected a video, got a file of which no picture can be decoded")
    return frame


def _orientation(frame: VideoFrame, path: Path) -> Orientation:
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    try:
        return orientation_from_matrix(bytes(matrix))
    except ValueError as error:
        raise CaptureError(f"{path}: {error}") from error


def estimate_rate(times_s: NDArray[np.float64], stated: float | None = None) -> float | None:
    """Return the pictures per second of increasing time stamps; None for fewer than two without a `stated` rate.

    Every interval counts as the nearest multiple of the median interval, so lost pictures do not lower the rate. The
    total time is divided by the sum of these counts, so rounded stamps (Matroska: 1 ms) do not bias it. If the `stated`
    rate of the container agrees over the length of the footage, that rate is returned.
    """
    if len(times_s) < 2:
        return stated
    intervals = np.diff(times_s)
    periods = np.maximum(np.round(intervals / np.median(intervals)), 1).sum()
    span = float(times_s[-1] - times_s[0])
    measured = float(periods) / span
    if stated is not None and abs(stated - measured) * span <= _MAX_DRIFT_FRAMES:
        return stated
    return measured
