"""Numbers in words; the examples in the docstrings hold."""

from __future__ import annotations

import doctest
import math
from types import ModuleType

import pytest

from poseharvest.annotations.info import JointSelection, SelectionInfo
from poseharvest.diagnosis import spread, wording
from poseharvest.report import ellipses as uncertainty
from poseharvest.report.joint_order import limb_order, reading_order
from poseharvest.report.selection import cut_mm, measure_words, rule_words, threshold_words
from poseharvest.selection.recalibration import Recalibration
from poseharvest.skeleton.definitions import COCO17, MPII16, SKELETONS
from poseharvest.skeleton.skeleton import Skeleton


@pytest.mark.parametrize("module", [spread, uncertainty, wording])
def test_the_examples_hold(module: ModuleType) -> None:
    result = doctest.testmod(module, extraglobs={"torch": uncertainty.torch})
    assert result.attempted > 0
    assert result.failed == 0


def test_what_is_not_a_number_is_a_dash() -> None:
    nan = math.nan
    assert wording.number(nan) == wording.percent(nan) == wording.short(nan) == "–"


def selection(measure: str, threshold: float | None) -> tuple[SelectionInfo, JointSelection]:
    joint = JointSelection(joint="pelvis", supported=10, selected=7, threshold=threshold)
    return SelectionInfo(measure=measure, share=0.7, joints=(joint,)), joint


def test_a_determinant_is_also_a_length() -> None:
    info, joint = selection("det", 1e6)
    assert cut_mm(info, joint) == pytest.approx(10)
    assert threshold_words(info, joint) == "1.00 × 10⁶ mm⁶"
    assert measure_words(info) == "the determinant of its covariance"


def test_the_rule_is_said_in_words() -> None:
    info, joint = selection("det", 1e6)
    assert rule_words(info) == (
        "Of every joint the most certain 70 % of its appearances are kept, judged by the determinant of its covariance."
    )
    limited = SelectionInfo(measure="det", share=1.0, limit=1.3, joints=(joint,))
    assert "at most 1.3 times as wide as its most certain tenth, judged" in rule_words(limited)


def test_a_cut_lies_on_the_axis_of_the_recalibrated_sigmas() -> None:
    twice = Recalibration(sigma_mm=(5.0,), calibrated_mm=(10.0,), level=0.9, num_values=100, fitted_on="a test")
    assert cut_mm(*selection("det", 1e6), twice) == pytest.approx(20)
    assert cut_mm(*selection("det", 0.0), twice) == 0


def test_other_measures_and_empty_selections_have_no_length() -> None:
    assert cut_mm(*selection("peak_score", 0.4)) is None
    assert threshold_words(*selection("peak_distance", 12.0)) == "12 px"
    assert cut_mm(*selection("det", None)) is None
    assert threshold_words(*selection("det", None)) == "–"


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))
def test_reading_order_is_a_permutation_from_head_to_feet(skeleton: Skeleton) -> None:
    names = [skeleton.joints[j] for j in reading_order(skeleton)]
    assert sorted(names) == sorted(skeleton.joints)
    assert sorted(limb_order(skeleton)) == list(range(len(skeleton.limbs)))
    above_the_feet = names[: names.index("right_ankle") + 1]
    assert above_the_feet[-2:] == ["left_ankle", "right_ankle"]
    assert all(joint.endswith(("heel", "toe")) for joint in names[len(above_the_feet) :])
    assert names.index("left_knee") == names.index("right_knee") - 1


def test_heads_come_first() -> None:
    assert MPII16.joints[reading_order(MPII16)[0]] == "head_top"
    assert COCO17.joints[reading_order(COCO17)[0]] == "nose"
