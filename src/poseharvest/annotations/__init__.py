"""A harvest on the disk: the folder's columns, its rows, and reading, writing and selecting anew.

It never infers anything. Start with `schema`, the columns that are a contract, then `reader` and `writer`.
"""

from __future__ import annotations

from poseharvest.annotations.info import HarvestInfo, HarvestRun
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.rows import SelectedFrame
from poseharvest.annotations.writer import HarvestWriter

__all__ = ["FrameAnnotations", "Harvest", "HarvestInfo", "HarvestRun", "HarvestWriter", "SelectedFrame"]
