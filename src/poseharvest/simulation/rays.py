"""The rays of all pixels of a camera, through its real lens."""

from __future__ import annotations

import torch
from torch import Tensor

from poseharvest.geometry.camera import Camera

_LATTICE_PX = 8  # rays are found by Newton's method on a lattice and interpolated: below 0.01 px off


def camera_rays(camera: Camera) -> Tensor:
    """Return the directions (H, W, 3) in the world of the rays of all pixels, unit vectors, float32."""
    if camera.distortion.model == "none":
        return _pinhole_rays(camera)
    height, width = camera.image_size
    rows, columns = (torch.linspace(0, n - 1, n // _LATTICE_PX + 2, dtype=torch.float64) for n in (height, width))
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    lattice = camera.pixel_rays(torch.stack((x, y), -1)).direction
    between = torch.nn.functional.interpolate(
        lattice.movedim(-1, 0).unsqueeze(0), size=(height, width), mode="bilinear", align_corners=True
    )
    return torch.nn.functional.normalize(between[0], dim=0).movedim(0, -1).float().contiguous()


def _pinhole_rays(camera: Camera) -> Tensor:
    """Return the rays without a lens: before they are normalised, they are linear in the pixel."""
    height, width = camera.image_size
    world_from_px = (camera.rotation.double().T @ torch.linalg.inv(camera.px_from_cam.double())).float()
    x, y = torch.arange(width, dtype=torch.float32), torch.arange(height, dtype=torch.float32).unsqueeze(-1)
    rays = torch.stack([row[0] * x + (row[1] * y + row[2]) for row in world_from_px])
    return (rays * (rays[0] ** 2 + rays[1] ** 2 + rays[2] ** 2).rsqrt()).movedim(0, -1)
