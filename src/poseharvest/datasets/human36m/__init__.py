"""Human3.6M: recordings, cameras and poses, in the original layout and in preprocessed ones.

Start with `recordings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.datasets.human36m.recordings import open_human36m
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["open_human36m"]
