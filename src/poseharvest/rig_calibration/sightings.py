"""Where every camera sees the board: one pass of the detector over synchronised footage."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import Image, ImageSize
from poseharvest.boards.board import Board
from poseharvest.boards.detection import BoardDetector, Corners
from poseharvest.capture.uncalibrated import UncalibratedFootage
from poseharvest.progress import OnProgress, Progress

DEFAULT_FRAMES = 300
"""Frames that are looked at, if none are chosen; of longer footage every second, third ... one."""


@dataclass(frozen=True, eq=False)
class Sighting:
    """The board in one picture.

    Attributes:
        view: index of the camera.
        frame: number of the frame.
        corners: the corners that the picture shows.
    """

    view: int
    frame: int
    corners: Corners


@dataclass(frozen=True, eq=False)
class Sightings:
    """The board in all pictures.

    Attributes:
        board: the board.
        views: names of the cameras.
        image_sizes: (height, width) of the pictures of every camera.
        frames: increasing numbers of the frames that were looked at.
        found: what was seen, in order of frames and cameras.
    """

    board: Board
    views: tuple[str, ...]
    image_sizes: tuple[ImageSize, ...]
    frames: tuple[int, ...]
    found: tuple[Sighting, ...]

    def of_view(self, view: int) -> tuple[Sighting, ...]:
        """Return the sightings of a camera."""
        return tuple(one for one in self.found if one.view == view)

    @cached_property
    def by_place(self) -> dict[tuple[int, int], Sighting]:
        """The sightings by camera and frame."""
        return {(one.view, one.frame): one for one in self.found}

    @cached_property
    def shared(self) -> NDArray[np.int64]:
        """(V, V) number of frames in which two cameras see the board; on the diagonal those of one camera."""
        place = {frame: number for number, frame in enumerate(sorted({one.frame for one in self.found}))}
        shown = np.zeros((len(self.views), len(place)), dtype=np.int64)
        for one in self.found:
            shown[one.view, place[one.frame]] = 1
        return shown @ shown.T

    @property
    def stride(self) -> int:
        """Frames from one that was looked at to the next."""
        return int(np.min(np.diff(self.frames))) if len(self.frames) > 1 else 1


def frame_numbers(num_frames: int, every: int | None = None) -> tuple[int, ...]:
    """Return the numbers of the frames to look at: every `every`-th, or as many as make at most DEFAULT_FRAMES."""
    return tuple(range(0, num_frames, every or max(1, -(-num_frames // DEFAULT_FRAMES))))


def find_boards(
    footage: UncalibratedFootage,
    board: Board,
    *,
    every: int | None = None,
    also: Sequence[int] = (),
    on_progress: OnProgress | None = None,
) -> Sightings:
    """Return where the cameras see the board.

    Args:
        footage: of all cameras.
        board: the board.
        every: look at every so many frames; None looks at 300 frames at most.
        also: frames to look at in any case.
        on_progress: is called after every frame.

    Raises:
        CaptureError: a picture cannot be decoded, or a frame of `also` does not exist.
    """
    frames = tuple(sorted({*frame_numbers(footage.num_frames, every), *also}))
    detectors = [BoardDetector(board) for _ in footage.names]
    found: list[Sighting] = []
    with ThreadPoolExecutor(thread_name_prefix="poseharvest-board") as threads:
        for done, moment in enumerate(footage.frames(frames), 1):
            looks = list(threads.map(_look, detectors, moment.images))
            found += [Sighting(view, moment.index, seen) for view, seen in enumerate(looks) if seen is not None]
            if on_progress is not None:
                on_progress(Progress(done, len(frames), "looking for the board"))
    sizes = tuple(one.image_size for one in footage.footage)
    return Sightings(board, footage.names, sizes, frames, tuple(found))


def _look(detector: BoardDetector, image: Image | None) -> Corners | None:
    return None if image is None else detector.detect(image)


def mirrored(sightings: Sightings, view: int) -> Sightings:
    """Return the sightings as they would be if the pictures of one camera were mirrored back (left to right)."""
    board, width = sightings.board, sightings.image_sizes[view][1]
    return replace(
        sightings, found=tuple(_mirrored(one, board, width) if one.view == view else one for one in sightings.found)
    )


def _mirrored(one: Sighting, board: Board, width: int) -> Sighting:
    row, column = np.divmod(one.corners.ids, board.columns - 1)
    # The order of a chessboard that keeps its colours: only one of the two does, if columns and rows are odd together.
    if board.is_symmetric or board.columns % 2:
        column = board.columns - 2 - column
    else:
        row = board.rows - 2 - row
    pixels = np.stack((width - 1 - one.corners.pixels[:, 0], one.corners.pixels[:, 1]), -1)
    return replace(one, corners=Corners(one.corners.ids, pixels).renumbered(row * (board.columns - 1) + column))
