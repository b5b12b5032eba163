"""Shapes in annotations: ``Float[Tensor, "J 3"]`` is a tensor of floats with J rows and three columns.

Within one signature a letter stands for one size: F frames, V views, J joints, S pairs of a joint and a frame, N or M
blocks or points, K or L positions of a joint, H W rows and columns of a heatmap, X Y Z voxels. ``...`` and ``*name``
stand for any number of axes, and ``_`` for any size.

At run time the names say nothing, and no package is needed for them. Type checkers read `shapes.pyi`, which takes them
from jaxtyping. The tests of this package put jaxtyping's in their place and check every call.
"""

from __future__ import annotations

from typing import Annotated

Bool = Float = Int = Num = Annotated
