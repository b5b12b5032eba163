"""A harvest on the disk: its columns and rows, reading, writing, and a new selection.

The package contains no inference. Start with `schema`, the columns that are a contract, then `reader` and `writer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.annotations.info import HarvestInfo, HarvestRun
    from poseharvest.annotations.reader import Harvest
    from poseharvest.annotations.records import FrameAnnotations, SelectedFrame
    from poseharvest.annotations.writer import HarvestWriter
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["FrameAnnotations", "Harvest", "HarvestInfo", "HarvestRun", "HarvestWriter", "SelectedFrame"]
