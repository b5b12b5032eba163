"""Baselines on a small body: all near the truth where nothing is wrong, and telling apart where something is."""

from __future__ import annotations

import pytest
import torch

from pictorial_kit import MAP_SIZE, STICK, STICK_LENGTHS, STICK_POINTS, ring, seen_by, without_view
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from study.baselines import AS_CHOSEN, BASELINES

ALL = BASELINES | AS_CHOSEN
CENTER = (STICK_POINTS.amin(0) + STICK_POINTS.amax(0)) / 2


@pytest.fixture(scope="module")
def model() -> PictorialStructures:
    return PictorialStructures(STICK, STICK_LENGTHS, InferenceOptions(resolution=40, height_power=1.5))


def frame_of(heatmaps: Heatmaps) -> FrameEvidence:
    return FrameEvidence(heatmaps, ring(len(heatmaps.crops)), CENTER)


def error(name: str, model: PictorialStructures, heatmaps: Heatmaps) -> torch.Tensor:
    return (ALL[name](frame_of(heatmaps), model) - STICK_POINTS).norm(dim=-1)


@pytest.mark.parametrize("name", ALL)
def test_perfect_heatmaps_give_nearly_the_truth(name, model):
    found = error(name, model, seen_by(ring(4), STICK_POINTS))
    assert found.max() < 1.5 * model.voxel_mm


@pytest.mark.parametrize("name", ["weighted DLT", "robust triangulation", "soft-argmax DLT"])
def test_single_peaks_are_finer_than_a_voxel(name, model):
    assert error(name, model, seen_by(ring(4), STICK_POINTS)).max() < 5


@pytest.mark.parametrize("name", ALL)
def test_an_absent_view_is_no_evidence(name, model):
    heatmaps = without_view(seen_by(ring(4), STICK_POINTS), 2)
    assert error(name, model, heatmaps).max() < 1.5 * model.voxel_mm


@pytest.mark.parametrize("name", ["weighted DLT", "robust triangulation", "soft-argmax DLT"])
def test_one_view_alone_places_nothing(name, model):
    heatmaps = seen_by(ring(3), STICK_POINTS)
    for view in (0, 2):
        heatmaps = without_view(heatmaps, view)
    assert torch.isnan(BASELINES[name](frame_of(heatmaps), model)).all()


def test_a_wrong_view_harms_the_plain_and_not_the_robust(model):
    heatmaps = seen_by(ring(4), STICK_POINTS)
    values = heatmaps.values.clone()
    values[0, 2] = values[0, 2].roll((MAP_SIZE[0] // 3, MAP_SIZE[1] // 3), (0, 1))
    wrong = Heatmaps(values, heatmaps.crops)
    assert error("weighted DLT", model, wrong)[2] > 50
    assert error("robust triangulation", model, wrong)[2] < 5
    assert error("max-product", model, wrong)[2] < 2 * model.voxel_mm
    assert error("ours", model, wrong)[2] < 2 * model.voxel_mm


def test_the_two_that_weigh_views_differ_from_the_others_by_that_alone(model):
    level = seen_by(ring(4), STICK_POINTS)
    peaks = level.values.flatten(2).amax(2)[..., None, None]
    level = frame_of(Heatmaps((level.values / peaks).float(), level.crops))
    lower = level.heatmaps.values.clone()
    lower[1] *= 0.3
    uneven = frame_of(Heatmaps(lower, level.heatmaps.crops))
    for alike, weighed in zip(("double-counting messages", "ours"), AS_CHOSEN, strict=True):
        a, b = (ALL[name](level, model) for name in (alike, weighed))
        torch.testing.assert_close(a, b, rtol=0, atol=0.05)
        a, b = (ALL[name](uneven, model) for name in (alike, weighed))
        assert (a - b).norm(dim=-1).max() > 0.2
