"""Human3.6M: recordings, cameras and poses, as published and as others have preprocessed it.

Start with `recordings`.
"""

from __future__ import annotations

from poseharvest.datasets.human36m.recordings import open_human36m

__all__ = ["open_human36m"]
