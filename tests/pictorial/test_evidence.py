from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pictorial_kit import STICK, STICK_LENGTHS, STICK_POINTS, ring, seen_by
from poseharvest.errors import ConfigError
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.evidence import Likelihood, floors_of, sharpened, views_that_show
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions

CENTER = torch.tensor([20.0, -10.0, 850.0], dtype=torch.float64)
MAP_SIZE = (31, 40)


def gaussian(sigma_px: float, height: float = 1.0) -> torch.Tensor:
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in MAP_SIZE), indexing="ij")
    return height * torch.exp(-((x - 17) ** 2 + (y - 12) ** 2) / (2 * sigma_px**2))


def model(sharpen: float, **options: object) -> PictorialStructures:
    chosen = replace(InferenceOptions(resolution=24, neglect=0.0, sharpen=sharpen), **options)
    return PictorialStructures(STICK, STICK_LENGTHS, chosen, dtype=torch.float64)


def test_a_gaussian_becomes_a_narrower_one_as_high():
    torch.testing.assert_close(sharpened(gaussian(3.0, 0.4), 4.0), gaussian(1.5, 0.4))


def test_powers_multiply(generator: torch.Generator):
    values = torch.rand(2, 3, *MAP_SIZE, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(sharpened(sharpened(values, 1.5), 2.0), sharpened(values, 3.0))


@pytest.mark.parametrize("power", [1.0, 2.0, 8.0])
def test_peaks_and_what_is_not_positive_stay(power: float, generator: torch.Generator):
    values = torch.rand(2, 3, *MAP_SIZE, dtype=torch.float64, generator=generator) - 0.4
    values[1, 2] = -0.1
    values[0, 0] = 0.0
    made = sharpened(values, power)
    torch.testing.assert_close(made.amax((-2, -1)), values.amax((-2, -1)))
    assert torch.equal(made[values <= 0], values[values <= 0])
    assert (made <= values + 1e-12).all()
    assert made.isfinite().all()


def test_the_defaults_leave_heatmaps_as_they_are(generator: torch.Generator):
    values = torch.rand(2, 3, *MAP_SIZE, generator=generator)
    assert Likelihood().maps(values, torch.ones(2, dtype=torch.bool)) is values


def test_the_voxels_that_matter_give_what_the_whole_grid_gives():
    cameras = ring(4)
    heatmaps = seen_by(cameras, STICK_POINTS, sigma_px=3.0)
    found = model(2.0, resolution=32).infer(heatmaps, cameras, CENTER)
    expected = model(2.0, resolution=32, inference="reference").infer(heatmaps, cameras, CENTER)
    torch.testing.assert_close(found.mean, expected.mean, rtol=0, atol=1e-3)
    torch.testing.assert_close(found.cov, expected.cov, rtol=1e-3, atol=1e-2)


def test_sharpening_is_drawing_narrower_blobs():
    cameras = ring(4)
    wide, narrow = (seen_by(cameras, STICK_POINTS, sigma_px=sigma) for sigma in (3.0, 3.0 / math.sqrt(2)))
    a = model(2.0).infer(wide, cameras, CENTER)
    b = model(1.0).infer(narrow, cameras, CENTER)
    torch.testing.assert_close(a.mean, b.mean, rtol=0, atol=0.5)
    torch.testing.assert_close(a.cov, b.cov, rtol=0.05, atol=5.0)
    assert (torch.linalg.det(a.cov) < 0.7 * torch.linalg.det(model(1.0).infer(wide, cameras, CENTER).cov)).all()


def test_a_network_that_is_unsure_everywhere_is_believed_as_before():
    """Heights do not enter but through the floor, unlike in plain powers of the values."""
    cameras = ring(3)
    heatmaps = seen_by(cameras, STICK_POINTS)
    low = Heatmaps(0.2 * heatmaps.values, heatmaps.crops)
    a, b = (model(2.0, floor=0.0).infer(maps, cameras, CENTER) for maps in (heatmaps, low))
    torch.testing.assert_close(a.cov, b.cov, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("power", [0.5, 9.0, math.nan])
def test_wrong_powers_are_refused(power: float):
    with pytest.raises(ConfigError, match="sharpen: expected 1 to 8, got"):
        InferenceOptions(sharpen=power)


def floor_of(floor: float, num_views: int, dtype: torch.dtype = torch.float64) -> float:
    is_shown = torch.arange(9)[:, None] < num_views
    (found,) = floors_of(floor, is_shown, dtype).tolist()
    return found


@given(st.floats(1e-6, 0.9), st.integers(1, 8))
def test_all_views_are_wrong_no_more_often_than_four(floor: float, num_views: int):
    assert floor_of(floor, num_views) ** num_views == pytest.approx(floor ** max(num_views, 4))
    assert floor_of(floor, num_views) <= floor_of(floor, num_views + 1)


def test_joints_and_frames_have_floors_of_their_own():
    is_shown = torch.tensor([[[1, 1, 1], [0, 1, 1], [0, 0, 1]], [[0, 1, 1], [0, 0, 1], [0, 1, 1]]], dtype=torch.bool)
    expected = torch.tensor([[1e-8, 1e-4, 0.01 ** (4 / 3)], [0.01, 1e-4, 0.01 ** (4 / 3)]], dtype=torch.float64)
    torch.testing.assert_close(floors_of(0.01, is_shown, torch.float64), expected)


@pytest.mark.parametrize("num_views", range(5))
def test_only_a_floor_of_zero_is_zero(num_views: int):
    assert floor_of(0.0, num_views) == 0
    assert floor_of(1e-30, num_views, torch.float32) > 0


def test_a_view_shows_a_joint_if_it_is_there_and_its_map_rises_above_zero():
    values = torch.zeros(3, 3, *MAP_SIZE)
    values[:, 0, 5, 7], values[0, 1, 2, 2], values[1, 2] = 0.1, 1e-6, -0.1
    found = views_that_show(values, torch.tensor([True, True, False]))
    assert found.tolist() == [[True, True, False], [True, False, False], [False, False, False]]


@pytest.mark.parametrize("floor", [0.01, 1e-3])
def test_single_precision_is_enough_for_the_floors_of_few_views(floor: float):
    """The reference's FFT leaves noise of 1e-7 of a message's maximum; these floors are 1e-12 to 5e-3."""
    cameras = ring(3)
    heatmaps = seen_by(cameras, STICK_POINTS)
    for joint, num_hidden in enumerate((2, 1, 0, 1)):
        heatmaps.values[:num_hidden, joint] = 0
    options = InferenceOptions(resolution=24, floor=floor)
    for method in ("exact", "reference"):
        single, double = (
            PictorialStructures(STICK, STICK_LENGTHS, replace(options, inference=method), dtype=dtype).infer(
                heatmaps, cameras, CENTER
            )
            for dtype in (torch.float32, torch.float64)
        )
        torch.testing.assert_close(single.mean, double.mean, rtol=0, atol=0.02)
        torch.testing.assert_close(single.cov, double.cov, rtol=1e-3, atol=0.5)
        assert single.log_evidence == pytest.approx(double.log_evidence, abs=1e-3)


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_two_views_of_three_outvote_one_that_is_wrong(wrong: int):
    """It shows the hand at the foot's place and the foot at the hand's."""
    cameras = ring(3)
    heatmaps = seen_by(cameras, STICK_POINTS)
    swapped = [STICK.index(name) for name in ("foot", "belly", "head", "hand")]
    heatmaps.values[wrong] = heatmaps.values[wrong, swapped]
    found = model(1.0, resolution=32).infer(heatmaps, cameras, CENTER)
    assert float((found.mean - STICK_POINTS).norm(dim=1).max()) < found.volume.voxel_mm


def test_two_views_are_told_apart_from_their_floor():
    """The lower floor of two views makes the marginals narrower than the floor of four would."""
    cameras = ring(4)
    heatmaps = seen_by(cameras, STICK_POINTS)
    two = Heatmaps(heatmaps.values[:2], heatmaps.crops[:2])
    as_chosen = model(1.0).infer(two, cameras[:2], CENTER)
    like_four = model(1.0, floor=0.1).infer(two, cameras[:2], CENTER)  # whose square is 0.01
    assert (torch.linalg.det(as_chosen.cov) < torch.linalg.det(like_four.cov)).all()
