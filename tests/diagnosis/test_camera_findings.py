"""Findings about a view with many distant peaks: a fault of its camera, or a bad view of the person."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.diagnosis.agreement import ViewSummary
from poseharvest.diagnosis.camera_findings import about_peaks
from poseharvest.diagnosis.spread import Spread


def view(name: str, share: float, best_quarter_mm: float) -> ViewSummary:
    """A view of which a share of the peaks disagrees; a pixel is 2 mm there."""
    q25 = best_quarter_mm / 2
    return ViewSummary(
        name=name,
        num=100,
        num_absent=0,
        longest_gap=0,
        distance_px=Spread(1600, 0.1, q25, 2 * q25, 90.0, 120.0, 500.0),
        threshold_px=50.0,
        disagree_share=share,
        joint_median_px=np.full(16, 2 * q25),
        joint_disagree_share=np.full(16, share),
        mean_score=0.5,
        mean_peak_score=0.6,
    )


def others(mm: float = 12.0) -> list[ViewSummary]:
    return [view(name, 0.02, mm) for name in ("b", "c", "d")]


def test_a_camera_none_of_whose_peaks_are_as_near_as_the_others_is_at_fault():
    (finding,) = about_peaks([view("a", 0.46, 60.0), *others()])
    assert (finding.severity, finding.topic) == ("warning", "camera a")
    assert "46 % of its heatmap peaks lie more than 100 mm from the pose" in finding.message
    assert "its timing and its calibration" in finding.message


def test_a_camera_that_agrees_where_it_sees_the_person_is_not():
    (finding,) = about_peaks([view("a", 0.29, 16.0), *others()])
    assert (finding.severity, finding.topic) == ("note", "view a")
    assert "it sees the person badly" in finding.message
    assert "calibration" not in finding.message


@given(st.floats(0.0, 0.25), st.floats(1.0, 300.0))
def test_few_peaks_elsewhere_are_usual(share: float, mm: float):
    assert about_peaks([view("a", share, mm), *others()]) == []


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_where_all_views_are_alike_no_camera_is_named(share):
    assert about_peaks([view(name, share, 40.0) for name in "abcd"]) == []
