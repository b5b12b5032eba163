"""Frames without a marker lie on the line between the frames around them."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.export.filled_gaps import with_filled_gaps
from poseharvest.export.trajectories import Pose


def pose(time_s: float, shown: list[bool], speed: float = 1000.0) -> Pose:
    points = torch.arange(6, dtype=torch.float64).reshape(2, 3) + time_s * speed
    return Pose(time_s, points, torch.tensor([2.0, 3.0 + time_s], dtype=torch.float64), torch.tensor(shown))


@given(st.integers(1, 12), st.lists(st.booleans(), min_size=12, max_size=12))
def test_a_steady_motion_is_filled_exactly(count: int, absent: list[bool]) -> None:
    everything = [pose(0.1 * i, [True, True]) for i in range(count + 2)]
    gap = [None if absent[i - 1] else pose(0.1 * i, [False, False], 9e9) for i in range(1, count + 1)]
    filled = list(with_filled_gaps([everything[0], *gap, everything[-1]]))
    for expected, found in zip(everything, filled, strict=True):
        assert found is not None
        torch.testing.assert_close(found.points, expected.points)
        np.testing.assert_allclose(found.time_s, expected.time_s, atol=1e-12)
        assert found.shown.all()


def test_a_joint_that_is_not_shown_on_both_sides_stays_empty() -> None:
    filled = list(with_filled_gaps([pose(0, [True, True]), None, pose(0.2, [False, True])]))
    assert filled[1] is not None
    assert filled[1].shown.tolist() == [False, True]
    assert filled[1].sigma_mm[1].item() == 3.2


def test_nothing_is_invented_before_the_first_and_behind_the_last() -> None:
    hidden = pose(0.0, [False, False])
    poses = [None, hidden, pose(0.2, [True, False]), hidden, None]
    assert list(with_filled_gaps(poses)) == poses
    assert list(with_filled_gaps([None, hidden])) == [None, hidden]
