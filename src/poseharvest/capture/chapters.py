"""One view from a recording that the camera split into several files."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import Image, ImageSize
from poseharvest.capture.video import Video
from poseharvest.errors import CaptureError

_SAME_RATE = 0.01


@dataclass(frozen=True, eq=False)
class Chapters:
    """The files of one recording, in order and without a gap. Build it with `join_chapters`.

    Attributes:
        videos: the files in order, all with the same picture size and frame rate.
    """

    videos: tuple[Video, ...]

    @property
    def name(self) -> str:
        """The view's name."""
        return self.videos[0].name

    @property
    def path(self) -> Path:
        """The first file."""
        return self.videos[0].path

    @property
    def image_size(self) -> ImageSize:
        """(height, width) of the pictures, upright."""
        return self.videos[0].image_size

    @property
    def frame_rate(self) -> float:
        """Pictures per second."""
        return self.videos[0].frame_rate

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N,) increasing time stamps, seconds; a chapter starts one picture period after the end of the one before."""
        parts = [self.videos[0].times_s]
        for video in self.videos[1:]:
            parts.append(video.times_s - video.times_s[0] + parts[-1][-1] + 1 / self.frame_rate)
        return np.concatenate(parts)

    @property
    def damage(self) -> str | None:
        """Description of the damage of the files; None if none was found."""
        damages = [f"{video.path.name}: {video.damage}" for video in self.videos if video.damage is not None]
        return "; ".join(damages) or None

    def read(self, numbers: NDArray[np.int32]) -> Generator[Image | None, None, None]:
        """Yield the pictures of `numbers` (not decreasing; -1 gives None)."""
        starts = np.cumsum([0, *(len(video.times_s) for video in self.videos)])
        # Without a picture, use the chapter of the last picture.
        reached = np.maximum.accumulate(np.maximum(numbers, 0)) if len(numbers) else numbers
        chapter = np.searchsorted(starts, reached, side="right") - 1
        for number, video in enumerate(self.videos):
            own = numbers[chapter == number]
            yield from video.read(np.where(own >= 0, own - starts[number], -1).astype(np.int32))


def join_chapters(videos: Sequence[Video]) -> Video | Chapters:
    """Return the files of one recording as one view; a single file is returned unchanged.

    Raises:
        CaptureError: the files differ in picture size or frame rate.
    """
    first = videos[0]
    for video in videos[1:]:
        same_rate = abs(video.frame_rate / first.frame_rate - 1) < _SAME_RATE
        if video.image_size != first.image_size or not same_rate:
            raise CaptureError(
                f"{video.path}: expected a chapter of {first.path.name}, of {first.image_size} (height, width) at "
                f"{first.frame_rate:g} Hz, got {video.image_size} at {video.frame_rate:g} Hz"
            )
    return first if len(videos) == 1 else Chapters(tuple(videos))
