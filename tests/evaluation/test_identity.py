"""Who is whom: by hand, and as laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.errors import ShapeError
from poseharvest.evaluation.identity import find_identities
from poseharvest.evaluation.tracks import PoseTracks

JOINTS = ("pelvis", "thorax")


def tracks(rows: list[tuple[int, int, float]]) -> PoseTracks:
    """Poses by frame and person, both joints at x mm."""
    frames, persons, x = (np.array(column) for column in zip(*rows, strict=True))
    positions = np.zeros((len(rows), 2, 3))
    positions[..., 0] = x[:, None]
    return PoseTracks(JOINTS, frames.astype(np.int64), persons.astype(np.int64), positions)


TRUTH = tracks([(f, p, 2000.0 * p + f) for f in range(4) for p in range(2)])


def test_a_swap_is_two_switches() -> None:
    swapped = tracks([(f, 7 + (p if f < 2 else 1 - p), 2000.0 * p + f + 3) for f in range(4) for p in range(2)])
    found = find_identities(swapped, TRUTH)
    assert found.switches == ((2, 0), (2, 1))
    assert found.distance_mm.tolist() == [3.0] * 8
    assert (found.num_missed, found.num_superfluous) == (0, 0)


def test_a_gap_is_missed_and_a_stray_superfluous() -> None:
    rows = [(f, 4, float(f)) for f in range(4)] + [(f, 5, 2000.0 + f) for f in (0, 3)] + [(1, 6, 9000.0)]
    found = find_identities(tracks(rows), TRUTH)
    assert found.switches == ()
    assert (found.num_missed, found.num_superfluous) == (2, 1)


def test_a_new_number_after_a_gap_is_a_switch() -> None:
    rows = [(f, 4, float(f)) for f in range(4)] + [(0, 5, 2000.0), (3, 8, 2003.0)]
    assert find_identities(tracks(rows), TRUTH).switches == ((3, 1),)


def test_unknown_joints_do_not_count() -> None:
    estimate = tracks([(f, p, 2000.0 * p + f) for f in range(4) for p in range(2)])
    estimate.positions[:, 1] = np.nan
    assert find_identities(estimate, TRUTH).distance_mm.tolist() == [0.0] * 8


def test_nobody_estimated() -> None:
    empty = PoseTracks(JOINTS, np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2, 3)))
    found = find_identities(empty, TRUTH)
    assert (found.switches, found.num_missed, found.num_superfluous) == ((), 8, 0)


def test_other_joints_are_an_error() -> None:
    other = PoseTracks(("nose",), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 1, 3)))
    with pytest.raises(ShapeError, match="expected joints pelvis, thorax, got nose"):
        find_identities(other, TRUTH)


@given(st.permutations(range(8)), st.permutations(range(5)))
def test_neither_the_order_of_rows_nor_the_numbers_matter(order: list[int], names: list[int]) -> None:
    estimate = PoseTracks(JOINTS, TRUTH.frames[order], np.array(names)[TRUTH.persons[order]], TRUTH.positions[order])
    found = find_identities(estimate, TRUTH)
    assert found.switches == ()
    assert (found.estimated == np.array(names)[found.true]).all()
