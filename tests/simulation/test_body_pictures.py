from __future__ import annotations

import numpy as np
import pytest
import torch

from poseharvest.geometry.camera import Camera
from poseharvest.simulation.body import POINTS, make_actor
from poseharvest.simulation.body_pictures import Renderer
from poseharvest.simulation.round_cones import LEFT, RIGHT, RoundCones, body_cones, first_hits
from poseharvest.simulation.scene import Scene


def cones_of(seed: int, time_s: float) -> RoundCones:
    actor = make_actor(seed)
    points = actor.points(torch.tensor([time_s], dtype=torch.float64))[0]
    return body_cones(points.numpy(), actor.body.stature_mm)


def silhouette(camera: Camera, cones: RoundCones) -> np.ndarray:
    """The slow way: every pixel's own ray against every solid."""
    height, width = camera.image_size
    y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    rays = camera.pixel_rays(torch.stack((x, y), -1)).direction.numpy()
    hits = first_hits(rays[:, :, None], cones.seen_from(camera.center.numpy()))
    return np.isfinite(hits.distance).any(-1)


def far_away(cones: RoundCones) -> RoundCones:
    return cones.seen_from(np.array((0.0, 0.0, -1e6)))


@pytest.mark.parametrize(("seed", "time_s"), [(0, 0.0), (1, 3.0), (2, 7.5)])
def test_the_person_is_drawn_where_every_pixel_s_own_ray_meets_it(small_camera, seed, time_s):
    camera = small_camera()
    cones = cones_of(seed, time_s)
    picture = Renderer(camera).picture(cones)
    mask = silhouette(camera, cones)
    assert 0.02 < mask.mean() < 0.5
    # A body's shadow makes the floor darker but keeps its hue: what is coloured, or dark and not gray, is the body.
    hue = np.ptp(picture.astype(float) / np.maximum(picture.sum(-1, keepdims=True), 1), axis=-1)
    blue_or_orange = hue > 0.1
    assert (blue_or_orange & ~mask).sum() <= 3
    background = Renderer(camera).picture(far_away(cones))
    changed = (picture != background).any(-1)
    assert (mask & ~changed).sum() <= 3
    darker = picture.sum(-1).astype(int) < background.sum(-1)
    assert (darker | mask)[changed].all()  # around the body there is nothing but its shadow
    assert (changed & ~mask)[: int(np.flatnonzero(mask.any(1))[0])].sum() == 0  # nothing above the head


def test_pictures_have_the_camera_s_size_and_repeat(small_camera):
    camera = small_camera()
    renderer = Renderer(camera)
    first, second = renderer.picture(cones_of(0, 0.0)), renderer.picture(cones_of(0, 2.0))
    assert first.shape == (180, 260, 3)
    assert first.dtype == np.uint8
    assert (first != second).any()
    assert np.array_equal(renderer.picture(cones_of(0, 0.0)), first)
    assert np.array_equal(Renderer(camera).picture(cones_of(0, 0.0)), first)


def test_without_a_person_there_is_the_empty_stage(small_camera):
    renderer = Renderer(small_camera())
    empty = renderer.picture(far_away(cones_of(0, 0.0)))
    assert empty[10].std(0).max() < 10  # a wall above
    assert empty[-40:].std() > 5  # tiles below
    behind = RoundCones(*(np.array(x) for x in ([[9e3, 2e3, 1e3]], [[9e3, 2e3, 1500.0]], [[80.0, 80.0]])))
    assert np.array_equal(renderer.picture(behind), empty)


def test_left_limbs_are_blue_and_right_ones_orange(scene: Scene):
    found = set()
    points = scene.points(40)
    cones = body_cones(points.numpy(), scene.actor.body.stature_mm)
    for camera in scene.cameras:
        picture = Renderer(camera).picture(cones)
        for side, color in (("left", LEFT), ("right", RIGHT)):
            middle = (points[POINTS.index(f"{side}_knee")] + points[POINTS.index(f"{side}_ankle")]) / 2
            x, y = camera.project(middle).pixels.round().int().tolist()
            direction, wanted = picture[y, x].astype(float), np.array(color, float)
            cosine = direction @ wanted / np.linalg.norm(direction) / np.linalg.norm(wanted)
            if cosine > 0.98:
                found.add(side)
    assert found == {"left", "right"}


def test_a_body_at_the_camera_does_not_break_it(small_camera):
    camera = small_camera()
    cones = cones_of(0, 0.0)
    at_lens = cones.seen_from(-camera.center.numpy() + np.array((0.0, 0.0, 1000.0)))
    picture = Renderer(camera).picture(at_lens)
    assert np.array_equal(picture.shape, (180, 260, 3))
