from __future__ import annotations

import json
import math

import pytest
import torch
from torch.testing import assert_close

from poseharvest.errors import ConfigError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.crop import rescale_pixels
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import inside_image, project_all
from poseharvest.simulation.body import make_actor
from poseharvest.simulation.camera_rigs import STAGE_MM, look_at, random_rig, studio_rig, studio_rig_at_origin

TIMES = torch.arange(0, 60, 0.25, dtype=torch.float64)


@pytest.mark.data
def test_studio_is_the_rig_of_human36m(shared_dir):
    published = json.loads((shared_dir / "cameras" / "h36m-camera-parameters.json").read_text())
    stage = torch.tensor((*STAGE_MM, 0.0), dtype=torch.float64)
    points = stage + torch.tensor([(x, y, z) for x in (-800, 0, 800) for y in (-800, 800) for z in (0, 1800)]).double()
    for camera, (serial, lens) in zip(studio_rig(), published["intrinsics"].items(), strict=True):
        pose = published["extrinsics"]["S9"][serial]
        real = Camera(
            serial,
            (1000, 1000),
            torch.tensor(lens["calibration_matrix"], dtype=torch.float64),
            torch.tensor(pose["R"], dtype=torch.float64),
            torch.tensor(pose["t"], dtype=torch.float64).flatten(),
            Distortion("brown_conrady", tuple(lens["distortion"])),
        )
        assert torch.linalg.vector_norm(camera.at(0).center - real.center) < 2
        error = torch.linalg.vector_norm(camera.at(0).project(points).pixels - real.project(points).pixels, dim=-1)
        assert error.max() < 0.5


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.317])
def test_a_smaller_studio_at_the_origin_sees_the_same_in_fewer_pixels(scale):
    """What it sees of a point is what the studio sees of the point that stands as far from its stage, rescaled."""
    points = torch.tensor([(x, y, z) for x in (-800, 0, 700) for y in (-600, 800) for z in (0, 1800)]).double()
    stage = torch.tensor((*STAGE_MM, 0.0), dtype=torch.float64)
    for ours, original in zip(studio_rig_at_origin(scale), studio_rig(), strict=True):
        expected = rescale_pixels(original.project(points + stage).pixels, original.image_size, ours.image_size)
        assert_close(ours.project(points).pixels, expected)
        assert all(side % 2 == 0 and abs(side - 1000 * scale) <= 2 for side in ours.image_size)


def test_a_studio_without_pixels_is_refused():
    with pytest.raises(ConfigError, match="rig: expected pictures of 16 pixels a side or more, got 2 x 2"):
        studio_rig_at_origin(0.002)


def test_studio_has_pictures_that_are_not_square():
    assert {camera.image_size for camera in studio_rig()} == {(1002, 1000), (1000, 1000)}


@pytest.mark.parametrize("seed", range(5))
def test_every_camera_of_the_studio_sees_the_whole_person(seed):
    points = make_actor(seed, STAGE_MM).points(TIMES).reshape(-1, 3)
    for camera in studio_rig():
        projection = camera.at(0).project(points)
        assert bool((projection.valid & inside_image(projection.pixels, camera.image_size)).all())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("image_size", [(720, 1280), (1280, 720)])
def test_random_cameras_see_the_person_upright(seed, image_size):
    rig = random_rig(5, torch.Generator().manual_seed(seed), image_size=image_size)
    points = make_actor(seed).points(TIMES)
    seen = project_all(rig.at(0), points.reshape(-1, 3))
    share = (seen.valid & inside_image(seen.pixels, image_size)).double().mean()
    assert share > 0.97
    pole = torch.tensor(((0.0, 0.0, 0.0), (0.0, 0.0, 1800.0)), dtype=torch.float64)
    feet, head = project_all(rig.at(0), pole).pixels.unbind(1)
    assert bool((feet[:, 1] - head[:, 1] > 0.35 * min(image_size)).all())
    assert float((feet - head)[:, 0].abs().max()) < 0.1 * min(image_size)


def test_random_rig_is_decided_by_the_generator():
    first, again, other = (random_rig(3, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    for a, b, c in zip(first.at(0), again.at(0), other.at(0), strict=True):
        assert torch.equal(a.translation, b.translation)
        assert not torch.allclose(a.translation, c.translation)
    radii = [float(torch.linalg.vector_norm(camera.center[:2])) for camera in first.at(0)]
    assert all(3500 <= radius <= 6500 for radius in radii)
    assert max(radii) - min(radii) > 100


def test_a_rig_needs_a_view(generator):
    with pytest.raises(ConfigError, match="random rig: expected at least one view, got 0"):
        random_rig(0, generator)


def test_look_at_looks_there_and_stays_upright(generator):
    for _ in range(20):
        center, target = 1000 * torch.randn(2, 3, generator=generator, dtype=torch.float64)
        rotation = look_at(center, target)
        assert_close(rotation @ rotation.T, torch.eye(3, dtype=torch.float64))
        assert float(torch.linalg.det(rotation)) == pytest.approx(1)
        away = rotation @ (target - center)
        assert_close(away[:2], torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-9)
        assert away[2] > 0
        assert math.isclose(float(rotation[0, 2]), 0, abs_tol=1e-12)  # its x axis is horizontal
        assert rotation[1, 2] < 0  # its y axis points down
