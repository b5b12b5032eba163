"""A board as rectangles in millimetres, for sheets to print and for drawn pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseharvest.boards.board import Board, Floats


def dark_rectangles(board: Board) -> Floats:
    """Return (N, 4) the dark rectangles of a board that is not inverted: left, top, width and height in its frame, mm.

    They do not overlap. Everything else of the board is light.
    """
    side = board.square_mm
    squares = [(column, row) for row in range(board.rows) for column in range(board.columns)]
    if board.kind == "chessboard":
        dark = [square for square in squares if sum(square) % 2 == 0]
        return np.array([(side * column, side * row, side, side) for column, row in dark])
    opencv = board.charuco
    corners = [np.asarray(points)[:, :2] for points in opencv.getObjPoints()]
    marked = {tuple(np.floor(points.mean(0) / side).astype(int).tolist()) for points in corners}
    rectangles = [(side * column, side * row, side, side) for column, row in squares if (column, row) not in marked]
    for number, points in zip(opencv.getIds().reshape(-1), corners, strict=True):
        rectangles += _marker(board, int(number), points.min(0))
    return np.array(rectangles)


def _marker(board: Board, number: int, corner_mm: Floats) -> list[tuple[float, float, float, float]]:
    """Return the dark rectangles of a marker, a run of modules in a row each."""
    modules = board.marker_dictionary.markerSize + 2
    module_mm = board.marker_side_mm / modules
    is_dark = board.marker_dictionary.generateImageMarker(number, modules) < 128
    rectangles = []
    for row, line in enumerate(is_dark):
        edges = np.flatnonzero(np.diff(np.concatenate(([False], line, [False])).astype(int)))
        for begin, end in edges.reshape(-1, 2):
            left, top = corner_mm + module_mm * np.array((begin, row))
            rectangles.append((float(left), float(top), float(module_mm * (end - begin)), module_mm))
    return rectangles


def draw_board(board: Board, px_per_mm: float, margin_mm: float = 0.0) -> NDArray[np.uint8]:
    """Return the board as a picture (H, W), with a margin of its light colour.

    The edges of the rectangles are rounded to whole pixels.

    Args:
        board: the board; an inverted one is drawn inverted.
        px_per_mm: pixels per millimetre.
        margin_mm: width of the margin, mm.
    """
    width, height = (round((side + 2 * margin_mm) * px_per_mm) for side in board.size_mm)
    picture = np.full((height, width), 255, np.uint8)
    for left, top, wide, high in dark_rectangles(board) + np.array((margin_mm, margin_mm, 0, 0)):
        columns = slice(round(left * px_per_mm), round((left + wide) * px_per_mm))
        picture[round(top * px_per_mm) : round((top + high) * px_per_mm), columns] = 0
    return 255 - picture if board.inverted else picture
