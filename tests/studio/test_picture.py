from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from poseharvest.errors import ConfigError
from poseharvest.studio import empty_room, sample, studio_pictures


@pytest.mark.parametrize("world", ["generic", "target"])
def test_a_seed_reproduces_every_pixel(world):
    first, again = sample(world, 3, 5, size=64), sample(world, 3, 5, size=64)
    assert np.array_equal(first.image, again.image)
    assert torch.equal(first.joints, again.joints)


def test_a_series_gives_the_same_pictures_one_by_one_and_from_the_middle():
    series = list(islice(studio_pictures("generic", 4, size=48), 3))
    assert all(np.array_equal(p.image, sample("generic", 4, i, size=48).image) for i, p in enumerate(series))
    assert np.array_equal(next(studio_pictures("generic", 4, size=48, start=2)).image, series[2].image)
    assert not np.array_equal(series[0].image, series[1].image)


def test_worlds_and_seeds_differ():
    assert not np.array_equal(sample("generic", 1, size=48).image, sample("target", 1, size=48).image)
    assert not np.array_equal(sample("generic", 1, size=48).image, sample("generic", 2, size=48).image)


def test_joints_are_what_the_picture_s_camera_projects():
    picture = sample("target", 8, size=96)
    assert picture.image.shape == (96, 96, 3)
    assert picture.camera.image_size == (96, 96)
    torch.testing.assert_close(picture.camera.project(picture.positions).pixels, picture.joints)


def test_visible_joints_lie_within_the_picture_and_most_are_visible():
    pictures = list(islice(studio_pictures("generic", 12, size=64), 12))
    for picture in pictures:
        inside = ((picture.joints > -0.5) & (picture.joints < 63.5)).all(-1)
        assert bool((inside | ~picture.visible).all())
    visible = torch.stack([picture.visible for picture in pictures]).double().mean()
    assert 0.6 < float(visible) < 0.99


@pytest.mark.parametrize("index", [4, 5])
def test_without_the_person_the_picture_is_another_one_around_the_joints_alone(index: int):
    picture = sample("generic", 1, index, size=128, margin=1.5)
    room = empty_room("generic", 1, index, size=128, margin=1.5)
    assert room.shape == picture.image.shape
    apart = np.abs(room.astype(float) - picture.image).mean(-1)
    x, y = picture.joints[picture.visible].round().long().T
    low, high = picture.joints.amin(0).long() - 25, picture.joints.amax(0).long() + 25
    beside = np.ones_like(apart, dtype=bool)
    beside[max(low[1], 0) :, max(low[0], 0) : high[0]] = False  # and the shadow below
    assert np.median(apart[y, x]) > 5 * np.median(apart[beside])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"world": "mars"}, 'world: expected one of generic, target, got "mars"'),
        ({"world": "generic", "size": 8}, "expected a size of at least 16 pixels, got 8"),
    ],
)
def test_wrong_requests_are_named(arguments, message):
    with pytest.raises(ConfigError, match=message):
        sample(seed=0, **arguments)


@pytest.mark.gpu
def test_a_gpu_draws_the_same_picture():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    on_cpu, on_gpu = sample("target", 2, size=96), sample("target", 2, size=96, device="cuda")
    difference = np.abs(on_cpu.image.astype(int) - on_gpu.image.astype(int))
    assert difference.mean() < 0.5


def test_a_margin_shows_the_same_person_with_whole_pixels_more_on_every_side():
    plain, wide = sample("generic", 5, 2, size=64), sample("generic", 5, 2, size=64, margin=1.5)
    assert wide.image.shape == (96, 96, 3)
    torch.testing.assert_close(wide.joints, plain.joints + 16)
    torch.testing.assert_close(wide.positions, plain.positions)
    torch.testing.assert_close(wide.camera.project(wide.positions).pixels, wide.joints)
    # The camera's light meter sees more, so brightness and noise differ; what is drawn does not.
    middle, alone = wide.image[16:-16, 16:-16].astype(float), plain.image.astype(float)
    assert np.corrcoef(middle.ravel(), alone.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("margin", [0.9, 5.0, float("nan")])
def test_a_margin_that_makes_no_sense_is_refused(margin):
    with pytest.raises(ConfigError, match=r"studio picture: expected a margin of 1 to 4, got"):
        sample("generic", 0, margin=margin)
