"""Public data sets in their documented layouts: footage, and separately the ground truth.

No package of inference may import it. Start with `protocol`, then `registry`.
"""

from __future__ import annotations

from poseharvest.datasets.protocol import MultiViewDataset
from poseharvest.datasets.registry import open_dataset

__all__ = ["MultiViewDataset", "open_dataset"]
