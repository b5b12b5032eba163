"""Leave-one-camera-out: a slow second route, and a camera that is off is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from harvest_kit import make_record, make_records, make_rig, make_run
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.errors import HarvestError
from poseharvest.evaluation import left_out_views
from poseharvest.evaluation.left_out_views import left_out_check, left_out_distances
from poseharvest.evaluation.ranking import robust_points
from poseharvest.geometry.rig import Rig
from poseharvest.skeleton.definitions import MPII16
from walker_kit import ABSENT_FRAMES, ABSENT_VIEW


def test_equals_one_frame_at_a_time(walk):
    found = left_out_distances(walk)
    for number, record in enumerate(walk.iter_frames()):
        if number % 7:
            continue
        cameras = walk.rig.at(record.frame)
        for view, camera in enumerate(cameras):
            others = torch.arange(4) != view
            points = robust_points(record, cameras, others)
            seen = camera.project(points.nan_to_num())
            expected = torch.linalg.vector_norm(seen.pixels - record.peak_pixels[view], dim=-1)
            expected = torch.where(torch.isfinite(points).all(-1) & seen.valid, expected, torch.nan)
            # The outlier threshold follows the windows of the whole stretch there, of the frame here.
            close = np.isclose(found.others[number, view], expected.numpy(), atol=1e-6, equal_nan=True)
            assert close.mean() > 0.85


def test_a_long_harvest_is_thinned_out_evenly(walk, monkeypatch):
    whole = left_out_distances(walk)
    monkeypatch.setattr(left_out_views, "MAX_POSES", 8)
    thinned = left_out_distances(walk)
    np.testing.assert_array_equal(thinned.harvest, whole.harvest[::4])
    assert left_out_check(walk).scores["all: the harvest"].protocol.num_frames == 8


def test_an_absent_view_is_not_judged(walk):
    found = left_out_distances(walk)
    gone = list(ABSENT_FRAMES)
    assert np.isnan(found.others[gone, ABSENT_VIEW]).all()
    assert np.isnan(found.harvest[gone, ABSENT_VIEW]).all()
    # Two of the three other views are left for the first, and one of them is wrong in a third of its joints.
    assert 0.5 < np.isfinite(found.others[gone, 0]).mean() < 0.8


def test_the_view_whose_peaks_are_wrong_stands_out(walk):
    """In the walker's last view, a third of the peaks lie 64 px off."""
    found = left_out_distances(walk)
    upper = np.nanquantile(found.others, 0.8, axis=(0, 2))
    assert upper[3] > 2 * upper[:3].max()


def test_the_check_has_a_row_a_view_with_its_protocol(walk):
    check = left_out_check(walk)
    assert list(check.scores)[:2] == ["cam01: the other cameras", "cam01: the harvest"]
    assert list(check.scores)[-2] == "all: the harvest"
    assert 80 < check.scores["all: joints on which the others agree"].value < 100
    score = check.scores["all: the other cameras"]
    assert 1 < score.value < 10  # peaks are 2 px off along each axis
    assert "leave-one-out reprojection, median distance from the heatmap's peak" in str(score.protocol)
    assert score.protocol.num_frames == 30


def test_smooth_positions_are_projected_as_they_are_stored(smooth_walk):
    found = left_out_distances(smooth_walk)
    for number, row in enumerate(smooth_walk.iter_selected()):
        for view, camera in enumerate(smooth_walk.rig.at(row.annotations.frame)):
            pixels = camera.project(row.smooth.mean.nan_to_num()).pixels
            distance = torch.linalg.vector_norm(pixels - row.annotations.peak_pixels[view], dim=-1).numpy()
            expected = np.where(np.isfinite(found.harvest[number, view]), distance, np.nan)
            np.testing.assert_allclose(found.harvest_smooth[number, view], expected, rtol=1e-9)


def test_tracks_of_the_other_cameras_are_nearer_to_the_truth_after_smoothing(smooth_walk, walk):
    found = left_out_distances(smooth_walk)
    np.testing.assert_array_equal(np.isfinite(found.others_smooth), np.isfinite(found.others))
    assert np.nanmedian(found.others_smooth) < 0.97 * np.nanmedian(found.others)  # the view's own noise stays
    np.testing.assert_array_equal(found.others, left_out_distances(walk).others)


def test_only_a_smoothed_harvest_has_smooth_rows(smooth_walk, walk, monkeypatch):
    assert not [name for name in left_out_check(walk).scores if "smooth" in name]
    assert [name for name in left_out_check(smooth_walk).scores if name.startswith("all")][-2:] == [
        "all: the other cameras, smooth",
        "all: the harvest, smooth",
    ]
    monkeypatch.setattr(left_out_views, "MAX_POSES", 8)  # thinned out, frames do not follow one another
    thinned = left_out_check(smooth_walk).scores
    assert "all: the harvest, smooth" in thinned
    assert "all: the other cameras, smooth" not in thinned


def test_two_views_are_too_few(tmp_path):
    rig = Rig(make_rig().cameras[:2])
    record = make_record(0, 0, np.random.default_rng(0))
    cut = {n: getattr(record, n)[:2] for n in ("pixels", "inside", "score", "peak_pixels", "peak_score", "crops")}
    with HarvestWriter(tmp_path / "h", rig=rig, skeleton=MPII16) as writer:
        writer.add(replace(record, **cut))
        harvest = writer.finish(make_run(1))
    with pytest.raises(HarvestError, match="expected at least 3 views, got 2"):
        left_out_distances(harvest)


def test_no_present_view_is_our_error(tmp_path):
    record = make_records(range(1))[0]
    nothing = torch.full_like(record.peak_pixels, torch.nan)
    blind = replace(record, crops=(None,) * 3, peak_pixels=nothing, inside=torch.zeros_like(record.inside))
    with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16) as writer:
        writer.add(blind)
        harvest = writer.finish(make_run(1))
    with pytest.raises(HarvestError, match="no frame in which a view is present"):
        left_out_distances(harvest)
