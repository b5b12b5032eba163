"""Budgets of what a foreign file may ask for, checked before anything is allocated. Real files stay far below."""

from __future__ import annotations

from typing import Final

MAX_TEXT_BYTES: Final = 2**29
"""Of a JSON, XML, YAML or plain text file. COCO's largest file of keypoints has a quarter of a gigabyte."""

MAX_TOML_BYTES: Final = 2**20
"""Of a TOML file; Python's reader takes seconds a megabyte."""

MAX_DEPTH: Final = 64
"""Of lists and tables within one another."""

MAX_DIGITS: Final = 19
"""Of a whole number in JSON; one of 64 bits has no more."""

MAX_ELEMENTS: Final = 10**6
"""Of an XML document."""

MAX_PIXELS: Final = 2**27
"""Of a picture or of a film's picture: 134 megapixels."""

MAX_ARRAY_BYTES: Final = 2**30
"""Of the arrays that one file may unpack into, all together."""

MAX_EXPANSION: Final = 1100
"""Unpacked bytes for a byte of a compressed file; deflate gives no more than 1032."""

MAX_TABLE_CELLS: Final = 2**27
"""Rows times columns of a table."""

MAX_STEPS: Final = 5 * 10**7
"""Instructions of a pickle, and values that it builds."""

MAX_RUN_S: Final = 60.0
"""Time in which a foreign model must answer for a picture."""

MAX_READ_S: Final = 5.0
"""Time in which a library in pure Python must have read a file."""

MAX_INPUT_EDGE: Final = 4096
"""Height and width of a network's input, pixels."""
