"""Cameras as rows of numbers, for the compiled loops that look through them (backends/camera_loops.py)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.geometry.camera import MIN_DEPTH_MM, AffineCamera, Camera, StaticCamera
from poseharvest.pictorial.shapes import Float

_AFFINE_DEPTH = torch.tensor([[0.0, 0.0, 0.0, 1.0]], dtype=torch.float64)
_SHIFT = [14, 17]  # numbers of a row: where the pixel (0, 0) is
_NO_LENS = [*[0.0] * 8, math.inf]


@dataclass(frozen=True, eq=False)
class ViewRows:
    """F frames of V views.

    Attributes:
        values: (F, V, 28): 12 for the rows of the matrix from (x, y, z, 1), mm from the cube's lowest corner, to the
            camera; 6 for those of the matrix from normalised points (a, b, 1) to pixels of the maps;
            8 for the lens; the square of the largest radius that it shows; the depth that a point must exceed.
        fisheye: (F, V) bool: the lens' first four numbers are those of a fisheye, else its eight are k1 k2 p1 p2 k3
            k4 k5 k6 of Brown and Conrady.
    """

    values: NDArray[np.float64]
    fisheye: NDArray[np.bool_]

    def in_margin(self, margin: int, number: type[np.floating[Any]]) -> NDArray[Any]:
        """Return `values` in a type of number, for pixels of the maps in a margin of so many pixels."""
        values = self.values.astype(number)
        values[..., _SHIFT] += margin
        return values

    @classmethod
    def of(
        cls, cameras: Sequence[Sequence[StaticCamera]], window: Float[Tensor, "F V 2 3"], low: Float[Tensor, "3 F"]
    ) -> ViewRows | None:
        """Return the rows, or None if a camera is of a kind of its own or its lens has a thin prism.

        Args:
            cameras: F rows of V cameras.
            window: (F, V, 2, 3) from pixels of the picture to those of the maps.
            low: (3, F) the cubes' lowest corners, mm.
        """
        rows, fisheye = [], []
        for frame, row in enumerate(cameras):
            for view, camera in enumerate(row):
                has_prism = isinstance(camera, Camera) and any(camera.distortion.coefficients[8:])
                if not isinstance(camera, Camera | AffineCamera) or has_prism:
                    return None
                rows.append(_row(camera, window[frame, view].double(), low[:, frame].double()))
                fisheye.append(isinstance(camera, Camera) and camera.distortion.model == "fisheye")
        shape = len(cameras), len(cameras[0])
        return cls(torch.stack(rows).reshape(*shape, -1).numpy(), np.array(fisheye).reshape(shape))


def _row(camera: Camera | AffineCamera, window: Tensor, low: Tensor) -> Tensor:
    if isinstance(camera, Camera):
        to_camera = torch.cat((camera.rotation, camera.translation[:, None]), 1).double()
        to_picture = camera.px_from_cam[:2].double()
        coefficients = (camera.distortion.coefficients + (0.0,) * 8)[:8]
        lens, min_depth = [*coefficients, camera.distortion.max_radius**2], MIN_DEPTH_MM
    else:
        to_camera = torch.cat((camera.px_from_world.double(), _AFFINE_DEPTH))
        to_picture = torch.eye(3, dtype=torch.float64)[:2]
        lens, min_depth = _NO_LENS, 0.0
    at_corner = to_camera[:, :3] @ low + to_camera[:, 3]
    to_map = window[:, :2] @ to_picture
    to_map[:, 2] += window[:, 2]
    numbers = torch.tensor([*lens, min_depth], dtype=torch.float64)
    return torch.cat((torch.cat((to_camera[:, :3], at_corner[:, None]), 1).flatten(), to_map.flatten(), numbers))
