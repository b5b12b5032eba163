"""Alignment: laws, and scipy as the second route."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from poseharvest.errors import ConfigError
from poseharvest.evaluation.alignment import Alignment, align_estimates
from poseharvest.evaluation.mpjpe import joint_errors
from poseharvest.evaluation.pairs import PosePairs

JOINTS = tuple("abcdefg")
ALL = [
    Alignment("root", root="a"),
    Alignment("centroid"),
    Alignment("procrustes"),
    Alignment("root", root="a", with_scale=True),
    Alignment("centroid", with_scale=True),
    Alignment("procrustes", with_scale=True),
]


def random_pairs(seed: int, frames: int = 4) -> PosePairs:
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 400, (frames, len(JOINTS), 3)) + np.array([0, 0, 900])
    return PosePairs(truth + rng.normal(0, 60, truth.shape), truth, JOINTS)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
@pytest.mark.parametrize("alignment", ALL, ids=str)
def test_what_an_alignment_forgives_does_not_change_the_error(alignment, seed):
    pairs = random_pairs(seed)
    rng = np.random.default_rng(seed + 1)
    moved = pairs.estimate + rng.normal(0, 1000, (len(pairs.estimate), 1, 3))
    if alignment.name == "procrustes":
        moved = np.einsum("fij,fkj->fki", Rotation.random(len(moved), rng).as_matrix(), moved)
    if alignment.with_scale:
        moved *= rng.uniform(0.3, 3)
    np.testing.assert_allclose(
        joint_errors(PosePairs(moved, pairs.truth, JOINTS), alignment), joint_errors(pairs, alignment), atol=1e-6
    )


@pytest.mark.parametrize("seed", range(5))
def test_procrustes_with_scale_equals_scipys(seed):
    pairs = random_pairs(seed)
    errors = joint_errors(pairs, Alignment("procrustes", with_scale=True))
    for pose, truth, error in zip(pairs.estimate, pairs.truth, errors, strict=True):
        ours, theirs, _ = procrustes(truth, pose)
        size = np.linalg.norm(truth - truth.mean(0))
        np.testing.assert_allclose(error, size * np.linalg.norm(ours - theirs, axis=1), rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_procrustes_without_scale_equals_scipys_kabsch(seed):
    pairs = random_pairs(seed)
    found = align_estimates(pairs, Alignment("procrustes"))
    for pose, truth, result in zip(pairs.estimate, pairs.truth, found, strict=True):
        rotation, _ = Rotation.align_vectors(truth - truth.mean(0), pose - pose.mean(0))
        np.testing.assert_allclose(result, rotation.apply(pose - pose.mean(0)) + truth.mean(0), atol=1e-8)


def test_a_mirror_image_is_not_forgiven():
    pairs = random_pairs(0)
    mirrored = PosePairs(pairs.truth * (-1, 1, 1), pairs.truth, JOINTS)
    assert joint_errors(mirrored, Alignment("procrustes")).mean() > 100


def test_each_alignment_forgives_more_than_the_one_before():
    pairs = random_pairs(3)
    squares = [
        (joint_errors(pairs, alignment) ** 2).sum(1)
        for alignment in (
            Alignment("none"),
            Alignment("centroid"),
            Alignment("procrustes"),
            Alignment("procrustes", with_scale=True),
        )
    ]
    for looser, tighter in zip(squares[1:], squares, strict=False):
        assert (looser <= tighter + 1e-6).all()


def test_joints_without_truth_take_no_part():
    pairs = random_pairs(5)
    truth, estimate = pairs.truth.copy(), pairs.estimate.copy()
    truth[:, 2] = np.nan
    estimate[:, 2] = 1e6
    kept = [0, 1, 3, 4, 5, 6]
    for alignment in ALL:
        errors = joint_errors(PosePairs(estimate, truth, JOINTS), alignment)
        few = PosePairs(pairs.estimate[:, kept], pairs.truth[:, kept], tuple("abdefg"))
        np.testing.assert_allclose(errors[:, kept], joint_errors(few, alignment), atol=1e-8)
        assert np.isnan(errors[:, 2]).all()


def test_a_pose_too_small_for_its_alignment_is_not_judged():
    pairs = random_pairs(6, frames=1)
    truth = pairs.truth.copy()
    truth[0, 2:] = np.nan
    two = PosePairs(pairs.estimate, truth, JOINTS)
    assert np.isnan(joint_errors(two, Alignment("procrustes"))).all()
    assert np.isfinite(joint_errors(two, Alignment("centroid"))).sum() == 2
    assert np.isnan(joint_errors(two, Alignment("root", root="g"))).all()


def test_two_dimensions_align_as_well():
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 50, (3, 7, 2))
    turn = np.array([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]])
    pairs = PosePairs(truth @ turn.T + 5, truth, JOINTS)
    np.testing.assert_allclose(joint_errors(pairs, Alignment("procrustes")), 0, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "pelvis"}, 'expected one of none, root, centroid, procrustes, got "pelvis"'),
        ({"name": "root"}, 'a root joint goes with "root" alone'),
        ({"name": "centroid", "root": "a"}, 'a root joint goes with "root" alone'),
        ({"name": "none", "with_scale": True}, "has no scale"),
    ],
)
def test_nonsense_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Alignment(**arguments)


def test_an_unknown_root_is_named():
    with pytest.raises(ConfigError, match='joint: expected one of a, b, c, d, e, f, g, got "pelvis"'):
        align_estimates(random_pairs(0), Alignment("root", root="pelvis"))
