from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.geometry.camera import Camera
from poseharvest.simulation.camera_rigs import look_at, random_rig
from poseharvest.simulation.rays import camera_rays
from poseharvest.simulation.round_cones import RoundCones, first_hits
from poseharvest.studio.body_shapes import BodyShape
from poseharvest.studio.casting import cast_round, make_view
from poseharvest.studio.paint import Paint
from poseharvest.studio.solids import Box, Part, assemble
from poseharvest.studio.surfaces import Hall, box_surface, hall_surface, round_surface
from poseharvest.studio.visibility import visible_joints

SEEDS = st.integers(0, 2**32 - 1)
PAINT = Paint(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
FORWARD = np.array((0.9, 0.1, 0.3))


def camera(center: tuple[float, float, float] = (3000.0, 400.0, 1500.0), size: tuple[int, int] = (40, 56)) -> Camera:
    """A pinhole camera that looks at a point a metre above the origin."""
    place = torch.tensor(center, dtype=torch.float64)
    rotation = look_at(place, torch.tensor((0.0, 0.0, 1000.0), dtype=torch.float64))
    k = torch.tensor(((70.0, 0.0, 27.2), (0.0, 72.0, 19.1), (0.0, 0.0, 1.0)), dtype=torch.float64)
    return Camera("c", size, k, rotation, -rotation @ place)


def far(view) -> torch.Tensor:
    return torch.full((view.rays.shape[1],), 1e9)


def ball(center, radius: float, scale=(1.0, 1.0, 1.0)) -> Part:
    return Part(np.array(center), np.array(center), (radius, radius), FORWARD, PAINT, scale=scale)


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_round_cones_are_met_where_the_other_renderer_meets_them(seed):
    rng = np.random.default_rng(seed)
    start = rng.uniform((-500, -500, 500), (500, 500, 1500), (6, 3))
    end, radii = start + rng.uniform(-400, 400, (6, 3)), rng.uniform(30, 120, (6, 2))
    radii[:, 1] = np.minimum(radii[:, 1], radii[:, 0] + 0.8 * np.linalg.norm(end - start, axis=-1))
    radii[:, 0] = np.minimum(radii[:, 0], radii[:, 1] + 0.8 * np.linalg.norm(end - start, axis=-1))
    view = make_view(camera())
    solids = assemble([Part(a, b, (r[0], r[1]), FORWARD, PAINT) for a, b, r in zip(start, end, radii, strict=True)])
    found = torch.full_like(far(view), torch.inf)
    hits = cast_round(solids, view, far(view))
    found[hits.pixel] = hits.distance
    cones = RoundCones(start, end, radii).seen_from(view.origin)
    wanted = first_hits(view.rays.T.double().numpy()[:, None], cones).distance.min(-1)
    agree = np.isfinite(wanted) == np.isfinite(found.numpy())
    assert agree.mean() > 0.995  # rays that graze may fall on either side in float32
    both = np.isfinite(wanted) & np.isfinite(found.numpy())
    assert both.sum() > 20
    assert np.quantile(np.abs(wanted[both] - found.numpy()[both]), 0.98) < 0.5


def test_an_ellipsoid_s_surface_fulfils_its_equation():
    view = make_view(camera())
    surface = round_surface(assemble([ball((100.0, 50.0, 1000.0), 200.0, (0.5, 1.0, 1.5))]), view, far(view))
    assert len(surface.pixel) > 20
    point = view.origin + (surface.distance * view.rays[:, surface.pixel]).T.double().numpy() - (100.0, 50.0, 1000.0)
    z = np.array((0.0, 0.0, 1.0))
    x = (FORWARD * (1, 1, 0)) / np.linalg.norm(FORWARD[:2])
    own = point @ np.stack((x, np.cross(z, x), z)).T / (100.0, 200.0, 300.0)
    np.testing.assert_allclose((own**2).sum(-1), 1.0, atol=1e-3)
    assert (torch.from_numpy(point.T) * surface.normal).sum(0).min() > 0
    assert (view.rays[:, surface.pixel] * surface.normal).sum(0).max() < 0.02


def test_the_nearest_wins_in_any_order():
    view = make_view(camera())
    near, behind = ball((600.0, 80.0, 1100.0), 150.0), ball((0.0, 0.0, 1000.0), 300.0)
    one = cast_round(assemble([near, behind]), view, far(view))
    two = cast_round(assemble([behind, near]), view, far(view))
    assert torch.equal(one.pixel, two.pixel)
    torch.testing.assert_close(one.distance, two.distance)
    assert torch.equal(one.solid, 1 - two.solid)
    alone = cast_round(assemble([near]), view, far(view))
    assert bool((one.solid[torch.isin(one.pixel, alone.pixel)] == 0).all())


def test_what_lies_behind_the_camera_or_behind_the_depth_is_not_seen():
    view = make_view(camera())
    assert len(cast_round(assemble([ball((6000.0, 800.0, 2000.0), 200.0)]), view, far(view)).pixel) == 0
    hidden = cast_round(assemble([ball((0.0, 0.0, 1000.0), 200.0)]), view, torch.full_like(far(view), 1000.0))
    assert len(hidden.pixel) == 0


def test_a_box_before_the_lens_and_the_hall_behind_it_can_be_measured_by_hand():
    """Looking along -x from x = 3000 mm: the box's face is 2900 mm away, the wall 5000 mm."""
    view = make_view(camera((3000.0, 0.0, 1000.0)))
    axis = 19 * 56 + 27
    box = Box(np.array((0.0, 0.0, 1000.0)), np.array((100.0, 200.0, 150.0)), 0.0, PAINT)
    surface = box_surface([box], view, far(view))
    at = (surface.pixel == axis).nonzero()[0, 0]
    assert float(surface.distance[at]) == pytest.approx(2900.0, rel=1e-4)
    torch.testing.assert_close(surface.normal[:, at], torch.tensor((1.0, 0.0, 0.0)))
    turned = box_surface([Box(box.center, box.half, math.pi / 2, PAINT)], view, far(view))
    assert float(turned.distance[turned.pixel == axis]) == pytest.approx(2800.0, rel=1e-4)
    hall = Hall((-2000.0, -3000.0), (4000.0, 3000.0, 2500.0), (PAINT,) * 6)
    wall = hall_surface(hall, view)
    assert float(wall.distance[axis]) == pytest.approx(5000.0, rel=1e-4)
    assert int(wall.paint[axis]) == 2
    floor = wall.paint == 0
    height = view.origin[2] + (wall.distance * view.rays[2])[floor]
    assert float(height.abs().max()) < 0.5


def test_a_joint_behind_a_box_is_not_visible():
    seen_from = camera()
    view = make_view(seen_from)
    joints = torch.tensor([[0.0, 0.0, 1000.0]] * 16, dtype=torch.float64)
    joints[5] = torch.tensor((0.0, 0.0, 90000.0))
    open_view = far(view).reshape(40, 56)
    assert visible_joints(seen_from, open_view, joints, BodyShape()).tolist() == [i != 5 for i in range(16)]
    box = Box(np.array((1000.0, 130.0, 1100.0)), np.array((100.0, 300.0, 300.0)), 0.0, PAINT)
    surface = box_surface([box], view, far(view))
    blocked = far(view).index_put((surface.pixel,), surface.distance).reshape(40, 56)
    assert not bool(visible_joints(seen_from, blocked, joints, BodyShape()).any())


@pytest.mark.parametrize("index", [0, 1])
def test_rays_go_through_the_points_that_pixels_show(index, generator):
    made = [camera(), random_rig(1, generator, image_size=(240, 350)).cameras[0]][index]
    height, width = made.image_size
    points = made.center + 2000.0 * camera_rays(made).double()
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    torch.testing.assert_close(made.project(points).pixels, torch.stack((x, y), -1).double(), atol=0.02, rtol=0)
