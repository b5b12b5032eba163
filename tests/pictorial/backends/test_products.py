"""What views show at blocks, against the cameras themselves, point by point."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from poseharvest.geometry.camera import AffineCamera, Camera, StaticCamera
from poseharvest.geometry.crop import sample_bilinear
from poseharvest.geometry.distortion import Distortion
from poseharvest.pictorial.blocks import Blocks, all_blocks, halves_of
from poseharvest.pictorial.views import ShownMaps, Views
from poseharvest.simulation.camera_rigs import look_at

SIZE = (20, 27)
LENSES = {
    "none": Distortion(),
    "brown4": Distortion("brown_conrady", (-0.12, 0.05, 1e-3, -8e-4)),
    "brown8": Distortion("brown_conrady", (0.35, 0.12, 6e-4, -4e-4, 0.02, 0.62, 0.21, 0.03)),
    "folding": Distortion("brown_conrady", (-0.6, 0.0, 0.0, 0.0)),
    "fisheye": Distortion("fisheye", (0.04, -0.012, 0.006, -0.001)),
}


def camera(lens: Distortion, *, near: bool = False) -> Camera:
    center = torch.tensor([400.0 if near else 3200.0, 900.0, 1300.0], dtype=torch.float64)
    rotation = look_at(center, torch.tensor([0.0, 0.0, 900.0], dtype=torch.float64))
    px_from_cam = torch.tensor([[1000.0, 2.0, 650.0], [0.0, 990.0, 340.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    return Camera("c", (720, 1280), px_from_cam, rotation, -rotation @ center, lens)


def affine() -> AffineCamera:
    linear = torch.tensor([[0.3, 0.1, 0.02, 600.0], [0.01, 0.05, -0.31, 650.0]], dtype=torch.float64)
    return AffineCamera("a", (720, 1280), linear)


def views_of(cameras: list[list[StaticCamera]], dtype: torch.dtype) -> Views:
    num_frames, num_views = len(cameras), len(cameras[0])
    window = torch.tensor([[0.03, 0.0, -6.0], [0.0, 0.031, -3.0]], dtype=dtype).repeat(num_frames, num_views, 1, 1)
    low = torch.tensor([[-900.0, -900.0, 10.0]], dtype=dtype).T + 37.0 * torch.arange(num_frames, dtype=dtype)
    return Views(cameras, window, low, 1800.0 / 32, 32, SIZE)


def shown_by_the_cameras(views: Views, blocks: Blocks, maps: ShownMaps, chosen: range) -> torch.Tensor:
    """The products (N, 8), one joint of one frame after the other."""
    middles = (halves_of(blocks.corner) + 0.5) * (blocks.edge / 2 * views.voxel_mm)
    products = maps.values.new_ones(len(blocks.segment), 8)
    for segment in range(blocks.num_segments):
        joint, frame = divmod(segment, blocks.num_frames)
        here = blocks.segment == segment
        points = middles.reshape(3, -1, 8)[:, here].reshape(3, -1).T + views.low[:, frame]
        for view in chosen:
            if bool(maps.is_shown[frame, view, joint]):
                image = views.cameras[frame][view].project(points)
                window = views.window[frame, view]
                pixels = image.pixels @ window[:, :2].T + window[:, 2]
                shown = sample_bilinear(maps.values[frame, view, joint, 1:-1, 1:-1][None, None], pixels[None])[0, 0]
                evidence = torch.where(image.valid, shown.clamp_min(0), 0)
                products[here] *= (evidence + maps.floors[frame, joint]).reshape(-1, 8)
    return products


def some_blocks(num_frames: int, num_joints: int, dtype: torch.dtype, generator: torch.Generator) -> Blocks:
    blocks = all_blocks(32, num_frames, num_joints, dtype, torch.device("cpu"))
    return blocks.select((torch.rand(len(blocks.segment), generator=generator) < 0.4).nonzero().squeeze(1))


def maps_of(cameras, num_joints: int, dtype: torch.dtype, generator: torch.Generator) -> ShownMaps:
    """Maps of noise with a floor of its own for every joint and frame; every view shows every joint."""
    shape = len(cameras), len(cameras[0]), num_joints
    values = torch.rand(*shape, *SIZE, dtype=dtype, generator=generator) - 0.2
    floors = 0.01 + 0.1 * torch.rand(shape[0], num_joints, dtype=dtype, generator=generator)
    return ShownMaps(torch.nn.functional.pad(values, (1, 1, 1, 1)), floors, torch.ones(shape, dtype=torch.bool))


def compare(backend, cameras, generator, *, dtype=torch.float64, hidden=(), everywhere=False, atol=1e-10):
    """`hidden` has (frame, view, joint) of what is not shown; None for all of them."""
    views, every_view = views_of(cameras, dtype), range(len(cameras[0]))
    blocks = some_blocks(len(cameras), 3, dtype, generator)
    if everywhere:
        blocks = all_blocks(32, len(cameras), 3, dtype, torch.device("cpu"))
    maps = maps_of(cameras, 3, dtype, generator)
    for frame, view, joint in hidden:
        maps.is_shown[frame, view, slice(None) if joint is None else joint] = False
    found = backend.multiply_evidence(views, blocks, maps, every_view)
    torch.testing.assert_close(found, shown_by_the_cameras(views, blocks, maps, every_view), rtol=0, atol=atol)
    nothing = blocks.spread((maps.floors ** maps.is_shown.sum(1)).T.flatten())
    assert float((found - nothing[:, None]).abs().max()) > 1e-3  # something is seen


@pytest.mark.parametrize("lens", sorted(LENSES))
@pytest.mark.parametrize("near", [False, True])
def test_every_lens_shows_what_the_camera_shows(backend, lens, near, generator):
    """Near the cube, a part of it lies behind the camera and beyond the lens' range."""
    compare(backend, [[camera(LENSES[lens], near=near)]], generator)


