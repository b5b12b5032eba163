import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.errors import CalibrationError, ConfigError
from poseharvest.geometry.camera import AffineCamera
from poseharvest.learning.pose3d.pose_labels import axial_depth
from poseharvest.learning.pose3d.root_depth import estimate_root_depth, points_at_depth, viewing_slopes
from poseharvest.simulation import random_rig
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.limb_lengths import LimbLengths

ROOT = MPII16.index("pelvis")


def true_lengths(points):
    def length(limb):
        return float((points[MPII16.index(limb.parent)] - points[MPII16.index(limb.child)]).norm())

    return LimbLengths({(limb.parent, limb.child): length(limb) for limb in MPII16.limbs})


def seen(camera, points):
    """What a perfect network would say: slopes of the pixels, and depths beyond the root."""
    depth = axial_depth(camera, points)
    return viewing_slopes(camera, camera.project(points).pixels), depth - depth[ROOT], depth[ROOT]


@pytest.fixture(scope="module")
def cameras():
    return random_rig(3, torch.Generator().manual_seed(8), image_size=(240, 320)).cameras


@pytest.fixture(scope="module")
def poses(simulation):
    return simulation.truth.positions


@pytest.mark.parametrize("view", range(3))
def test_the_true_lengths_give_the_true_depth_and_pose(cameras, poses, view):
    camera, points = cameras[view], poses[3]
    slopes, depth, root = seen(camera, points)
    found = estimate_root_depth(slopes, depth, MPII16, true_lengths(points))
    assert float((found / root - 1).abs()) < 1e-6
    there = points @ camera.rotation.double().T + camera.translation.double()
    assert torch.allclose(points_at_depth(slopes, depth, found), there, atol=0.02)


def test_many_poses_at_once_are_each_alone(cameras, poses):
    parts = [seen(cameras[0], points) for points in poses[:4]]
    slopes, depth = torch.stack([p[0] for p in parts]), torch.stack([p[1] for p in parts])
    lengths = true_lengths(poses[0])
    together = estimate_root_depth(slopes, depth, MPII16, lengths)
    alone = torch.stack([estimate_root_depth(s, d, MPII16, lengths) for s, d, _ in parts])
    assert torch.allclose(together, alone)
    assert torch.allclose(together, torch.stack([p[2] for p in parts]), rtol=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.5, 2.0))
def test_a_flat_pose_of_longer_limbs_is_as_much_farther_away(factor):
    """By hand: without depth beyond the root, lengths and distance scale together."""
    slopes = torch.cat((torch.randn((16, 2), generator=torch.Generator().manual_seed(0)) * 0.1, torch.ones(16, 1)), -1)
    depth, lengths = torch.zeros(16), true_lengths(slopes * 3000)
    longer = LimbLengths({limb: factor * length for limb, length in lengths.mm.items()})
    found = estimate_root_depth(slopes.double(), depth.double(), MPII16, longer)
    assert float(found) == pytest.approx(3000 * factor, rel=1e-5)


def test_one_wrong_joint_does_not_decide(cameras, poses):
    slopes, depth, root = seen(cameras[0], poses[3])
    slopes[MPII16.index("left_wrist")] += torch.tensor([0.3, 0.2, 0.0])
    found = estimate_root_depth(slopes, depth, MPII16, true_lengths(poses[3]))
    assert float((found / root - 1).abs()) < 1e-4


def test_what_cannot_be_known_is_named(cameras):
    slopes, depth = torch.ones((16, 3)), torch.zeros(16)
    with pytest.raises(ConfigError, match="expected limb lengths, got none: give the depth of the root"):
        estimate_root_depth(slopes, depth, MPII16, LimbLengths({}))
    with pytest.raises(ConfigError, match='expected limbs of "mpii16", got nose-tail'):
        estimate_root_depth(slopes, depth, MPII16, LimbLengths({("nose", "tail"): 1.0}))
    affine = AffineCamera("far", (240, 320), torch.eye(2, 4, dtype=torch.float64))
    with pytest.raises(CalibrationError, match='camera "far": expected a perspective camera, got an affine one'):
        viewing_slopes(affine, torch.zeros(2))
    with pytest.raises(CalibrationError, match='camera "far": expected a perspective camera, got an affine one'):
        axial_depth(affine, torch.zeros(2, 3))
