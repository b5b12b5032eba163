"""Eq. (3): the likelihood of every joint in every voxel, by back-projection of the heatmaps.

``p(I | s_i) = prod_k (max(h_k(pi_k(s_i)), 0) + floor)``, kept as a logarithm so that many views cannot underflow.
The floor is the chance that a view is simply wrong (docs/method.md, choice D3). It is lower for a joint that fewer than
four views show (`evidence.floors_of`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import sample_bilinear
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.evidence import floors_of, views_that_show
from poseharvest.pictorial.posterior import VoxelVolume
from poseharvest.pictorial.shapes import Float


@dataclass(frozen=True, eq=False)
class Unaries:
    """Log-likelihoods of one frame on a voxel grid.

    Attributes:
        log_values: (J, X, Y, Z) natural logarithm of Eq. (3); -inf where impossible (only with a floor of 0).
        volume: the grid.
    """

    log_values: Float[Tensor, "J X Y Z"]
    volume: VoxelVolume

    def __post_init__(self) -> None:
        x, y, z = self.volume.shape
        check_shape("unaries", self.log_values, "J X Y Z", X=x, Y=y, Z=z)


def view_evidence(
    heatmaps: Heatmaps, view: int, camera: StaticCamera, points: Float[Tensor, "N 3"]
) -> Float[Tensor, "J N"]:
    """Return max(h, 0) of one view at world points (N, 3), mm, as (J, N); 0 outside its crop and behind the camera."""
    values = heatmaps.values[view]
    crop = heatmaps.crops[view]
    if crop is None:
        return values.new_zeros((values.shape[0], points.shape[0]))
    projection = camera.project(points)
    window = crop.to_window(projection.pixels, heatmaps.size)
    sampled = sample_bilinear(values.unsqueeze(0), window.to(values.dtype).unsqueeze(0))[0]
    return torch.where(projection.valid, sampled.clamp_min(0), 0)


def back_project(heatmaps: Heatmaps, cameras: Sequence[StaticCamera], volume: VoxelVolume, floor: float) -> Unaries:
    """Return the unaries of one frame (Eq. 3).

    Args:
        heatmaps: of V views.
        cameras: V cameras as they stand in this frame.
        volume: the grid; its dtype and device are those of the work.
        floor: chance that one view of four or more is simply wrong, 0 to 1. To a view's evidence on a joint is added
            what `evidence.floors_of` makes of it, or the floor itself where the view does not show the joint. An
            absent view is left out of the product.

    Raises:
        ShapeError: there are not as many cameras as views, or the floor is negative.
    """
    if len(cameras) != heatmaps.values.shape[0]:
        raise ShapeError(f"cameras: expected one a view, {heatmaps.values.shape[0]}, got {len(cameras)}")
    if floor < 0:
        raise ShapeError(f"floor: expected 0 or more, got {floor}")
    points = volume.voxel_centers()
    num_joints = heatmaps.values.shape[1]
    log_values = points.new_zeros((num_joints, points.shape[0]))
    present = torch.tensor([crop is not None for crop in heatmaps.crops], device=heatmaps.values.device)
    is_shown = views_that_show(heatmaps.values, present)
    floors = torch.where(is_shown, floors_of(floor, is_shown, points.dtype), floor).to(points)
    for view, camera in enumerate(cameras):
        if heatmaps.crops[view] is None:
            continue
        evidence = view_evidence(heatmaps, view, camera, points).to(points.dtype)
        log_values += torch.log(evidence + floors[view][:, None])
    return Unaries(log_values.reshape(num_joints, *volume.shape), volume)
