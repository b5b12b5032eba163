"""Columns of the strip: one frame each while there is room, then neighbours together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.report.ellipses import sigma_mm
from poseharvest.report.timeline import MAX_COLUMNS, TimelineTally


def test_a_short_capture_has_a_column_a_frame(harvest: Harvest) -> None:
    rows = list(harvest.iter_selected())
    tally = TimelineTally(0, (0, 39), 16)
    for row in rows:
        tally.add(row.annotations, row.selected.numpy())
    timeline = tally.summary()
    assert timeline.first_frame.tolist() == timeline.last_frame.tolist() == list(range(40))
    expected = torch.stack([sigma_mm(row.annotations.cov) for row in rows], 1).numpy()
    wrist = harvest.skeleton.index("right_wrist")
    assert np.isnan(timeline.sigma_mm[wrist, 5])  # no camera sees it in frame 5
    seen = np.isfinite(timeline.sigma_mm)
    assert (~seen).sum() == 1
    np.testing.assert_allclose(timeline.sigma_mm[seen], expected[seen])
    assert timeline.selected_share.sum() == sum(int(row.selected.sum()) for row in rows)


def test_a_long_capture_shares_columns_and_takes_the_geometric_mean(harvest: Harvest) -> None:
    first = next(harvest.iter_frames())
    num_frames = 2 * MAX_COLUMNS
    tally = TimelineTally(0, (100, 99 + num_frames), 16)
    for k in range(num_frames):
        cov = torch.eye(3, dtype=torch.float64).expand(16, 3, 3) * (4.0 if k % 2 else 1.0)
        tally.add(replace(first, frame=100 + k, cov=cov), np.full(16, k % 2 == 0))
    timeline = tally.summary()
    assert timeline.sigma_mm.shape == (16, MAX_COLUMNS)
    assert timeline.sigma_mm[0] == pytest.approx(np.sqrt(2.0))
    assert timeline.selected_share[0] == pytest.approx(0.5)
    assert (timeline.first_frame[0], timeline.last_frame[-1]) == (100, 99 + num_frames)


def test_frames_without_the_person_are_gaps(harvest: Harvest) -> None:
    first = next(harvest.iter_frames())
    tally = TimelineTally(0, (0, 2), 16)
    tally.add(replace(first, frame=2), np.ones(16, dtype=bool))
    timeline = tally.summary()
    assert np.isnan(timeline.sigma_mm[:, :2]).all()
    assert np.isnan(timeline.selected_share[:, :2]).all()
    assert np.isfinite(timeline.sigma_mm[:, 2]).all()