def test_affine_cameras_and_cameras_that_move(backend, generator):
    compare(
        backend, [[affine(), camera(LENSES["brown4"])], [affine(), camera(LENSES["fisheye"], near=True)]], generator
    )


def test_all_blocks_of_every_joint(backend, generator):
    """As on the coarsest level, where joints share what the cameras show."""
    cameras = [[camera(LENSES["brown8"], near=True), affine()], [camera(LENSES["fisheye"]), affine()]]
    compare(backend, cameras, generator, hidden=[(0, 1, 1), (1, 0, None), (1, 1, 2)], everywhere=True)


def test_single_precision(backend, generator):
    compare(backend, [[camera(LENSES["brown4"]), camera(LENSES["none"])]], generator, dtype=torch.float32, atol=2e-3)


def test_a_view_that_does_not_show_the_joint_has_no_part_in_it(backend, generator):
    cameras = [[camera(LENSES["none"]), affine()], [camera(LENSES["brown8"]), affine()]]
    compare(backend, cameras, generator, hidden=[(0, 1, None), (1, 0, 1), (1, 0, 2), (1, 1, 2)])


@pytest.mark.parametrize("kind", ["ours", "any"])
def test_a_wider_margin_of_zeros_changes_nothing(backend, kind, generator):
    cameras = [[camera(LENSES["brown4"]), affine() if kind == "ours" else Periscope()]]
    views, blocks = views_of(cameras, torch.float64), some_blocks(1, 3, torch.float64, generator)
    narrow = maps_of(cameras, 3, torch.float64, generator)
    wide = replace(narrow, values=torch.nn.functional.pad(narrow.values, (3, 3, 3, 3)))
    found, expected = (backend.multiply_evidence(views, blocks, maps, range(2)) for maps in (wide, narrow))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


def test_some_of_the_views(backend, generator):
    cameras = [[camera(LENSES["none"]), affine(), camera(LENSES["brown8"])]]
    views = views_of(cameras, torch.float64)
    maps = maps_of(cameras, 2, torch.float64, generator)
    blocks = some_blocks(1, 2, torch.float64, generator)
    for chosen in (range(3), range(1), range(1, 3)):
        found = backend.multiply_evidence(views, blocks, maps, chosen)
        expected = shown_by_the_cameras(views, blocks, maps, chosen)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


class Periscope:
    """A camera of a kind of its own."""

    name, image_size = "p", (720, 1280)

    def __init__(self) -> None:
        self._camera = camera(LENSES["none"])

    def at(self, frame: int) -> Periscope:
        return self

    def project(self, points: torch.Tensor):
        return self._camera.project(points)

    def pixel_rays(self, pixels: torch.Tensor):
        return self._camera.pixel_rays(pixels)


THIN_PRISM = Distortion("brown_conrady", (-0.12, 0.05, 1e-3, -8e-4, 0.0, 0.0, 0.0, 0.0, 2e-3, -1e-3, -3e-3, 5e-4))
FLAT_PRISM = Distortion("brown_conrady", (*THIN_PRISM.coefficients[:8], 0.0, 0.0, 0.0, 0.0))


def test_a_camera_that_the_loop_does_not_know_is_looked_through_all_the_same(backend, generator):
    compare(backend, [[affine(), Periscope()]], generator)
    compare(backend, [[affine(), camera(THIN_PRISM)]], generator)


def test_the_loop_knows_all_our_cameras_but_those_with_a_thin_prism():
    known = [affine(), camera(FLAT_PRISM), *(camera(lens) for lens in LENSES.values())]
    assert all(views_of([[c]], torch.float64).rows is not None for c in known)
    assert all(views_of([[affine(), c]], torch.float64).rows is None for c in (camera(THIN_PRISM), Periscope()))
