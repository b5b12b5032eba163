"""Public data sets by their documented layout: their footage, and apart from it their truth.

Nothing that infers may import it. Start with `protocol`, then `registry`.
"""

from __future__ import annotations

from poseharvest.datasets.protocol import MultiViewDataset
from poseharvest.datasets.registry import open_dataset

__all__ = ["MultiViewDataset", "open_dataset"]
