"""Public data sets in their documented layouts: footage, and separately the ground truth.

No package of inference may import it. Start with `protocol`, then `registry`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.datasets.protocol import MultiViewDataset
    from poseharvest.datasets.registry import open_dataset
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["MultiViewDataset", "open_dataset"]
