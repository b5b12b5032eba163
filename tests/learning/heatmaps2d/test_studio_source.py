from dataclasses import replace
from math import pi

import pytest
import torch

from poseharvest.detectors.network import Preprocessing
from poseharvest.errors import ConfigError
from poseharvest.learning.heatmaps2d.studio_source import studio_source
from poseharvest.learning.loop.augment import Variation
from poseharvest.learning.loop.augmentation import Augmentation
from poseharvest.learning.loop.batches import network_picture

FARTHEST = [Variation(turn * pi / 6, 1.25, mirrored) for turn in (-1, 1) for mirrored in (False, True)]


def corners(sample, variation, size):
    """What the network sees where the picture is white: 1, and less beyond the picture's border."""
    white = replace(sample, picture=torch.full_like(sample.picture, 255))
    seen = network_picture(white, variation, Preprocessing(size, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
    return float(seen.min())


@pytest.mark.parametrize("size", [(48, 48), (64, 48)])
def test_the_farthest_turn_shows_nothing_beyond_the_picture(size):
    sample = studio_source("generic", 1, 2, input_size=size, augmentation=Augmentation()).sample(1)
    assert [corners(sample, variation, size) for variation in FARTHEST] == pytest.approx([1.0] * 4, abs=1e-5)
    tight = studio_source("generic", 1, 2, input_size=size).sample(1)
    assert corners(tight, Variation(), size) == pytest.approx(1.0, abs=1e-5)
    assert corners(tight, FARTHEST[0], size) == 0


def test_the_window_is_what_the_network_sees_pixel_by_pixel():
    sample = studio_source("generic", 2, 1, input_size=(48, 48), augmentation=Augmentation()).sample(0)
    seen = network_picture(sample, Variation(), Preprocessing((48, 48), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
    start = (sample.picture.shape[-1] - 48) // 2
    torch.testing.assert_close(seen, sample.colours[:, start : start + 48, start : start + 48], atol=1e-5, rtol=0)


def test_room_for_augmentation_changes_no_joint():
    tight, wide = (
        studio_source("generic", 3, 1, input_size=(48, 48), augmentation=augmentation).sample(0)
        for augmentation in (Augmentation(rotation_deg=0, scale=0), Augmentation())
    )
    found = [sample.window.to_window(sample.joints, (48, 48)) for sample in (tight, wide)]
    torch.testing.assert_close(found[0], found[1])


def test_a_world_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match="mars"):
        studio_source("mars", 0, 1, input_size=(48, 48)).sample(0)
