"""Shares, cuts and quantiles of joints against a computation on the whole table at once."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.diagnosis.histogram import RELATIVE_ERROR
from poseharvest.report.joints import JointSummaries, JointTally

CLOSE = {"rel": 2 * RELATIVE_ERROR}


@pytest.fixture(scope="module")
def summaries(harvest: Harvest) -> JointSummaries:
    tally = JointTally(harvest.skeleton)
    for row in harvest.iter_selected():
        tally.add(row.annotations, row.selected.numpy())
    return tally.summary()


def table(harvest: Harvest, name: str) -> np.ndarray:
    """One column of the Parquet files, (F, J)."""
    parts = [part.column(name).to_numpy(zero_copy_only=False) for part in harvest.columns([name])]
    return np.concatenate(parts).reshape(-1, len(harvest.skeleton))


def test_quantiles_equal_those_of_the_determinant_column(harvest: Harvest, summaries: JointSummaries) -> None:
    sigma = table(harvest, "det") ** (1 / 6)
    seen = table(harvest, "supported")
    for j, joint in enumerate(summaries.joints):
        values = np.sort(sigma[seen[:, j], j])
        assert joint.sigma.num == len(values)
        assert joint.sigma.median == pytest.approx(values[int(np.ceil(0.5 * len(values))) - 1], **CLOSE)
        assert joint.sigma.q90 == pytest.approx(values[int(np.ceil(0.9 * len(values))) - 1], **CLOSE)
        assert joint.sigma.high == pytest.approx(values[-1])
    assert summaries.sigma.num == int(seen.sum())


def test_the_largest_selected_sigma_is_the_threshold_of_the_selection(
    harvest: Harvest, summaries: JointSummaries
) -> None:
    for joint, chosen in zip(summaries.joints, harvest.info.selection.joints, strict=True):
        assert chosen.threshold is not None
        assert joint.largest_selected_mm == pytest.approx(chosen.threshold ** (1 / 6))
        assert joint.num_selected == chosen.selected
        assert joint.num_unseen == joint.num - chosen.supported


def test_image_points_are_selected_rows_times_views_that_hold_them(harvest: Harvest, summaries: JointSummaries) -> None:
    expected = sum(int((row.annotations.inside & row.selected).sum()) for row in harvest.iter_selected())
    assert summaries.num_image_points == expected


def test_bars_hold_every_seen_row_once(summaries: JointSummaries) -> None:
    for joint in summaries.joints:
        assert joint.selected_bars.sum() == joint.num_selected
        assert joint.selected_bars.sum() + joint.other_bars.sum() == joint.num - joint.num_unseen


def test_joints_with_a_far_higher_cut_are_risky(summaries: JointSummaries) -> None:
    risky = {joint.name for joint in summaries.joints if summaries.is_risky(joint)}
    assert {"left_wrist", "right_wrist"} <= risky
    assert "pelvis" not in risky
