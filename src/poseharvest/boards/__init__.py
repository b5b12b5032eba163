"""Calibration boards: what they look like, their corners in a picture, and sheets to print.

The package never sees more than one picture at a time and knows no cameras. Start with `board`, the description of a
board, then `detection`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.boards.board import Board
    from poseharvest.boards.detection import BoardDetector, Corners
    from poseharvest.boards.printing import write_board
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["Board", "BoardDetector", "Corners", "write_board"]
