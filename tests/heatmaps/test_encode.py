import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.errors import ShapeError
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.encode import gaussian_maps, raise_to_gaussians, target_heatmaps

SIZE = (12, 20)


def test_a_gaussian_has_height_one_at_its_point_and_falls_with_sigma():
    values = gaussian_maps(torch.tensor([7.0, 4.0], dtype=torch.float64), SIZE, sigma_px=2.0)
    assert float(values[4, 7]) == 1
    assert float(values[4, 9]) == pytest.approx(float(torch.tensor(-0.5, dtype=torch.float64).exp()))
    assert float(values[8, 7]) == pytest.approx(float(torch.tensor(-2.0, dtype=torch.float64).exp()))


def test_the_centre_of_mass_is_the_point():
    point = torch.tensor([8.3, 5.6], dtype=torch.float64)
    values = gaussian_maps(point, SIZE, sigma_px=0.9)
    x = (values.sum(0) * torch.arange(SIZE[1])).sum() / values.sum()
    y = (values.sum(1) * torch.arange(SIZE[0])).sum() / values.sum()
    assert (torch.stack((x, y)) - point).abs().max() < 1e-3


def test_joints_without_annotation_or_outside_the_window_are_not_known():
    crop = Crop((100.0, 60.0), 40.0)  # covers x 80 to 120, y 40 to 80, in picture edges
    pixels = torch.tensor([[100.0, 60.0], [float("nan"), 60.0], [79.0, 60.0], [100.0, 81.0], [119.4, 79.4]])
    target = target_heatmaps(pixels, crop, SIZE, sigma_px=1.0)
    assert target.known.tolist() == [True, False, False, False, True]
    assert target.values[~target.known].abs().max() == 0
    assert target.values.dtype == torch.float32


def test_a_target_lies_where_the_window_shows_the_joint():
    crop = Crop((100.0, 60.0), 40.0)
    target = target_heatmaps(crop.to_image(torch.tensor([[13.0, 3.0]]), SIZE), crop, SIZE)
    assert divmod(int(target.values.argmax()), SIZE[1]) == (3, 13)


def test_sigma_must_be_positive():
    with pytest.raises(ShapeError, match="expected sigma_px > 0, got 0"):
        gaussian_maps(torch.zeros(2), SIZE, sigma_px=0)


@settings(max_examples=40, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(-40, 60), st.floats(-40, 60)), min_size=3, max_size=3),
    heights=st.lists(st.floats(-0.5, 1.5), min_size=3, max_size=3),
    sigma=st.sampled_from([0.4, 1.0, 6.0]),
    twice=st.booleans(),
)
def test_bumps_drawn_where_they_are_seen_are_whole_gaussians_to_the_bit(points, heights, sigma, twice):
    places, height = torch.tensor(points, dtype=torch.float64), torch.tensor(heights, dtype=torch.float64)
    maps, whole = torch.zeros(3, *SIZE), torch.zeros(3, *SIZE)
    for shift in (0.0, 5.0)[: 1 + twice]:
        raise_to_gaussians(maps, places + shift, height, sigma_px=sigma)
        bumps = gaussian_maps(places + shift, SIZE, sigma_px=sigma) * height[:, None, None]
        whole = torch.maximum(whole, bumps.float())
    assert torch.equal(maps, whole)


def test_a_bump_at_no_place_is_not_drawn_and_one_without_a_height_is_no_number():
    maps = torch.zeros(2, *SIZE)
    raise_to_gaussians(maps, torch.tensor([[torch.nan, 3.0], [7.0, 3.0]]), torch.tensor([0.5, torch.nan]), sigma_px=1.0)
    assert not maps[0].any()
    assert maps[1].isnan().all()
