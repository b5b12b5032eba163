"""Whether a person is seen, and how wide to look for them next."""

from __future__ import annotations

import pytest
import torch

from localization_kit import STANDING, plain_rig
from people_kit import candidate
from poseharvest.localization.find.observation import Observation, observe_people, window_scale
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.limits import CLOSING_SCALES, CROP_SCALE
from poseharvest.localization.partial_pose import TriangulatedPose

RIG = plain_rig()
CAMERAS = RIG.at(0)


def at_height(view: int, height: float) -> Candidate:
    """What a view sees of somebody standing, all peaks equally high."""
    seen = candidate(RIG, view, STANDING)
    return Candidate(view, seen.pixels, torch.full_like(seen.scores, height), seen.side)


@pytest.mark.parametrize(
    ("heights", "is_seen"),
    [((0.9, 0.9, 0.9), True), ((0.9, 0.11, 0.0), True), ((0.9, 0.09, 0.09), False), ((0.05, 0.05, 0.05), False)],
)
def test_two_views_must_show_enough(heights: tuple[float, ...], is_seen: bool) -> None:
    """They agree on every joint, whatever the heights."""
    members = [at_height(view, height) for view, height in enumerate(heights) if height]
    (seen,) = observe_people([members], [CAMERAS], 16)
    assert bool(seen.pose.known.all())
    assert seen.visibility == pytest.approx(sorted(heights, reverse=True), abs=1e-6)
    assert seen.is_seen == is_seen


def test_peaks_that_rise_without_agreement_are_nobody() -> None:
    assert not Observation(TriangulatedPose.nothing(16), (0.9, 0.9)).is_seen


def test_several_together_are_as_one_by_one() -> None:
    members = [[at_height(0, 0.9), at_height(2, 0.4)], [], [at_height(1, 0.7)]]
    together = observe_people(members, [CAMERAS] * 3, 16)
    for one, got in zip(together, members, strict=True):
        (alone,) = observe_people([got], [CAMERAS], 16)
        assert one.visibility == alone.visibility
        torch.testing.assert_close(one.pose.points, alone.pose.points, equal_nan=True)
    assert together[1].visibility == [0.0] * 3
    assert [one.is_seen for one in together] == [True, False, False]


def test_windows_widen_where_little_is_seen() -> None:
    assert window_scale(()) == CROP_SCALE
    assert window_scale((0.9, 0.8, 0.3)) == CROP_SCALE
    assert window_scale((0.3, 0.2)) == pytest.approx((CROP_SCALE + CLOSING_SCALES[0]) / 2)
    assert window_scale((0.2, 0.1)) == window_scale((0.0, 0.0)) == CLOSING_SCALES[0]
