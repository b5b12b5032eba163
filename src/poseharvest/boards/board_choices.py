"""What may be chosen of a board and of the sheet that it is printed on."""

from __future__ import annotations

from typing import Literal

BoardKind = Literal["charuco", "chessboard"]

DEFAULT_DICTIONARY = "DICT_4X4_100"
"""Few large bits: they are read from farther away than those of larger dictionaries."""

Paper = Literal["fit", "A4", "A3", "A2", "A1", "A0", "letter", "tabloid"]
