"""Joints of which a frame shows nothing: left out of the sums, and as the whole sum would have placed them."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pictorial_kit import STICK, STICK_LENGTHS, STICK_POINTS, ring, seen_by
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.pictorial.pairwise import Shell
from poseharvest.pictorial.sum_product import Tree
from poseharvest.pictorial.unseen import Kept, spread_mm2
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton, limbs

# beartype checks one item of a sequence, chosen at random; nothing that is drawn depends on it.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

# A body of short limbs in the middle of a large cube, so that no shell meets the border.
CHAIN = Skeleton("chain", ("a", "b", "c", "d", "e"), limbs("a-b", "b-c", "b-d", "d-e"))
CHAIN_LENGTHS = LimbLengths({("a", "b"): 240.0, ("b", "c"): 180.0, ("b", "d"): 200.0, ("d", "e"): 160.0})
CHAIN_POINTS = torch.tensor([
    [0.0, 0.0, 900.0],
    [240.0, 0.0, 900.0],
    [240.0, 180.0, 900.0],
    [240.0, 0.0, 1100.0],
    [340.0, 90.0, 1190.0],
]).double()
CHAIN_CENTER = torch.tensor([200.0, 50.0, 950.0], dtype=torch.float64)


def chain_model(method: str) -> PictorialStructures:
    options = InferenceOptions(resolution=48, inference=method, neglect=0.0, floor=1e-5, tolerance_mm=45.0)
    return PictorialStructures(CHAIN, CHAIN_LENGTHS, options, edge_mm=2000.0, dtype=torch.float64)


def shown(joints) -> Heatmaps:
    heatmaps = seen_by(ring(4), CHAIN_POINTS, height=1.0)
    hidden = [joint for joint in range(len(CHAIN)) if joint not in joints]
    heatmaps.values[:, hidden] = 0
    return heatmaps


@pytest.mark.parametrize("joints", [(0, 1, 2, 3), (0, 1, 2), (2, 3, 4), (3, 4), (0, 2, 4), (1,), (4,), (0, 1, 2, 3, 4)])
def test_leaving_joints_out_gives_what_the_whole_sum_gives(joints):
    """The reference sums over every joint of every voxel; the sums over the seen part are one of their factors."""
    heatmaps = shown(joints)
    whole, part = (chain_model(m).infer(heatmaps, ring(4), CHAIN_CENTER) for m in ("reference", "exact"))
    torch.testing.assert_close(part.mean, whole.mean, rtol=0, atol=0.5)
    torch.testing.assert_close(part.cov, whole.cov, rtol=1e-3, atol=30)
    assert part.log_evidence == pytest.approx(whole.log_evidence, abs=0.02)
    assert part.supported.tolist() == [joint in joints for joint in range(len(CHAIN))]


def test_frames_that_show_different_joints_keep_their_order():
    frames = [
        FrameEvidence(shown(joints), ring(4), CHAIN_CENTER)
        for joints in ((0, 1, 2, 3, 4), (0, 1), (0, 1, 2, 3, 4), (4,))
    ]
    model = chain_model("exact")
    for together, frame in zip(model.infer_many(frames), frames, strict=True):
        alone = model.infer(frame.heatmaps, frame.cameras, frame.center)
        torch.testing.assert_close(together.mean, alone.mean)
        assert together.supported.tolist() == alone.supported.tolist()


def test_a_floor_of_zero_makes_a_joint_without_evidence_impossible():
    options = InferenceOptions(resolution=24, floor=0.0)
    heatmaps = seen_by(ring(2), STICK_POINTS)
    heatmaps.values[:, STICK.index("hand")] = 0
    model = PictorialStructures(STICK, STICK_LENGTHS, options, dtype=torch.float64)
    posterior = model.infer(heatmaps, ring(2), torch.tensor([20.0, -10.0, 850.0]).double())
    assert posterior.log_evidence == -math.inf
    assert bool(torch.isfinite(posterior.mean).all())


@st.composite
def trees(draw):
    parents = [draw(st.integers(0, child)) for child in range(draw(st.integers(0, 7)))]
    tree = Tree(tuple((parent, child + 1) for child, parent in enumerate(parents)), len(parents) + 1)
    return tree, draw(st.lists(st.booleans(), min_size=tree.num_joints, max_size=tree.num_joints))


@given(trees())
def test_the_part_that_is_kept_is_the_smallest_that_holds_all_evidence(case):
    tree, seen = case
    kept = Kept.of(tree, seen)
    assert all(seen[joint] <= (joint in kept.joints) for joint in range(tree.num_joints))
    assert len(kept.edges) == len(kept.joints) - 1
    assert {joint for edge in kept.edges for joint in tree.edges[edge]} <= set(kept.joints)
    ends = [joint for edge in kept.edges for joint in tree.edges[edge]]
    if len(kept.joints) > 1:
        assert all(seen[joint] for joint in kept.joints if ends.count(joint) == 1)
    if not any(seen):
        assert kept.joints == (tree.root,)


@given(trees())
def test_every_other_joint_is_placed_after_its_neighbour(case):
    tree, seen = case
    kept = Kept.of(tree, seen)
    known = set(kept.joints)
    for joint, neighbour, edge in kept.placed:
        assert neighbour in known
        assert {joint, neighbour} == set(tree.edges[edge])
        known.add(joint)
    assert known == set(range(tree.num_joints))


@pytest.mark.parametrize("shell", [Shell(3, 9), Shell(0, 2), Shell(25, 36)])
def test_the_spread_of_a_shell_is_that_of_its_offsets(shell):
    """The second route lists the offsets."""
    reach = range(-shell.radius, shell.radius + 1)
    inside = [
        offset
        for offset in itertools.product(reach, repeat=3)
        if shell.min_squared <= sum(x * x for x in offset) <= shell.max_squared
    ]
    expected = sum(x * x for x, _, _ in inside) / len(inside) * 20.0**2
    assert spread_mm2(shell, 20.0) == pytest.approx(expected)
