"""Eq. (3): back-projection of heatmaps into voxels."""

from __future__ import annotations

import math

import pytest
import torch

from pictorial_kit import MAP_SIZE, STICK_POINTS, ring, seen_by, without_view
from poseharvest.errors import ShapeError
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.evidence import seen_joints
from poseharvest.pictorial.posterior import VoxelVolume
from poseharvest.pictorial.unary import back_project, view_evidence

CENTER = torch.tensor([0.0, 0.0, 830.0], dtype=torch.float64)
VOLUME = VoxelVolume(CENTER, 110.0, (9, 7, 11))


def bilinear(image: torch.Tensor, x: float, y: float) -> float:
    """By hand: between pixel centres, zero beyond the outermost ones' neighbours."""
    left, top = math.floor(x), math.floor(y)
    total = 0.0
    for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
            total += float(image[row, column]) * (1 - abs(x - column)) * (1 - abs(y - row))
    return total


def test_a_voxel_gets_the_product_of_what_the_views_show_there(generator):
    cameras = ring(3)
    heatmaps = seen_by(cameras, STICK_POINTS)
    noisy = Heatmaps(heatmaps.values + 0.1 * torch.randn(heatmaps.values.shape, generator=generator), heatmaps.crops)
    noisy.values[1, 2], noisy.values[1:, 3] = 0, -0.2
    floors = [0.05 ** (4 / 3), 0.05 ** (4 / 3), 0.05**2, 0.05**4]  # of joints that 3, 3, 2 and 1 views show
    log_values = back_project(noisy, cameras, VOLUME, 0.05).log_values.flatten(1)
    centers = VOLUME.voxel_centers()
    for joint, voxel in ((0, 17), (1, 330), (2, 500), (3, 88), (1, 346)):
        product = 1.0
        for view, camera in enumerate(cameras):
            x, y = noisy.crops[view].to_window(camera.project(centers[voxel]).pixels, MAP_SIZE).tolist()
            is_shown = bool(noisy.values[view, joint].max() > 0)
            product *= max(bilinear(noisy.values[view, joint], x, y), 0) + (floors[joint] if is_shown else 0.05)
        assert float(log_values[joint, voxel]) == pytest.approx(math.log(product), abs=1e-9)


def test_the_joint_is_where_its_unary_is_highest():
    cameras = ring(4)
    log_values = back_project(seen_by(cameras, STICK_POINTS), cameras, VOLUME, 0.01).log_values.flatten(1)
    best = VOLUME.voxel_centers()[log_values.argmax(1)]
    assert bool(((best - STICK_POINTS).abs() <= VOLUME.voxel_mm).all())


def test_the_order_of_views_does_not_matter():
    cameras = ring(4)
    heatmaps = seen_by(cameras, STICK_POINTS)
    order = (2, 0, 3, 1)
    mixed = Heatmaps(heatmaps.values[list(order)], tuple(heatmaps.crops[v] for v in order))
    a = back_project(heatmaps, cameras, VOLUME, 0.01).log_values
    b = back_project(mixed, tuple(cameras[v] for v in order), VOLUME, 0.01).log_values
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_an_absent_view_is_neutral():
    cameras = ring(4)
    heatmaps = seen_by(cameras, STICK_POINTS)
    rest = [0, 1, 3]
    fewer = Heatmaps(heatmaps.values[rest], tuple(heatmaps.crops[v] for v in rest))
    a = back_project(without_view(heatmaps, 2), cameras, VOLUME, 0.01).log_values
    b = back_project(fewer, tuple(cameras[v] for v in rest), VOLUME, 0.01).log_values
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_a_floor_of_zero_is_the_papers_product():
    cameras = ring(2)
    heatmaps = seen_by(cameras, STICK_POINTS)
    paper = torch.ones(4, VOLUME.num_voxels, dtype=torch.float64)
    for view, camera in enumerate(cameras):
        paper *= view_evidence(heatmaps, view, camera, VOLUME.voxel_centers())
    found = back_project(heatmaps, cameras, VOLUME, 0.0).log_values.flatten(1).exp()
    torch.testing.assert_close(found, paper, rtol=1e-12, atol=0)


def test_outside_the_window_and_behind_the_camera_a_view_says_nothing():
    (camera,) = ring(1)
    heatmaps = seen_by((camera,), STICK_POINTS)
    full = Heatmaps(torch.ones_like(heatmaps.values), heatmaps.crops)
    behind = (2 * camera.center - CENTER)[None]
    beside = torch.tensor([[0.0, 0.0, 5000.0]], dtype=torch.float64)
    inside = STICK_POINTS[1:2]
    evidence = view_evidence(full, 0, camera, torch.cat((behind, beside, inside)))
    assert evidence[:, :2].abs().max() == 0
    torch.testing.assert_close(evidence[:, 2], torch.ones(4, dtype=torch.float64))


def test_a_joint_that_no_view_sees_is_a_flag():
    cameras = ring(3)
    heatmaps = seen_by(cameras, STICK_POINTS)
    heatmaps.values[:, 2] = -0.01
    unaries = back_project(heatmaps, cameras, VOLUME, 0.01)
    assert seen_joints(heatmaps).tolist() == [True, True, False, True]
    torch.testing.assert_close(unaries.log_values[2], torch.full(VOLUME.shape, 3 * math.log(0.01), dtype=torch.float64))


def test_wrong_input_is_refused():
    cameras = ring(2)
    heatmaps = seen_by(cameras, STICK_POINTS)
    with pytest.raises(ShapeError, match="expected one a view, 2, got 1"):
        back_project(heatmaps, cameras[:1], VOLUME, 0.01)
    with pytest.raises(ShapeError, match=r"floor: expected 0 or more, got -0\.5"):
        back_project(heatmaps, cameras, VOLUME, -0.5)
