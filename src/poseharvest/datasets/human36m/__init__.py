"""Human3.6M: recordings, cameras and poses, in the original layout and in preprocessed ones.

Start with `recordings`.
"""

from __future__ import annotations

from poseharvest.datasets.human36m.recordings import open_human36m

__all__ = ["open_human36m"]
