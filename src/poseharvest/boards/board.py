"""A calibration board: a chessboard, or a chessboard with ArUco markers in its white squares (ChArUco).

The board's own frame: the origin is the outer corner of the first square, x goes along the columns, y down the rows,
and z into the board, away from who looks at it. All in millimetres. Corner k is the inner corner in column
``k % (columns - 1)`` and row ``k // (columns - 1)``, as in OpenCV.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from poseharvest.boards.board_choices import DEFAULT_DICTIONARY, BoardKind
from poseharvest.errors import ConfigError

Floats = NDArray[np.float64]

_MIN_SQUARES, _MAX_SQUARES = 3, 60

MARKER_SHARE = 0.75
"""Side of a marker over that of a square, if none is given."""


@dataclass(frozen=True)
class Board:
    """A calibration board.

    Attributes:
        kind: "charuco" or "chessboard".
        columns: squares along x; of the whole board, not its inner corners.
        rows: squares along y.
        square_mm: measured side of a square, mm. The scale of a calibration rests on it.
        marker_mm: measured side of a marker, mm; None takes 0.75 of the square. ChArUco alone.
        dictionary: OpenCV's name of the markers' dictionary. ChArUco alone.
        inverted: white is printed black, and black white.
        legacy: the pattern of OpenCV before 4.6, which differs where the number of rows is even. ChArUco alone.

    Raises:
        ConfigError: the kind or the dictionary is unknown, a number is impossible, a marker does not fit into its
            square, the dictionary has too few markers, or a chessboard is square.
    """

    kind: BoardKind
    columns: int
    rows: int
    square_mm: float
    marker_mm: float | None = None
    dictionary: str = DEFAULT_DICTIONARY
    inverted: bool = False
    legacy: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(BoardKind):
            raise ConfigError(f'board: expected {" or ".join(get_args(BoardKind))}, got "{self.kind}"')
        for name, count in (("columns", self.columns), ("rows", self.rows)):
            if not _MIN_SQUARES <= count <= _MAX_SQUARES:
                raise ConfigError(f"board: expected {_MIN_SQUARES} to {_MAX_SQUARES} {name} of squares, got {count}")
        for name, value in (("square_mm", self.square_mm), ("marker_mm", self.marker_side_mm)):
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"{name}: expected a length above 0 mm, got {value:g}")
        if self.kind == "chessboard":
            self._check_chessboard()
        else:
            self._check_markers()

    def _check_chessboard(self) -> None:
        if self.columns == self.rows:
            raise ConfigError(
                f"board: a chessboard of {self.columns} x {self.rows} squares looks the same in four positions: "
                "expected unequal numbers of columns and rows, or a ChArUco board"
            )

    def _check_markers(self) -> None:
        if self.marker_side_mm >= self.square_mm:
            raise ConfigError(
                f"marker_mm: expected less than the square's {self.square_mm:g} mm, got {self.marker_side_mm:g}"
            )
        if self.dictionary not in dictionary_names():
            raise ConfigError(
                f'dictionary: expected a name of OpenCV such as {DEFAULT_DICTIONARY}, got "{self.dictionary}"'
            )
        needed, present = self.columns * self.rows // 2, len(self.marker_dictionary.bytesList)
        if needed > present:
            raise ConfigError(
                f"dictionary: a board of {self.columns} x {self.rows} squares needs {needed} markers, "
                f"got {self.dictionary} with {present}"
            )

    @property
    def marker_side_mm(self) -> float:
        """Side of a marker, mm."""
        return MARKER_SHARE * self.square_mm if self.marker_mm is None else self.marker_mm

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of all squares together, mm."""
        return self.columns * self.square_mm, self.rows * self.square_mm

    @property
    def num_corners(self) -> int:
        """Number of inner corners."""
        return (self.columns - 1) * (self.rows - 1)

    @cached_property
    def corner_points(self) -> Floats:
        """(N, 3) inner corners in the board's frame, mm."""
        row, column = np.divmod(np.arange(self.num_corners), self.columns - 1)
        flat = np.stack((column + 1, row + 1, np.zeros_like(row)), -1)
        return np.asarray(self.square_mm * flat, dtype=np.float64)

    @property
    def is_symmetric(self) -> bool:
        """Whether the board looks the same after half a turn: a chessboard with an even sum of columns and rows."""
        return self.kind == "chessboard" and (self.columns + self.rows) % 2 == 0

    @cached_property
    def half_turn(self) -> Floats:
        """(4, 4) half a turn of the board about its middle, in its own frame, mm."""
        turn = np.diag((-1.0, -1.0, 1.0, 1.0))
        turn[:2, 3] = self.size_mm
        return turn

    @property
    def marker_dictionary(self) -> Any:
        """OpenCV's dictionary of the markers."""
        import cv2

        return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, self.dictionary))

    @property
    def charuco(self) -> Any:
        """OpenCV's board, for a ChArUco board."""
        import cv2

        board = cv2.aruco.CharucoBoard(
            (self.columns, self.rows), self.square_mm, self.marker_side_mm, self.marker_dictionary
        )
        board.setLegacyPattern(self.legacy)
        return board

    def __str__(self) -> str:
        kind = "ChArUco board" if self.kind == "charuco" else "chessboard"
        markers = f", markers of {self.marker_side_mm:g} mm, {self.dictionary}" if self.kind == "charuco" else ""
        colours = ", inverted" if self.inverted else ""
        return f"{kind} of {self.columns} x {self.rows} squares of {self.square_mm:g} mm{markers}{colours}"


def dictionary_names() -> tuple[str, ...]:
    """Return OpenCV's names of the dictionaries of square markers with 4 to 7 bits a side."""
    import cv2

    return tuple(sorted(name for name in dir(cv2.aruco) if re.fullmatch(r"DICT_[4-7]X[4-7]_\d+", name)))


def parse_squares(text: str) -> tuple[int, int]:
    """Return columns and rows of a text such as "7x5".

    Raises:
        ConfigError: the text is not of that form.
    """
    match = re.fullmatch(r"\s*(\d{1,3})\s*[xX]\s*(\d{1,3})\s*", text)
    if match is None:
        raise ConfigError(f'squares: expected columns and rows of squares, as in 7x5, got "{text}"')
    return int(match[1]), int(match[2])
