"""Type aliases and the axis letters used everywhere.

B batch, V view, J joint, E edge (limb), H W image rows and columns, X Y Z voxels, N points.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

ImageSize: TypeAlias = tuple[int, int]
"""(height, width) in pixels. Sizes are rows first, points are (x, y)."""

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) RGB picture."""

FloatArray: TypeAlias = NDArray[np.floating[Any]]

__all__ = ["FloatArray", "Image", "ImageSize", "Tensor"]
