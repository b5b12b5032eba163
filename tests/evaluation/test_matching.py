"""The same person in two sets of poses, on the joints that both have."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.errors import HarvestError, ShapeError, SkeletonError
from poseharvest.evaluation.matching import (
    common_joints,
    convert_tracks,
    match_moments,
    match_people,
    match_tracks,
    pair_tracks,
    restrict_joints,
)
from poseharvest.evaluation.tracks import PoseTracks
from poseharvest.skeleton.definitions import COCO17, H36M17, MPII16


def tracks(persons: dict[int, tuple[float, range]], joints: tuple[str, ...] = ("hip", "knee")) -> PoseTracks:
    """Each person stands at an x, in a range of frames."""
    rows = [(frame, person, x) for person, (x, frames) in persons.items() for frame in frames]
    positions = np.zeros((len(rows), len(joints), 3))
    positions[..., 0] = np.array([x for *_, x in rows])[:, None]
    frames, people = (np.array([row[k] for row in rows]) for k in (0, 1))
    return PoseTracks(joints, frames, people, positions)


def test_people_are_matched_as_wholes_whatever_their_numbers():
    ours = tracks({0: (0.0, range(5)), 1: (1000.0, range(5))})
    theirs = tracks({3: (1010.0, range(5)), 8: (5.0, range(2, 9))})
    match = match_tracks(ours, theirs)
    assert ours.frames[match.first].tolist() == theirs.frames[match.second].tolist()
    together = set(zip(ours.persons[match.first].tolist(), theirs.persons[match.second].tolist(), strict=True))
    assert together == {(0, 8), (1, 3)}
    assert len(match.first) == 3 + 5
    assert (np.diff(match.first) > 0).all()


def test_a_swap_of_identities_is_not_undone():
    truth = tracks({0: (0.0, range(10)), 1: (1000.0, range(10))})
    swapped = truth.positions.copy()
    late = truth.frames >= 7
    swapped[late] = 1000 - swapped[late] * [1, 0, 0]
    pairs = pair_tracks(PoseTracks(truth.joints, truth.frames, truth.persons, swapped), truth)
    errors = np.linalg.norm(pairs.estimate - pairs.truth, axis=-1)
    assert (errors > 900).mean() == pytest.approx(0.3)
    assert set(pairs.labels["person"]) == {"0", "1"}


def test_a_person_too_many_is_left_alone():
    match = match_tracks(tracks({0: (0.0, range(3)), 1: (900.0, range(3))}), tracks({0: (890.0, range(3))}))
    assert match.first.tolist() == [3, 4, 5]


def test_nothing_in_common_is_an_error():
    with pytest.raises(HarvestError, match="expected two sets with frames in common"):
        match_tracks(tracks({0: (0.0, range(3))}), tracks({0: (0.0, range(3, 6))}))
    with pytest.raises(ShapeError, match="expected joints hip, knee, got hip"):
        match_tracks(tracks({0: (0.0, range(3))}), tracks({0: (0.0, range(3))}, ("hip",)))


def test_only_exact_joints_unless_asked():
    exact = common_joints(MPII16, H36M17.joints)
    assert set(exact.target.joints) == set(H36M17.joints) - {"spine", "neck_base"}
    assert exact.approximate == ()
    loose = common_joints(MPII16, H36M17.joints, approximate=True)
    assert set(loose.target.joints) == set(H36M17.joints)
    assert set(loose.approximate) == {"spine", "neck_base"}
    with pytest.raises(SkeletonError, match="joints: none of tail is one of nose"):
        common_joints(COCO17, ("tail",))


def test_conversion_and_restriction_keep_who_and_when():
    conversion = common_joints(MPII16, ("mid_hip", "left_knee"))
    poses = tracks({2: (10.0, range(4, 6))}, MPII16.joints)
    poses.positions[:, MPII16.index("left_hip"), 2] = 100
    found = convert_tracks(poses, conversion)
    assert found.joints == ("mid_hip", "left_knee")
    assert found.frames.tolist() == [4, 5]
    assert found.positions[0].tolist() == [[10, 0, 50], [10, 0, 0]]
    assert restrict_joints(found, ("left_knee",)).positions.tolist() == [[[10, 0, 0]], [[10, 0, 0]]]


def test_people_without_lasting_numbers_are_matched_in_each_frame():
    """Two people whose numbers are new in every frame: as wholes, two of twenty poses have a counterpart."""
    truth = tracks({0: (0.0, range(10)), 1: (1000.0, range(10))})
    fresh = PoseTracks(truth.joints, truth.frames, np.arange(20), truth.positions + 10)
    assert len(match_tracks(fresh, truth).first) == 2
    match = match_people(fresh, truth)
    assert match.by_moment
    assert match.second.tolist() == match.first.tolist() == list(range(20))


def test_people_with_lasting_numbers_are_matched_as_wholes_and_far_poses_are_nobodys():
    truth = tracks({0: (0.0, range(10)), 1: (1000.0, range(10))})
    broken = PoseTracks(truth.joints, truth.frames, truth.persons + 5 * (truth.frames > 5), truth.positions)
    match = match_people(broken, truth)
    assert not match.by_moment
    assert len(match.first) == 12
    assert len(match_moments(truth, tracks({0: (600.0, range(10))})).first) == 10
    assert len(match_moments(tracks({0: (0.0, range(10))}), tracks({0: (600.0, range(10))})).first) == 0
