"""MPJPE: worked by hand, grouped, with its protocol."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poseharvest.errors import ConfigError, ShapeError
from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.mpjpe import joint_errors, mpjpe, mpjpe_by
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.evaluation.scores import mean_score

NAN = np.nan


@pytest.fixture
def worked() -> PosePairs:
    """Two frames, three joints. Errors by hand: 5, 0, not judged | 13, 3, 4."""
    truth = np.zeros((2, 3, 3))
    truth[0, 2] = NAN
    estimate = np.array([[[3.0, 4, 0], [0, 0, 0], [9, 9, 9]], [[3, 4, 12], [0, 0, 3], [0, 4, 0]]])
    labels = {"action": ["walk", "sit"], "sequence": ["one", "two"]}
    return PosePairs(estimate, truth, ("hip", "knee", "ankle"), labels)


def test_by_hand(worked):
    score = mpjpe(worked)
    assert score.value == pytest.approx((5 + 0 + 13 + 3 + 4) / 5)
    assert str(score.protocol) == "MPJPE, alignment none, 3 joints, 2 frames, mm"
    assert score.protocol.num_values == 5


def test_by_joint_and_by_action(worked):
    assert {name: s.value for name, s in mpjpe_by(worked, "joint").items()} == {"hip": 9, "knee": 1.5, "ankle": 4}
    by_action = mpjpe_by(worked, "action")
    assert by_action["walk"].value == pytest.approx(2.5)
    assert by_action["sit"].value == pytest.approx(20 / 3)
    mean = mean_score(list(by_action.values()), over="actions")
    assert mean.value == pytest.approx((2.5 + 20 / 3) / 2)
    assert str(mean.protocol) == "MPJPE, mean over 2 actions, alignment none, 3 joints, 2 frames, mm"


def test_root_alignment_by_hand(worked):
    errors = joint_errors(worked, Alignment("root", root="hip"))
    np.testing.assert_allclose(errors[0], [0, 5, NAN])
    np.testing.assert_allclose(errors[1], [0, np.sqrt(9 + 16 + 81), np.sqrt(9 + 144)])
    assert "alignment root (hip)" in str(mpjpe(worked, Alignment("root", root="hip")).protocol)


def test_a_missing_estimate_is_not_judged(worked):
    estimate = worked.estimate.copy()
    estimate[1, 0] = NAN
    score = mpjpe(PosePairs(estimate, worked.truth, worked.joints))
    assert score.value == pytest.approx((5 + 0 + 3 + 4) / 4)
    assert score.protocol.num_values == 4


def test_nothing_to_judge_is_nan(worked):
    score = mpjpe(PosePairs(worked.estimate, np.full((2, 3, 3), NAN), worked.joints))
    assert np.isnan(score.value)
    assert score.as_dict()["value"] is None


def test_the_interval_is_over_sequences(worked):
    score = mpjpe(worked, sequence_label="sequence")
    assert score.interval is not None
    assert score.interval.num_sequences == 2
    assert score.interval.low == pytest.approx(2.5)
    assert score.interval.high == pytest.approx(20 / 3)
    assert "95 % interval 2.5 to 6.67 over 2 sequences" in str(score)


def test_tensors_are_taken_and_pixels_named():
    pairs = PosePairs.of(torch.ones(1, 2, 2), torch.zeros(1, 2, 2), ["a", "b"])
    assert str(mpjpe(pairs)) == "1.41 px (MPJPE, alignment none, 2 joints, 1 frame, px)"


def test_the_unlabelled_cannot_be_grouped(worked):
    with pytest.raises(ConfigError, match='label: expected one of action, sequence, got "subject"'):
        mpjpe_by(worked, "subject")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"estimate": np.zeros((2, 3))}, r"estimate: expected shape \(F, J, 2 or 3\), got \(2, 3\)"),
        ({"truth": np.zeros((1, 3, 3))}, r"truth: expected shape \(2, 3, 3\)"),
        ({"joints": ("hip",)}, "estimate: expected 1 joints, got 3"),
        ({"labels": {"action": ["walk"]}}, 'label "action": expected 2 values, got 1'),
    ],
)
def test_sizes_must_fit(worked, change, message):
    fields = {"estimate": worked.estimate, "truth": worked.truth, "joints": worked.joints, "labels": {}}
    with pytest.raises(ShapeError, match=message):
        PosePairs(**(fields | change))
