"""The projection of points into many cameras at once, compiled for the processor; `Camera.project` has it as tensors.

A camera sees some dozen points at a time, and each tensor operation on so few takes longer than all the numbers do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseharvest.compiled import compiled_in_order

PLAIN, BROWN_CONRADY, FISHEYE = 0, 1, 2
"""Kinds of lenses."""


@compiled_in_order
def project_points(
    rows: NDArray[np.float64],
    lenses: NDArray[np.int64],
    min_depth: float,
    points: NDArray[np.float64],
    pixels: NDArray[np.float64],
    valid: NDArray[np.bool_],
) -> None:
    """Fill `pixels` (V, N, 2) and `valid` (V, N) as `Camera.project` does for each of V cameras.

    Args:
        rows: (V, 31) rotation, translation, the first two rows of the intrinsic matrix, twelve distortion
            coefficients, and the largest radius that the lens shows.
        lenses: (V,) kind of each lens.
        min_depth: depth that a visible point exceeds, mm.
        points: (V, N, 3) of each camera, or (1, N, 3) of all of them, mm.
        pixels: of the distorted pictures.
        valid: the point is in front of the camera and within the range of its lens.
    """
    for v in range(rows.shape[0]):
        row, lens = rows[v], lenses[v]
        own = points[v] if points.shape[0] > 1 else points[0]
        for n in range(own.shape[0]):
            x, y, z = own[n, 0], own[n, 1], own[n, 2]
            depth = row[6] * x + row[7] * y + row[8] * z + row[11]
            in_front = depth > min_depth
            below = depth if in_front else min_depth
            a = (row[0] * x + row[1] * y + row[2] * z + row[9]) / below
            b = (row[3] * x + row[4] * y + row[5] * z + row[10]) / below
            shown = True
            if lens == BROWN_CONRADY:
                a, b, shown = bent(row[18:30], row[30], a, b)
            elif lens == FISHEYE:
                a, b, shown = _bent_by_fisheye(row[18:30], row[30], a, b)
            pixels[v, n, 0] = row[12] * a + row[13] * b + row[14]
            pixels[v, n, 1] = row[15] * a + row[16] * b + row[17]
            valid[v, n] = in_front and shown


@compiled_in_order
def bent(k: NDArray[np.float64], max_radius: float, x: float, y: float) -> tuple[float, float, bool]:
    """Return where a lens after Brown and Conrady shows a normalised point, and whether it is within its range."""
    r2, most = x * x + y * y, max_radius * max_radius
    t = min(r2, most)
    radial = (1 + t * (k[0] + t * (k[1] + t * k[4]))) / (1 + t * (k[5] + t * (k[6] + t * k[7])))
    factor = radial + 2 * k[2] * y + 2 * k[3] * x
    a = x * factor + k[3] * r2 + t * (k[8] + k[9] * t)
    b = y * factor + k[2] * r2 + t * (k[10] + k[11] * t)
    return a, b, r2 < most


@compiled_in_order
def _bent_by_fisheye(k: NDArray[np.float64], max_radius: float, x: float, y: float) -> tuple[float, float, bool]:
    """Return where a fisheye after Kannala and Brandt shows a normalised point, and whether it is within its range."""
    radius = np.sqrt(x * x + y * y)
    angle = np.arctan(radius)
    t = angle * angle
    bent = angle * (1 + t * (k[0] + t * (k[1] + t * (k[2] + t * k[3]))))
    scale = bent / radius if radius > 1e-12 else 1.0
    return x * scale, y * scale, radius < max_radius
