"""Doubts: each by hand on one frame, and none of them broken by what is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from harvest_kit import make_record, make_rig
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.evaluation.ranking import DOUBTS, robust_points
from poseharvest.geometry.rig import project_all


@pytest.fixture
def record() -> FrameAnnotations:
    return make_record(0, 0, np.random.default_rng(3))


CAMERAS = make_rig().at(0)


def doubt(name: str, record: FrameAnnotations) -> np.ndarray:
    return DOUBTS[name](record, CAMERAS)


@pytest.mark.parametrize("name", DOUBTS)
def test_every_doubt_is_one_number_a_joint(name, record):
    values = doubt(name, record)
    assert values.shape == (16,)
    assert values.dtype == np.float64
    assert np.isfinite(values).sum() >= 8


def test_of_the_covariance(record):
    cov = torch.diag(torch.tensor([1.0, 4, 9], dtype=torch.float64)).expand(16, 3, 3)
    known = replace(record, cov=cov)
    assert doubt("det", known)[0] == pytest.approx(36)
    assert doubt("trace", known)[0] == pytest.approx(14)
    assert doubt("largest axis", known)[0] == pytest.approx(9)
    sampled = np.random.default_rng(0).normal(size=(200_000, 3)) * [1, 2, 3]
    log_density = -0.5 * (sampled**2 / [1, 4, 9]).sum(1) - 1.5 * np.log(2 * np.pi) - 0.5 * np.log(36)
    assert doubt("entropy", known)[0] == pytest.approx(-log_density.mean(), abs=0.02)


def test_of_the_scores(record):
    inside = torch.zeros_like(record.inside)
    inside[:2, 0] = True
    score, peak = torch.zeros_like(record.score), torch.zeros_like(record.score)
    score[:, 0] = torch.tensor([0.2, 0.6, 1.0])
    peak[:, 0] = torch.tensor([0.5, 0.7, 1.0])
    known = replace(record, inside=inside, score=score, peak_score=peak)
    assert doubt("score at the projection", known)[0] == pytest.approx(0.6)
    assert doubt("peak height", known)[0] == pytest.approx(0.4)
    assert doubt("score drop", known)[0] == pytest.approx(0.2)
    assert np.isnan(doubt("score drop", known)[1])  # no view sees it


def test_of_the_peaks(record):
    side = record.crops[0].side
    offset = torch.tensor([0.1, 0.3, 0.0], dtype=torch.float64) * side
    peaks = record.pixels + torch.stack((offset, torch.zeros(3, dtype=torch.float64)), -1)[:, None]
    known = replace(record, peak_pixels=peaks, inside=torch.ones_like(record.inside))
    assert doubt("peak distance", known)[0] == pytest.approx(0.4 / 3)
    assert doubt("worst peak distance", known)[0] == pytest.approx(0.3)


def test_an_absent_view_says_nothing(record):
    peaks, inside = record.peak_pixels.clone(), record.inside.clone()
    peaks[2], inside[2] = torch.nan, False
    absent = replace(record, crops=(*record.crops[:2], None), peak_pixels=peaks, inside=inside)
    far = replace(record, crops=(*record.crops[:2], None), peak_pixels=record.peak_pixels + 1e5, inside=inside)
    for name in ("peak distance", "worst peak distance"):
        assert np.isfinite(doubt(name, absent)).any()
        assert (np.isnan(doubt(name, absent)) == np.isnan(doubt(name, far))).all()
    assert np.isnan(doubt("shift without a view", absent)).all()  # two views are left: nothing can be left out


def test_views_that_agree_do_not_shift_and_a_wrong_one_does(record):
    seen = project_all(CAMERAS, record.mean).pixels
    agreeing = replace(record, peak_pixels=seen, peak_score=torch.ones_like(record.peak_score))
    calm = doubt("shift without a view", agreeing)
    assert np.nanmax(calm) < 1e-3
    moved = seen.clone()
    moved[0] += 5.0
    assert np.nanmin(doubt("shift without a view", replace(agreeing, peak_pixels=moved))) > 1


def test_robust_points_are_the_mean_where_all_agree(record):
    seen = project_all(CAMERAS, record.mean).pixels
    agreeing = replace(record, peak_pixels=seen, peak_score=torch.ones_like(record.peak_score))
    torch.testing.assert_close(robust_points(agreeing, CAMERAS), record.mean, atol=1e-3, rtol=0)
    nobody = replace(record, crops=(None,) * 3)
    assert torch.isnan(robust_points(nobody, CAMERAS)).all()
