"""The list of the worst moments holds the worst ones, each only once, whatever the length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.geometry.rig import Rig
from poseharvest.report.collect import ReportContent
from poseharvest.report.worst_moments import MAX_LISTED, WorstTally, disagreement_mm


def test_the_widest_joint_of_the_take_leads(harvest: Harvest, content: ReportContent) -> None:
    rows = list(harvest.iter_selected())
    widest = max(
        (float(sigma), row.annotations.frame, joint)
        for row in rows
        for joint, sigma in enumerate(row.sigma_mm)
        if row.annotations.supported[joint]
    )
    first = content.worst["sigma"][0]
    assert (first.value_mm, first.frame, first.joint) == (pytest.approx(widest[0]), *widest[1:])


def test_moments_of_a_list_lie_apart_and_fall(content: ReportContent) -> None:
    for moments in content.worst.values():
        frames = sorted(moment.frame for moment in moments)
        assert len(frames) == MAX_LISTED
        assert min(np.diff(frames)) >= 2
        assert [m.value_mm for m in moments] == sorted((m.value_mm for m in moments), reverse=True)


def test_views_that_contradict_one_another_are_found(harvest: Harvest, rig: Rig) -> None:
    """In one frame two views of four see an ankle elsewhere, and in another one view alone does."""
    rows = list(harvest.iter_frames())
    ankle = harvest.skeleton.index("left_ankle")
    for frame, views in ((30, (0, 1, 2)), (20, (1,))):
        peaks = rows[frame].peak_pixels.clone()
        peaks[list(views), ankle] += 90
        rows[frame] = replace(rows[frame], peak_pixels=peaks)
    tally = WorstTally(rig, (0, 39))
    for row in rows:
        tally.add(row)
    first, second = tally.moments("disagreement")[:2]
    assert (first.frame, first.joint) == (30, ankle)
    assert first.value_mm > 300
    assert second.value_mm < 100  # one view alone is no contradiction


def test_empty_heatmaps_have_no_peak(harvest: Harvest, rig: Rig) -> None:
    row = next(harvest.iter_frames())
    blank = replace(row, peak_score=torch.zeros_like(row.peak_score), peak_pixels=row.peak_pixels + 500)
    assert np.isnan(disagreement_mm(blank, rig)).all()
    assert np.isfinite(disagreement_mm(row, rig)).any()


def test_memory_does_not_grow_with_the_length(harvest: Harvest, rig: Rig) -> None:
    row = next(harvest.iter_frames())
    tally = WorstTally(rig, (0, 99_999))
    for frame in range(0, 100_000, 200):
        tally.add(replace(row, frame=frame))
    assert len(tally._worst) <= 2 * 240
    assert len(tally.moments("sigma")) == MAX_LISTED
