"""Camera agreement, against numbers computed from the stored columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.diagnosis.agreement import DISAGREE_MM, ViewSummary, ViewTally
from poseharvest.diagnosis.histogram import RELATIVE_ERROR
from poseharvest.geometry.rig import Rig, pixels_per_mm


@pytest.fixture(scope="module")
def views(harvest: Harvest, rig: Rig) -> tuple[ViewSummary, ...]:
    tally = ViewTally(rig, len(harvest.skeleton))
    for row in harvest.iter_frames():
        tally.add(row)
    return tally.summary()


def test_distances_equal_those_of_the_columns(harvest: Harvest, views: tuple[ViewSummary, ...]) -> None:
    for v, view in enumerate(views):
        distances = []
        for row in harvest.iter_frames():
            visible = (row.inside[v] & row.supported).numpy()
            distances += (row.peak_pixels[v] - row.pixels[v]).norm(dim=-1).numpy()[visible].tolist()
        ordered = sorted(distances)
        assert view.distance_px.num == len(ordered)
        assert view.distance_px.median == pytest.approx(
            ordered[int(np.ceil(0.5 * len(ordered))) - 1], rel=2 * RELATIVE_ERROR
        )
        assert view.distance_px.high == pytest.approx(ordered[-1])


def test_only_the_view_with_wrong_peaks_disagrees(views: tuple[ViewSummary, ...]) -> None:
    assert [view.disagree_share for view in views[:3]] == [0, 0, 0]
    assert views[3].disagree_share == pytest.approx(0.35, abs=0.06)
    assert views[3].joint_disagree_share.mean() == pytest.approx(views[3].disagree_share, abs=0.01)


def test_the_threshold_is_a_length_at_the_person(harvest: Harvest, rig: Rig, views: tuple[ViewSummary, ...]) -> None:
    row = next(harvest.iter_frames())
    scale = pixels_per_mm(rig.at(row.frame)[1], row.mean.mean(0))
    assert views[1].threshold_px == pytest.approx(scale * DISAGREE_MM, rel=0.15)


def test_absent_moments_are_counted_and_say_nothing(views: tuple[ViewSummary, ...]) -> None:
    assert [view.num_absent for view in views] == [0, 0, 6, 0]
    assert [view.longest_gap for view in views] == [0, 0, 6, 0]
    assert views[2].distance_px.num == 34 * 16 - 1  # no camera sees one wrist in frame 5


def test_the_maximum_of_an_empty_heatmap_is_no_disagreement(harvest: Harvest, rig: Rig) -> None:
    tally = ViewTally(rig, len(harvest.skeleton))
    for row in harvest.iter_frames():
        score, pixels = row.peak_score.clone(), row.peak_pixels.clone()
        score[0, ::2], pixels[0, ::2] = 0, 0  # keypoint files without these joints draw nothing
        tally.add(replace(row, peak_score=score, peak_pixels=pixels))
    view = tally.summary()[0]
    assert view.disagree_share == 0
    assert np.isnan(view.joint_disagree_share[::2]).all()
    assert np.isfinite(view.joint_disagree_share[1::2]).all()


def test_scores_are_means_over_the_joints_seen(harvest: Harvest, views: tuple[ViewSummary, ...]) -> None:
    rows = list(harvest.iter_frames())
    scores = torch.cat([row.score[0][row.inside[0] & row.supported] for row in rows])
    assert views[0].mean_score == pytest.approx(float(scores.mean()))
    assert views[0].mean_peak_score == pytest.approx(1.05 * float(scores.mean()))
