"""A whole evaluation, with and without truth, of a harvest whose truth is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import HarvestError, SkeletonError
from poseharvest.evaluation.evaluate_harvest import agreement_check, evaluate
from poseharvest.evaluation.tracks import read_tracks
from poseharvest.evaluation.with_truth import judge, recalibration_of, truth_checks
from poseharvest.skeleton.definitions import MPII16
from truth_kit import NUM_FRAMES, true_walk, write_truth
from walker_kit import Recipe, write_walk


def means(harvest: Harvest) -> np.ndarray:
    return np.stack([record.mean.numpy() for record in harvest.iter_frames()])


def test_the_error_is_the_plain_mean_over_what_is_seen(walk, truth_file):
    error = np.linalg.norm(means(walk) - true_walk(), axis=-1)
    error[5, MPII16.index("right_wrist")] = np.nan  # no camera sees it there
    checks = {check.name: check for check in truth_checks(judge(walk, read_tracks(truth_file)))}
    scores = checks["error"].scores
    assert scores["mean, alignment none"].value == pytest.approx(np.nanmean(error))
    assert scores["median, alignment none"].value == pytest.approx(np.nanmedian(error))
    assert scores["mean, alignment none"].protocol.num_values == NUM_FRAMES * 16 - 1
    assert scores["mean, alignment none"].interval is None  # 30 frames at 25 Hz are one stretch of two seconds
    by_joint = checks["error by joint"].scores
    assert by_joint["left_knee"].value == pytest.approx(error[:, MPII16.index("left_knee")].mean())


def test_the_selection_is_the_harvests(walk, truth_file):
    error = np.linalg.norm(means(walk) - true_walk(), axis=-1)
    selected = np.stack([np.asarray(row.selected) for row in walk.iter_selected()])
    check = next(c for c in truth_checks(judge(walk, read_tracks(truth_file))) if c.name == "selection")
    assert check.scores["selected joints"].value == pytest.approx(error[selected].mean())
    assert check.scores["selected joints"].protocol.num_values == selected.sum()


def test_ranking_and_coverage_use_the_harvests_covariances(walk, truth_file):
    judged = judge(walk, read_tracks(truth_file))
    cov = np.stack([record.cov.numpy() for record in walk.iter_frames()])
    np.testing.assert_allclose(judged.covariances, cov)
    checks = {check.name: check.scores for check in truth_checks(judged)}
    ranking = checks["ranking"]
    assert len([name for name in ranking if name.startswith("det(cov), ")]) == 17
    best, ours, none = (ranking[f"AURC by {n}"].value for n in ("the best possible order", "det(cov)", "no order"))
    assert best < ours < 1.3 * none
    assert none == pytest.approx(checks["error"]["mean, alignment none"].value)
    # The walker's covariances are far too large for its errors of 3 mm.
    assert checks["honesty of the covariance"]["within the 90 % ellipsoid"].value > 97


def test_a_recalibration_fits(walk, truth_file):
    judged = judge(walk, read_tracks(truth_file))
    found = recalibration_of(judged, "the walk")
    assert found.fitted_on == "the walk"
    assert found.calibrated_mm[0] < found.sigma_mm[0]


def test_longer_captures_get_an_interval(tmp_path):
    harvest = write_walk(tmp_path / "h", Recipe(num_frames=110, pictured=()))
    truth = read_tracks(write_truth(tmp_path / "t.csv", true_walk(110), MPII16.joints))
    score = truth_checks(judge(harvest, truth))[0].scores["mean, alignment none"]
    assert score.interval is not None
    assert score.interval.num_sequences == 3
    assert score.interval.low <= score.value <= score.interval.high


def test_joints_are_matched_by_name_and_the_others_named(tmp_path, walk):
    kept = [MPII16.index(joint) for joint in ("left_knee", "right_hip", "left_hip")]
    middle = true_walk()[:, [MPII16.index("left_hip"), MPII16.index("right_hip")]].mean(1, keepdims=True)
    table = np.concatenate([true_walk()[:, kept], middle, middle], 1)
    names = ("left_knee", "right_hip", "left_hip", "mid_hip", "tail")
    truth = read_tracks(write_truth(tmp_path / "t.parquet", table, names))
    judged = judge(walk, truth)
    assert judged.pairs.joints == names[:4]
    assert judged.left_out == ("tail",)
    assert "lacks them: tail" in truth_checks(judged)[0].sentence
    assert np.nanmax(np.linalg.norm(judged.error_vectors, axis=-1)) < 12


def test_without_truth_it_says_what_it_can(walk):
    found = evaluate(walk)
    assert [check.name for check in found.checks] == [
        "leave one camera out",
        "limb lengths",
        "left and right",
        "smoothness",
    ]
    for check in found.checks:
        assert len(check.sentence) > 100
        assert all(np.isfinite(score.value) for score in check.scores.values())


def test_the_acceleration_of_the_smooth_positions_stands_beside_that_of_the_raw_ones(walk, smooth_walk):
    (before,) = (check for check in evaluate(walk).checks if check.name == "smoothness")
    (after,) = (check for check in evaluate(smooth_walk).checks if check.name == "smoothness")
    added = [name for name in after.scores if name not in before.scores]
    assert added == [f"{name}, smooth" for name in before.scores]
    for name, score in before.scores.items():
        assert after.scores[name] == score
        assert after.scores[f"{name}, smooth"].value < score.value
        assert after.scores[f"{name}, smooth"].protocol == score.protocol


def test_with_all_it_is_plain_data(walk, truth_file):
    found = evaluate(walk, truth=read_tracks(truth_file), against=walk)
    plain = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert plain["harvest"] == str(walk.path)
    assert plain["checks"][0]["name"] == "error"
    assert plain["checks"][-1]["scores"]["all joints"]["value"] == 0
    for check in plain["checks"]:
        assert all(score["protocol"] for score in check["scores"].values())


def test_agreement_with_another_harvest(tmp_path, walk):
    other = write_walk(tmp_path / "other", Recipe(num_frames=20, pictured=(), seed=9))
    check = agreement_check(walk, other)
    ours, theirs = means(walk)[:20], means(other)
    distance = np.linalg.norm(ours - theirs, axis=-1)
    distance[5, MPII16.index("right_wrist")] = np.nan
    assert check.scores["all joints"].value == pytest.approx(np.nanmean(distance))
    assert check.scores["all joints, median"].value == pytest.approx(np.nanmedian(distance))
    assert check.name == "agreement with other"


def test_a_harvest_that_sees_nothing_is_judged_without_a_crash(tmp_path, truth_file):
    blind = write_walk(tmp_path / "h", Recipe(num_frames=4, pictured=(), blind=True))
    found = evaluate(blind, truth=read_tracks(truth_file))
    json.dumps(found.as_dict(), allow_nan=False)
    assert np.isnan(found.checks[0].scores["mean, alignment none"].value)
    with pytest.raises(HarvestError, match="expected at least 50 joints with truth, got 0"):
        recalibration_of(judge(blind, read_tracks(truth_file)), "nothing")


def test_truth_of_other_frames_or_joints_is_refused(tmp_path, walk):
    strange = read_tracks(write_truth(tmp_path / "t.csv", true_walk(2)[:, :1], ["tail"]))
    with pytest.raises(SkeletonError, match="joints: none of tail"):
        evaluate(walk, truth=strange)
    (tmp_path / "late.csv").write_text("frame,joint,x,y,z\n900,left_knee,1,2,3\n")
    with pytest.raises(HarvestError, match="frames in common"):
        evaluate(walk, truth=read_tracks(tmp_path / "late.csv"))


def test_a_recalibrated_harvest_is_judged_both_ways(walk, truth_file, tmp_path):
    """The map of a harvest makes the very same footage's 90 % ellipsoids hold 90 %, and fitting anew finds it again."""
    truth = read_tracks(truth_file)
    found = recalibration_of(judge(walk, truth), "the same footage")
    again = write_walk(tmp_path / "h", Recipe(num_frames=NUM_FRAMES, pictured=(), recalibration=found))
    judged = judge(again, truth)
    checks = {check.name: check.scores for check in truth_checks(judged)}
    raw, honest = (checks[f"honesty of the {name}covariance"] for name in ("", "recalibrated "))
    assert raw["within the 90 % ellipsoid"].value > 97
    assert honest["within the 90 % ellipsoid"].value == pytest.approx(90, abs=3)
    assert recalibration_of(judged, "the same footage") == found
    assert judge(walk, truth).calibrated is None
