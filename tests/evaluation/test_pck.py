"""PCKh, 3D PCK and the areas under them, by hand and by counting."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.errors import ShapeError
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.evaluation.pck import (
    THRESHOLDS_MM,
    head_sizes,
    pck_3d,
    pck_3d_area,
    pck_curve,
    pckh,
    pckh_area,
    pckh_by_joint,
)

NAN = np.nan


def off_by(errors: list[list[float]], dims: int) -> PosePairs:
    truth = np.zeros((*np.shape(errors), dims))
    estimate = truth.copy()
    estimate[..., 1] = errors
    return PosePairs(estimate, truth, tuple("abcdef"[: truth.shape[1]]))


def test_mpiis_head_size_of_a_3_4_5_box():
    np.testing.assert_allclose(head_sizes(np.array([[10.0, 20, 40, 60]])), [30])


def test_pckh_by_hand():
    pairs = off_by([[5, 10, 10.1], [0, NAN, 4]], dims=2)
    sizes = np.array([20.0, 4.0])
    score = pckh(pairs, sizes)
    assert score.value == pytest.approx(100 * 3 / 6)  # limits 10 and 2; a missing estimate is wrong
    assert str(score.protocol) == "PCKh@0.5, within 0.5 of the head's size, alignment none, 3 joints, 2 frames, %"
    assert {k: s.value for k, s in pckh_by_joint(pairs, sizes).items()} == {"a": 100, "b": 50, "c": 0}


def test_a_picture_without_a_head_is_left_out():
    assert pckh(off_by([[1.0], [1.0]], dims=2), np.array([NAN, 4.0])).protocol.num_values == 1


def test_3d_pck_and_its_area_by_counting():
    errors = [[0.0, 12.0, 149.9], [150.0, 150.1, 7.5]]
    pairs = off_by(errors, dims=3)
    assert pck_3d(pairs).value == pytest.approx(100 * 5 / 6)
    counted = np.mean([[error <= threshold for threshold in range(0, 151, 5)] for error in np.ravel(errors)])
    assert pck_3d_area(pairs).value == pytest.approx(100 * counted)
    assert len(THRESHOLDS_MM) == 31


def test_perfect_and_absent_estimates():
    assert pck_3d_area(off_by([[0.0, 0.0]], dims=3)).value == 100
    assert pck_3d_area(off_by([[NAN, NAN]], dims=3)).value == 0
    assert pckh_area(off_by([[0.0]], dims=2), np.array([10.0])).value == 100


def test_the_curve_rises_and_ignores_what_is_not_judged():
    curve = pck_curve(np.array([1.0, 2, NAN, np.inf]), np.array([0.5, 1, 3]))
    np.testing.assert_allclose(curve, [0, 1 / 3, 2 / 3])
    assert np.isnan(pck_curve(np.array([NAN]), np.array([1.0]))).all()


def test_sizes_must_fit():
    with pytest.raises(ShapeError, match=r"head sizes: expected shape \(2,\)"):
        pckh(off_by([[1.0], [1.0]], dims=2), np.ones(3))
    with pytest.raises(ShapeError, match=r"head boxes: expected shape \(F, 4\)"):
        head_sizes(np.ones((2, 3)))
