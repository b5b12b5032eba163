"""The reprojection error is said with what it is taken over."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from poseharvest.people_calibration.reprojection import LIMB_JOINTS, Distances, reprojection_of
from poseharvest.skeleton.definitions import MPII16


def test_three_numbers_of_a_3_4_5_triangle():
    found = Distances.of(np.array([3.0, 4.0, 5.0, 0.0]))
    assert (found.count, found.median_px, found.mean_px) == (4, 3.5, 3.0)
    assert found.rms_px == pytest.approx(math.sqrt(50 / 4))


def test_nothing_has_no_distance():
    empty = Distances.of(np.zeros(0))
    assert empty.count == 0
    assert math.isnan(empty.rms_px)


def result_of(errors, used, weights):
    """What of a calibration the distances are taken from."""
    evidence, body = SimpleNamespace(used=used), SimpleNamespace(weights=weights, shown=weights > 0)
    adjusted = SimpleNamespace(errors_px=errors, evidence=evidence, body=body)
    return SimpleNamespace(adjusted=adjusted, views=(0, 1), sightings=SimpleNamespace(skeleton=MPII16))


def test_what_is_left_out_or_not_confident_counts_where_it_is_said():
    joints = len(MPII16)
    errors, weights = np.full((2, 3, joints), 2.0), np.full((2, 3, joints), 0.9)
    used = np.ones((2, 3, joints), dtype=bool)
    wrist, head = MPII16.index("left_wrist"), MPII16.index("head_top")
    errors[0, 0, wrist], used[0, 0, wrist] = 100.0, False  # left out
    errors[0, 1, wrist], weights[0, 1, wrist] = 30.0, 0.2  # took part, and is not confident
    errors[0, 1, head] = 8.0  # confident, and no joint of a limb
    errors[1, 2, wrist], weights[1, 2, wrist] = np.nan, 0.0  # not detected
    found = reprojection_of(result_of(errors, used, weights))
    assert found.used.count == 2 * 3 * joints - 2
    assert found.shown.count == found.used.count + 1
    assert found.confident == Distances(2 * 3 * len(LIMB_JOINTS) - 3, 2.0, 2.0, 2.0)
    assert found.used.mean_px == pytest.approx((2.0 * (found.used.count - 2) + 30 + 8) / found.used.count)
    assert "with the 1 that were left out" in found.in_words
    assert f"{found.used.count} detections of 16 joints, any score; none is weighted" in found.in_words
    none_confident = replace(found, confident=Distances.of(np.zeros(0)))
    assert "shoulders to ankles" not in none_confident.in_words
