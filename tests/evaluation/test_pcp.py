"""PCP: both rules worked by hand, in 2D and 3D, and the matching of Campus and Shelf."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.errors import ConfigError, ShapeError
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.evaluation.pcp import (
    LIMB_PARTS,
    SHELF_PARTS,
    Part,
    PcpOptions,
    correct_parts,
    nearest_estimates,
    parts_of,
    pcp,
    pcp_by,
    pcp_by_part,
)
from poseharvest.skeleton.definitions import LSP14, MPII16

ARM = (Part("arm", ("shoulder",), ("elbow",)),)
NAN = np.nan


def arm(*end_errors: tuple[float, float], dims: int = 3) -> PosePairs:
    """Arms of length 100 whose two ends are off by the given distances, across the arm."""
    truth = np.zeros((len(end_errors), 2, dims))
    truth[:, 1, 0] = 100
    estimate = truth.copy()
    estimate[..., 1] += np.array(end_errors)
    return PosePairs(estimate, truth, ("shoulder", "elbow"))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    ("ends", "strict", "average"),
    [((50, 50), 1, 1), ((51, 0), 0, 1), ((80, 20), 0, 1), ((81, 20), 0, 0), ((NAN, 0), 0, 0)],
)
def test_both_rules_by_hand(ends, strict, average, dims):
    pairs = arm(ends, dims=dims)
    assert correct_parts(pairs, ARM, PcpOptions(rule="strict")).tolist() == [[strict]]
    assert correct_parts(pairs, ARM, PcpOptions(rule="average")).tolist() == [[average]]


def test_alpha_scales_the_reach():
    assert pcp(arm((20, 20)), ARM, PcpOptions(alpha=0.2)).value == 100
    assert pcp(arm((20.1, 20)), ARM, PcpOptions(alpha=0.2)).value == 0


def test_the_protocol_is_named():
    score = pcp(arm((0, 0), (99, 0)), ARM, PcpOptions(rule="average"))
    assert score.value == 100
    rule = "average rule (mean of both ends within 0.5 of the part's length)"
    assert str(score.protocol) == f"PCP 3D, {rule}, alignment none, 2 joints, 2 frames, %"


def test_an_unknown_truth_is_not_judged():
    pairs = arm((0, 0), (0, 0))
    pairs.truth[1, 0] = NAN
    score = pcp(pairs, ARM)
    assert score.protocol.num_values == 1
    assert np.isnan(correct_parts(pairs, ARM)[1, 0])


def test_the_torso_reaches_from_the_middle_of_the_hips():
    torso = [part for part in SHELF_PARTS if part.name == "torso"]
    joints = ("left_hip", "right_hip", "upper_neck")
    truth = np.array([[[-100.0, 0, 0], [100, 0, 0], [0, 0, 500]]])
    spread = truth.copy()
    spread[0, :2, 0] *= 5  # hips far too wide, their middle right
    assert pcp(PosePairs(spread, truth, joints), torso).value == 100


def test_ten_parts_in_six_rows_on_the_joints_of_the_field():
    assert len(SHELF_PARTS) == 10
    assert len(LIMB_PARTS) == 8
    truth = np.random.default_rng(0).normal(0, 300, (5, 14, 3))
    rows = pcp_by_part(PosePairs(truth, truth, LSP14.joints), SHELF_PARTS)
    assert list(rows) == ["head", "torso", "upper arms", "lower arms", "upper legs", "lower legs"]
    assert all(score.value == 100 for score in rows.values())
    assert rows["head"].protocol.num_values == 5
    assert rows["upper arms"].protocol.num_values == 10
    assert [part.name for part in parts_of(MPII16)] == [limb.name for limb in MPII16.limbs]


def test_by_actor():
    pairs = arm((0, 0), (90, 90))
    labelled = PosePairs(pairs.estimate, pairs.truth, pairs.joints, {"actor": ["1", "2"]})
    assert {name: score.value for name, score in pcp_by(labelled, "actor", ARM).items()} == {"1": 100, "2": 0}


def test_every_person_gets_the_nearest_estimate_and_two_may_share_one():
    truth = np.zeros((3, 4, 3))
    truth[1, :, 0] = 1000
    truth[2, :, 0] = 1400
    estimates = truth[[1, 0]] + 10
    assert nearest_estimates(truth, estimates).tolist() == [1, 0, 0]


def test_no_estimate_and_unfit_estimates():
    truth = np.zeros((2, 4, 3))
    assert nearest_estimates(truth, np.zeros((0, 4, 3))).tolist() == [-1, -1]
    holed = np.zeros((1, 4, 3))
    holed[0, 1] = NAN
    assert nearest_estimates(truth, holed).tolist() == [-1, -1]
    truth[1, 1] = NAN
    assert nearest_estimates(truth, holed).tolist() == [-1, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0.0}, "PCP alpha: expected a positive number, got 0"),
        ({"rule": "loose"}, 'strict, average, got "loose"'),
    ],
)
def test_nonsense_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        PcpOptions(**arguments)


def test_people_must_have_the_same_joints():
    with pytest.raises(ShapeError, match=r"got \(1, 4, 3\) and \(1, 5, 3\)"):
        nearest_estimates(np.zeros((1, 4, 3)), np.zeros((1, 5, 3)))
