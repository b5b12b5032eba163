"""How much each view's word counts: laws of the weights, and of the maps that carry them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pictorial_kit import MAP_SIZE, STICK, STICK_LENGTHS, STICK_POINTS, ring, seen_by, without_view
from poseharvest.errors import ConfigError
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.pictorial.votes import MAX_WEIGHT, view_weights, weigh_views

CENTER = torch.tensor([20.0, -10.0, 850.0], dtype=torch.float64)
HEIGHTS = st.lists(st.floats(0.02, 1.0), min_size=2, max_size=8)
POWERS = st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0])


def weights_of(heights: list[float], power: float) -> Tensor:
    column = torch.tensor(heights, dtype=torch.float64)[:, None]
    return view_weights(column, torch.ones(len(heights), dtype=torch.bool), power)[:, 0]


@settings(deadline=None)
@given(HEIGHTS, POWERS)
def test_weights_are_one_on_average_but_for_the_limit(heights: list[float], power: float) -> None:
    weights, column = weights_of(heights, power), torch.tensor(heights, dtype=torch.float64)
    wanted = len(heights) * column**power / (column**power).sum()
    torch.testing.assert_close(weights, wanted.clamp(max=MAX_WEIGHT))
    assert float(weights.sum()) <= len(heights) + 1e-9


@settings(deadline=None)
@given(HEIGHTS, POWERS, st.floats(1e-3, 50.0))
def test_the_scale_of_the_heights_does_not_matter(heights: list[float], power: float, scale: float) -> None:
    torch.testing.assert_close(weights_of(heights, power), weights_of([scale * h for h in heights], power))


@settings(deadline=None)
@given(HEIGHTS, POWERS)
def test_the_order_of_views_does_not_matter(heights: list[float], power: float) -> None:
    torch.testing.assert_close(weights_of(heights[::-1], power), weights_of(heights, power).flip(0))


@settings(deadline=None)
@given(HEIGHTS)
def test_a_power_of_zero_counts_all_alike(heights: list[float]) -> None:
    assert weights_of(heights, 0.0).tolist() == [1.0] * len(heights)


def test_views_of_one_height_count_alike() -> None:
    torch.testing.assert_close(weights_of([0.3, 0.3, 0.3], 1.5), torch.ones(3, dtype=torch.float64))


@settings(deadline=None)
@given(POWERS, st.floats(1e-3, 50.0), st.integers(0, 1000))
def test_a_joint_counts_half_by_itself_and_half_by_the_frame(power: float, scale: float, seed: int) -> None:
    heights = 0.5 + 0.5 * torch.rand(2, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    heights[:, :, 2] *= 0.9
    weights = view_weights(heights, torch.ones(2, 4, dtype=torch.bool), power)
    votes = heights**power
    usual = (votes.mean(1) * votes.mean((1, 2))[:, None]).sqrt()
    torch.testing.assert_close(weights, (votes / usual[:, None]).clamp(max=MAX_WEIGHT))
    torch.testing.assert_close(view_weights(scale * heights, torch.ones(2, 4, dtype=torch.bool), power), weights)
    torch.testing.assert_close(view_weights(heights[1], torch.ones(4, dtype=torch.bool), power), weights[1])


def test_a_joint_that_no_view_sees_does_not_change_the_others() -> None:
    heights = torch.tensor([[0.8, 0.0, 0.5], [0.4, 0.0, 0.6]], dtype=torch.float64)
    present = torch.ones(2, dtype=torch.bool)
    weights = view_weights(heights, present, 1.5)
    assert weights[:, 1].tolist() == [1.0, 1.0]
    torch.testing.assert_close(weights[:, [0, 2]], view_weights(heights[:, [0, 2]], present, 1.5))


def test_an_absent_view_has_no_say() -> None:
    heights = torch.tensor([[0.8], [0.9], [0.4]], dtype=torch.float64)
    weights = view_weights(heights, torch.tensor([True, False, True]), 1.0)
    assert weights[1].item() == 0
    torch.testing.assert_close(weights[[0, 2], 0], weights_of([0.8, 0.4], 1.0))


def test_where_no_view_sees_anything_all_count_alike() -> None:
    assert weights_of([0.0, 0.0], 1.5).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("floor", [0.0, 1e-6, 0.01, 0.3])
def test_the_likelihoods_are_the_powers_of_those_before(floor: float, generator: torch.Generator) -> None:
    """But for a factor of a view and joint, which changes no posterior."""
    values = torch.rand(3, 4, *MAP_SIZE, dtype=torch.float64, generator=generator)
    values *= torch.tensor([0.9, 0.3, 0.6], dtype=torch.float64)[:, None, None, None]
    everywhere = torch.ones(3, dtype=torch.bool)
    weights = view_weights(values.flatten(-2).amax(-1), everywhere, 1.5)
    floors = floor * torch.tensor([1.0, 0.5, 0.2, 0.1], dtype=torch.float64)
    weighed = weigh_views(values, everywhere, floors=floors, power=1.5)
    added = floors[:, None, None]
    difference = torch.log(weighed + added) - weights[..., None, None] * torch.log(values + added)
    assert float(difference.flatten(-2).std(-1).max()) < 1e-9


def test_what_shows_nothing_still_shows_nothing() -> None:
    values = torch.zeros(2, 1, *MAP_SIZE)
    values[0, 0, 4, 7], values[1, 0, 20, 30], values[1, 0, 3, 3] = 0.9, 0.4, -0.2
    weighed = weigh_views(values, torch.ones(2, dtype=torch.bool), floors=torch.tensor([0.01]), power=2.0)
    assert torch.equal(weighed == 0, values == 0)
    assert weighed[1, 0, 3, 3] == values[1, 0, 3, 3]  # negative: the floor either way


def model(power: float, **options: object) -> PictorialStructures:
    chosen = replace(InferenceOptions(resolution=24, neglect=0.0, height_power=power), **options)
    return PictorialStructures(STICK, STICK_LENGTHS, chosen, dtype=torch.float64)


def lowered(heatmaps: Heatmaps, view: int, factor: float) -> Heatmaps:
    values = heatmaps.values.clone()
    values[view] *= factor
    return Heatmaps(values, heatmaps.crops)


def close(a: JointPosterior, b: JointPosterior, atol: float = 1e-6) -> None:
    torch.testing.assert_close(a.mean, b.mean, rtol=0, atol=atol)
    torch.testing.assert_close(a.cov, b.cov, rtol=1e-5, atol=atol)
    assert a.log_evidence == pytest.approx(b.log_evidence, abs=1e-6)


def test_where_all_peaks_are_of_one_height_nothing_changes() -> None:
    cameras = ring(3)
    heatmaps = seen_by(cameras, STICK_POINTS)
    peaks = heatmaps.values.flatten(2).amax(2)[..., None, None]
    level = Heatmaps(0.8 * heatmaps.values / peaks, heatmaps.crops)
    close(model(1.5).infer(level, cameras, CENTER), model(0.0).infer(level, cameras, CENTER))


@pytest.mark.parametrize("method", ["exact", "reference"])
def test_a_lower_peak_in_the_wrong_place_pulls_less(method: str) -> None:
    """One view shows everything 40 mm too far to the side, half as high as the others."""
    cameras = ring(4)
    off = torch.tensor([0.0, 40.0, 0.0], dtype=torch.float64)
    right, wrong = seen_by(cameras, STICK_POINTS, sigma_px=2.0), seen_by(cameras, STICK_POINTS + off, sigma_px=2.0)
    values = right.values.clone()
    values[0] = 0.5 * wrong.values[0]
    mixed = Heatmaps(values, (wrong.crops[0], *right.crops[1:]))
    options = {"resolution": 32, "inference": method}
    errors = [
        float((model(power, **options).infer(mixed, cameras, CENTER).mean - STICK_POINTS).norm(dim=-1).mean())
        for power in (0.0, 1.5)
    ]
    assert errors[1] < 0.9 * errors[0]


def test_the_voxels_that_matter_give_what_the_whole_grid_gives() -> None:
    cameras = ring(4)
    heatmaps = lowered(seen_by(cameras, STICK_POINTS), 2, 0.4)
    options = {"resolution": 32, "neglect": 0.0}
    found = model(1.5, **options).infer(heatmaps, cameras, CENTER)
    close(found, model(1.5, inference="reference", **options).infer(heatmaps, cameras, CENTER), atol=1e-3)


def test_absent_views_and_the_order_of_views() -> None:
    cameras, order = ring(4), (3, 1, 0, 2)
    heatmaps = lowered(seen_by(cameras, STICK_POINTS), 1, 0.5)
    mixed = Heatmaps(heatmaps.values[list(order)], tuple(heatmaps.crops[v] for v in order))
    whole = model(1.5).infer(heatmaps, cameras, CENTER)
    close(whole, model(1.5).infer(mixed, tuple(cameras[v] for v in order), CENTER))
    fewer = Heatmaps(heatmaps.values[:3], heatmaps.crops[:3])
    absent = model(1.5).infer(without_view(heatmaps, 3), cameras, CENTER)
    close(absent, model(1.5).infer(fewer, cameras[:3], CENTER))


def test_without_evidence_the_log_evidence_is_that_of_the_floor() -> None:
    cameras = ring(2)
    heatmaps = lowered(lowered(seen_by(cameras, STICK_POINTS), 0, 0.0), 1, 0.0)
    weighed, plain = (model(power).infer(heatmaps, cameras, CENTER).log_evidence for power in (1.5, 0.0))
    assert weighed == pytest.approx(plain)
    assert weighed == pytest.approx(8 * math.log(0.01))


@pytest.mark.parametrize("power", [-0.5, 9.0, math.nan])
def test_wrong_powers_are_refused(power: float) -> None:
    with pytest.raises(ConfigError, match="height_power: expected 0 to 8, got"):
        InferenceOptions(height_power=power)
