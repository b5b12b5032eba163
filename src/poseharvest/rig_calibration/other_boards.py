"""Why a board is not found: which other board, or which other picture, would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from poseharvest.arrays import Image
from poseharvest.boards.board import Board, dictionary_names
from poseharvest.boards.detection import BoardDetector
from poseharvest.capture.uncalibrated import UncalibratedFootage
from poseharvest.errors import ConfigError
from poseharvest.rig_calibration.sightings import Sightings

_LOOKS = 8
"""Pictures of every view that are looked at again."""

Change = Callable[[Image], Image]


def _unchanged(image: Image) -> Image:
    return image


def _mirror(image: Image) -> Image:
    return np.ascontiguousarray(image[:, ::-1])


def explain_missing_board(footage: UncalibratedFootage, sightings: Sightings) -> str:
    """Return which views do not show the board, or never two at once, and what would explain it.

    Other boards are looked for in a few pictures of such a view: sides exchanged, inner corners counted as squares,
    light and dark exchanged, another dictionary, the old pattern of OpenCV, and mirrored pictures.

    Raises:
        CaptureError: a picture cannot be decoded.
    """
    board = sightings.board
    counts = {name: len(sightings.of_view(view)) for view, name in enumerate(sightings.views)}
    unseen = [view for view, name in enumerate(sightings.views) if not counts[name]]
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    if not unseen:
        return (
            f"no two cameras see the {board} at the same time (pictures with the board: {listed}): film it where two "
            "see it; if they do, the views are out of step: set offsets in capture.toml"
        )
    names = " and ".join(f'"{sightings.views[view]}"' for view in unseen)
    step = max(1, len(sightings.frames) // _LOOKS)
    pictures: list[Image] = []
    for moment in footage.frames(sightings.frames[step // 2 :: step]):
        pictures += [image for view in unseen if (image := moment.images[view]) is not None]
    text = (
        f"no picture of {names} shows the {board} ({len(sightings.frames)} frames; pictures with the board: {listed})"
    )
    reason = explain(board, pictures)
    return f"{text}: {reason or 'is it in the picture, large and sharp enough, and not covered?'}"


def explain(board: Board, pictures: Sequence[Image]) -> str | None:
    """Return what would make the board found in most of the pictures, or else in more than anything else; or None."""
    best, words = 0, None
    for other, change, reason in _variants(board):
        detector = BoardDetector(other)
        count = sum(detector.detect(change(image)) is not None for image in pictures)
        if count > best:
            best, words = count, f"{reason} ({count} of {len(pictures)} pictures)"
        if 2 * best > len(pictures):
            break
    return words


def _variants(board: Board) -> Iterator[tuple[Board, Change, str]]:
    """Yield other boards, changes of the pictures, and what to do if they are found."""
    turned: dict[str, object] = {"columns": board.rows, "rows": board.columns}
    larger: dict[str, object] = {"columns": board.columns + 1, "rows": board.rows + 1}
    smaller: dict[str, object] = {"columns": board.columns - 1, "rows": board.rows - 1}
    options: list[tuple[dict[str, object], str]] = [
        (turned, f"a board of {board.rows} x {board.columns} squares is there: exchange the two numbers"),
        (
            larger,
            f"a board of {board.columns + 1} x {board.rows + 1} squares is there: count squares, not inner corners",
        ),
        (smaller, f"a board of {board.columns - 1} x {board.rows - 1} squares is there"),
        ({"inverted": not board.inverted}, "the board is there with light and dark exchanged: --inverted"),
    ]
    if board.kind == "charuco":
        options.append(({"legacy": not board.legacy}, "the old pattern of OpenCV before 4.6 is there: --legacy"))
        size = board.marker_dictionary.markerSize
        alike = f"DICT_{size}X{size}_"
        options += [
            ({"dictionary": name}, f"markers of {name} are there: --dictionary {name}")
            for name in dictionary_names()
            if name.endswith("_1000") and not name.startswith(alike)  # it holds the smaller ones of its size
        ]
    for changes, reason in options:
        other = _other(board, changes)
        if other is not None:
            yield other, _unchanged, reason
    if board.kind == "charuco":
        yield board, _mirror, "the board is there in mirrored pictures: film or convert them without mirroring"
        plain = _other(board, {"kind": "chessboard"})
        if plain is not None:
            yield plain, _unchanged, "a plain chessboard is there, without markers that can be read: --board chessboard"


def _other(board: Board, changes: dict[str, object]) -> Board | None:
    try:
        return replace(board, **changes)  # type: ignore[arg-type]
    except ConfigError:
        return None
