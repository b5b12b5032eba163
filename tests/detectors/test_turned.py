"""Pictures that are turned for the network, and heatmaps that are turned back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector, details_of
from poseharvest.detectors.turned import QUARTER_TURNS, TurnedDetector, turn_image, turn_maps, turn_points
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop, extract
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton import Skeleton

SIZE = (40, 70)


@dataclass(frozen=True)
class Brightness:
    """A detector whose maps are how bright the window is, for every joint."""

    heatmap_size: ImageSize = (32, 32)
    name: str = field(default="brightness", init=False)
    skeleton: Skeleton = field(default=MPII16, init=False)
    needs_images: bool = field(default=True, init=False)

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        height, width = self.heatmap_size
        maps = []
        for view in views:
            assert view.image is not None
            window = extract(view.image, view.crop, (height, width))[..., 0]
            maps.append(torch.from_numpy(window / 255).float().expand(len(self.skeleton), -1, -1))
        return torch.stack(maps)


def picture(seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.repeat(rng.integers(0, 256, (*SIZE, 1), dtype=np.uint8), 3, axis=2)


@settings(deadline=None)
@given(st.sampled_from(QUARTER_TURNS), st.integers(0, SIZE[1] - 1), st.integers(0, SIZE[0] - 1))
def test_a_point_of_a_picture_that_is_not_square_turns_with_it(degrees, x, y):
    image = picture()
    turned = turn_image(image, degrees)
    column, row = turn_points(torch.tensor([float(x), float(y)]), SIZE, degrees).long().tolist()
    assert (turned[row, column] == image[y, x]).all()


@pytest.mark.parametrize("degrees", QUARTER_TURNS)
def test_turning_on_to_a_whole_turn_gives_the_maps_back(degrees):
    maps = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(turn_maps(turn_maps(maps, degrees), -degrees % 360), maps, atol=0, rtol=0)


@settings(deadline=None)
@given(
    st.sampled_from(QUARTER_TURNS),
    st.floats(10, 60),
    st.floats(5, 35),
    st.floats(12, 90),
)
def test_a_turned_window_is_the_window_turned(degrees, x, y, side):
    """What the network sees of a camera that hangs askew is what it would see of one that does not."""
    upright, plain = picture(), Brightness()
    filmed = turn_image(upright, -degrees % 360)
    center = turn_points(torch.tensor([x, y], dtype=torch.float64), SIZE, -degrees % 360).tolist()
    asked = CroppedView("cam", 0, Crop((center[0], center[1]), side), filmed)
    seen = TurnedDetector(plain, {"cam": degrees}).detect([asked])
    wanted = plain.detect([CroppedView("cam", 0, Crop((x, y), side), upright)])
    # OpenCV rounds the places between pixels to a 32nd.
    assert float((turn_maps(seen, degrees) - wanted).abs().mean()) < 0.02


@pytest.mark.parametrize("size", [(32, 32), (24, 36)])
@pytest.mark.parametrize("degrees", QUARTER_TURNS)
def test_a_bright_spot_is_found_where_it_was_filmed(degrees, size):
    image = np.zeros((*SIZE, 3), np.uint8)
    image[18:21, 41:44] = 255
    crop = Crop((38.0, 21.0), 36.0)
    detector: HeatmapDetector = TurnedDetector(Brightness(size), {"cam": degrees})
    peaks = heatmap_peaks(detector.detect([CroppedView("cam", 0, crop, image)]), [crop])
    distance = torch.linalg.vector_norm(peaks.pixels[0, 0] - torch.tensor([42.0, 19.0], dtype=torch.float64))
    assert float(distance) < 1.0


def test_views_that_are_not_named_are_seen_as_they_are():
    image, crop = picture(), Crop((30.0, 20.0), 30.0)
    views = [CroppedView(name, 0, crop, image) for name in ("one", "two")]
    turned, plain = TurnedDetector(Brightness(), {"two": 180}).detect(views), Brightness().detect(views)
    torch.testing.assert_close(turned[0], plain[0], atol=0, rtol=0)
    assert float((turned[1] - plain[1]).abs().max()) < 0.1  # turned there and back
    assert details_of(TurnedDetector(Brightness(), {"two": 180})) == {"turns": {"two": 180}}


def test_other_angles_are_refused():
    with pytest.raises(DetectorError, match='expected 0, 90, 180 or 270 degrees clockwise, got "cam": 45'):
        TurnedDetector(Brightness(), {"cam": 45})
