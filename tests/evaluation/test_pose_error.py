"""Errors against a known truth, by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.errors import HarvestError, ShapeError
from poseharvest.evaluation.pose_error import pose_errors
from poseharvest.selection.rules import SelectionRule

EYE = torch.eye(3, dtype=torch.float64)


def record(frame: int, variance: list[float], supported: list[int] | None = None) -> FrameAnnotations:
    """A record with given variances, all joints supported unless told otherwise."""
    base = make_records([frame])[0]
    seen = torch.ones(16, dtype=torch.bool)
    if supported is not None:
        seen[:] = False
        seen[supported] = True
    return replace(base, cov=torch.tensor(variance, dtype=torch.float64)[:, None, None] * EYE, supported=seen)


def truth_of(harvest: Harvest, offsets: torch.Tensor) -> torch.Tensor:
    """Truth that lies (F, J) mm away from the estimates, along (1, 2, 2) / 3."""
    direction = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64) / 3
    means = torch.stack([one.mean for one in harvest.iter_frames()])
    return means + offsets[..., None] * direction


def test_numbers_by_hand(tmp_path: Path) -> None:
    """Two frames; errors 1 to 32 mm; of every joint the frame of smaller variance is selected: that of frame 0."""
    records = [record(0, [float(j + 1) for j in range(16)]), record(1, [float(j + 17) for j in range(16)])]
    harvest = write_harvest(tmp_path / "h", records, rule=SelectionRule(share=0.5))
    offsets = torch.arange(1, 33, dtype=torch.float64).reshape(2, 16)
    errors = pose_errors(harvest, truth_of(harvest, offsets))
    assert errors.num_joints == 32
    assert errors.mean_mm == pytest.approx(16.5)
    assert errors.median_mm == pytest.approx(16.5)
    assert errors.selected_mean_mm == pytest.approx(8.5)
    assert errors.rank_correlation == pytest.approx(1)


def test_the_sign_of_the_rank_correlation(tmp_path: Path) -> None:
    """Certain where it is worst: -1."""
    harvest = write_harvest(tmp_path / "h", [record(0, [float(j + 1) for j in range(16)])])
    offsets = torch.arange(16, 0, -1, dtype=torch.float64)[None]
    assert pose_errors(harvest, truth_of(harvest, offsets)).rank_correlation == pytest.approx(-1)


def test_one_swap_by_hand(tmp_path: Path) -> None:
    """Spearman's with the ranks of two neighbours exchanged: 1 - 6 * 2 / (n (n^2 - 1))."""
    harvest = write_harvest(tmp_path / "h", [record(0, [float(j + 1) for j in range(16)])])
    offsets = torch.arange(1, 17, dtype=torch.float64)[None]
    offsets[0, [3, 4]] = offsets[0, [4, 3]]
    assert pose_errors(harvest, truth_of(harvest, offsets)).rank_correlation == pytest.approx(1 - 12 / (16 * 255))


def test_unsupported_joints_are_not_judged(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", [record(0, [1.0] * 16, supported=[2, 5, 7])])
    offsets = torch.full((1, 16), 1000.0, dtype=torch.float64)
    offsets[0, [2, 5, 7]] = torch.tensor([1.0, 2.0, 9.0], dtype=torch.float64)
    errors = pose_errors(harvest, truth_of(harvest, offsets))
    assert (errors.num_joints, errors.mean_mm, errors.median_mm) == (3, pytest.approx(4), pytest.approx(2))
    assert math.isnan(errors.rank_correlation)  # all determinants are one


def test_nothing_selected_has_no_mean(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", [record(0, [1.0] * 16)], rule=SelectionRule(share=0.0))
    errors = pose_errors(harvest, truth_of(harvest, torch.ones((1, 16), dtype=torch.float64)))
    assert math.isnan(errors.selected_mean_mm)
    assert errors.mean_mm == pytest.approx(1)


def test_frames_are_matched_by_number(tmp_path: Path) -> None:
    """A harvest of frames 3 and 5 alone."""
    harvest = write_harvest(tmp_path / "h", [record(3, [1.0] * 16), record(5, [2.0] * 16)])
    truth = torch.full((6, 16, 3), 1e6, dtype=torch.float64)
    truth[[3, 5]] = torch.stack([one.mean for one in harvest.iter_frames()])
    assert pose_errors(harvest, truth).mean_mm == 0


def test_truth_that_does_not_fit(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", [record(3, [1.0] * 16)])
    with pytest.raises(HarvestError, match="truth: expected frame 3, got 3 frames"):
        pose_errors(harvest, torch.zeros((3, 16, 3)))
    with pytest.raises(ShapeError, match=r"truth: expected shape \(F J 3\) with J=16, got \(4, 14, 3\)"):
        pose_errors(harvest, torch.zeros((4, 14, 3)))


def test_harvests_that_cannot_be_judged(tmp_path: Path) -> None:
    unseen = write_harvest(tmp_path / "unseen", [record(0, [1.0] * 16, supported=[])])
    with pytest.raises(HarvestError, match="pose errors: no joint of the harvest is supported"):
        pose_errors(unseen, torch.zeros((1, 16, 3)))
    two = write_harvest(tmp_path / "two", make_records([0], persons=(0, 1)))
    with pytest.raises(HarvestError, match="pose errors: expected a harvest of one person, got 2"):
        pose_errors(two, torch.zeros((1, 16, 3)))
