"""The corners of a board in one picture, by the detectors of OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import Image
from poseharvest.boards.board import Board, Floats

MIN_CORNERS = 6
"""Corners that a picture must show: four fix the pose of a plane, more show whether it fits."""

Gray = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Corners:
    """The corners of a board that a picture shows.

    Attributes:
        ids: (N,) increasing numbers of the corners (see `board`).
        pixels: (N, 2) their places x, y, pixels.
    """

    ids: NDArray[np.int64]
    pixels: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def renumbered(self, ids: NDArray[np.int64]) -> Corners:
        """Return the corners with other numbers `ids` (N,), sorted by them."""
        order = np.argsort(ids, kind="stable")
        return Corners(ids[order], self.pixels[order])


class BoardDetector:
    """Finds the corners of one board in pictures.

    Args:
        board: the board.
    """

    def __init__(self, board: Board) -> None:
        self.board = board

    @cached_property
    def _charuco(self) -> Any:
        return cv2.aruco.CharucoDetector(self.board.charuco)

    def detect(self, image: Image) -> Corners | None:
        """Return the corners in the picture (H, W, 3) RGB; None if it shows too little of the board.

        A chessboard must be shown entirely. Of a ChArUco board, 6 corners in two rows and two columns are enough. The
        corners of a chessboard that looks the same after half a turn may be numbered from either end.
        """
        gray = self._gray(image)
        found = self._detect_charuco(gray) if self.board.kind == "charuco" else self._detect_chessboard(gray)
        return found if found is not None and self._is_enough(found.ids) else None

    def _gray(self, image: Image) -> Gray:
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        return 255 - gray if self.board.inverted else gray

    def _is_enough(self, ids: NDArray[np.int64]) -> bool:
        rows, columns = np.divmod(ids, self.board.columns - 1)
        return len(ids) >= min(MIN_CORNERS, self.board.num_corners) and min(np.ptp(rows), np.ptp(columns)) > 0

    def _detect_charuco(self, gray: Gray) -> Corners | None:
        pixels, ids, _, _ = self._charuco.detectBoard(gray)
        if ids is None or not len(ids):
            return None
        places = pixels.reshape(-1, 2).astype(np.float64) - _charuco_shift_px()
        found = Corners(ids.reshape(-1).astype(np.int64), places)
        return found.renumbered(found.ids)

    def _detect_chessboard(self, gray: Gray) -> Corners | None:
        board = self.board
        size = (board.columns - 1, board.rows - 1)
        is_found, pixels = cv2.findChessboardCornersSB(gray, size, flags=cv2.CALIB_CB_NORMALIZE_IMAGE)
        if not is_found:
            return None
        grid = pixels.reshape(size[1], size[0], 2).astype(np.float64)
        across, down = grid[:, -1].mean(0) - grid[:, 0].mean(0), grid[-1].mean(0) - grid[0].mean(0)
        if across[0] * down[1] - across[1] * down[0] < 0:  # the front of a board is right-handed in a picture
            grid = grid[:, ::-1]
        if not board.is_symmetric and _first_is_light(gray, grid):
            grid = grid[::-1, ::-1]
        return Corners(np.arange(board.num_corners), np.ascontiguousarray(grid.reshape(-1, 2)))


@cache
def _charuco_shift_px() -> float:
    """Return by how much OpenCV's corners of a ChArUco board lie beyond their places: 0.5 in old versions, else 0.

    It is measured on a drawn board, whose corners lie between the pixels of two squares.
    """
    side, columns, rows = 40, 5, 4
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    board = cv2.aruco.CharucoBoard((columns, rows), side, 0.75 * side, dictionary)
    picture = board.generateImage(((columns + 2) * side, (rows + 2) * side), marginSize=side)
    pixels, ids, _, _ = cv2.aruco.CharucoDetector(board).detectBoard(picture)
    expected = side * (2 + ids.reshape(-1) % (columns - 1)) - 0.5
    return round(2 * float(np.median(pixels.reshape(-1, 2)[:, 0] - expected))) / 2


def _first_is_light(gray: Gray, grid: Floats) -> bool:
    """Return whether the squares that should be dark are the light ones: the corners are counted from the wrong end.

    The square between the corners (0, 0) and (1, 1) is the second one of the second row: dark, like the first of all.
    """
    middles = (grid[:-1, :-1] + grid[1:, 1:] + grid[:-1, 1:] + grid[1:, :-1]) / 4
    x, y = np.rint(middles).astype(int).transpose(2, 0, 1)
    shades = gray[y.clip(0, gray.shape[0] - 1), x.clip(0, gray.shape[1] - 1)].astype(np.float64)
    rows, columns = np.indices(shades.shape)
    is_dark = (rows + columns) % 2 == 0
    return bool(shades[is_dark].mean() > shades[~is_dark].mean())
