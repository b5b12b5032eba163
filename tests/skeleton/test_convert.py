from __future__ import annotations

import re

import pytest
import torch
from torch.testing import assert_close

from poseharvest.errors import ShapeError, SkeletonError
from poseharvest.skeleton.convert import DERIVATIONS, Conversion
from poseharvest.skeleton.definitions import COCO17, H36M17, LSP14, MPII16, SKELETONS
from poseharvest.skeleton.skeleton import Skeleton, limbs

POSSIBLE = [
    (MPII16, H36M17),
    (H36M17, MPII16),
    (MPII16, LSP14),
    (H36M17, LSP14),
    (COCO17, Skeleton("body", ("pelvis", "thorax", "upper_neck"), limbs("pelvis-thorax", "thorax-upper_neck"))),
]
PAIRS = pytest.mark.parametrize(("source", "target"), POSSIBLE, ids=lambda s: s.name)


def random_points(generator: torch.Generator, num_joints: int, dims: int = 3) -> torch.Tensor:
    return 800 * torch.randn(2, 5, num_joints, dims, generator=generator, dtype=torch.float64)


def random_covariances(generator: torch.Generator, num_joints: int, dims: int) -> torch.Tensor:
    root = torch.randn(3, num_joints, dims, dims, generator=generator, dtype=torch.float64)
    return root @ root.mT


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_conversion_to_itself_is_the_identity(skeleton):
    conversion = Conversion(skeleton, skeleton)
    assert_close(conversion.weights, torch.eye(len(skeleton), dtype=torch.float64))
    assert conversion.approximate == ()


@PAIRS
@pytest.mark.parametrize("dims", [2, 3])
def test_moving_the_source_moves_the_target(source, target, dims, generator):
    conversion = Conversion(source, target)
    points = random_points(generator, len(source), dims)
    shift = torch.randn(dims, generator=generator, dtype=torch.float64)
    linear = torch.randn(dims, dims, generator=generator, dtype=torch.float64)
    moved = conversion.points(points @ linear + shift)
    assert moved.shape == (2, 5, len(target), dims)
    assert_close(moved, conversion.points(points) @ linear + shift)


@PAIRS
def test_shared_joints_are_copied(source, target, generator):
    points = random_points(generator, len(source))
    converted = Conversion(source, target).points(points)
    shared = [joint for joint in target.joints if joint in source.joints]
    assert shared or target.name == "body"
    for joint in shared:
        assert_close(converted[..., target.index(joint), :], points[..., source.index(joint), :], rtol=0, atol=0)


@PAIRS
def test_covariances_are_those_of_sampled_points(source, target, generator):
    conversion = Conversion(source, target)
    cov = random_covariances(generator, len(source), 3)[0]
    noise = torch.randn(40000, len(source), 3, generator=generator, dtype=torch.float64)
    samples = conversion.points((torch.linalg.cholesky(cov) @ noise.unsqueeze(-1)).squeeze(-1))
    sampled = torch.einsum("nja,njb->jab", samples, samples) / samples.shape[0]
    assert_close(conversion.covariances(cov), sampled, rtol=0, atol=0.06 * float(cov.abs().max()))


@PAIRS
def test_covariances_equal_the_block_matrix_route(source, target, generator):
    conversion = Conversion(source, target)
    cov = random_covariances(generator, len(source), 2)[0]
    big = torch.kron(conversion.weights, torch.eye(2, dtype=torch.float64))
    full = big @ torch.block_diag(*cov) @ big.T
    blocks = [full[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] for i in range(len(target))]
    assert_close(conversion.covariances(cov), torch.stack(blocks))


@PAIRS
def test_an_unknown_joint_takes_down_just_what_derives_from_it(source, target, generator):
    conversion = Conversion(source, target)
    points = random_points(generator, len(source))
    cov = random_covariances(generator, len(source), 3)
    for joint in range(len(source)):
        broken, broken_cov = points.clone(), cov.clone()
        broken[..., joint, 1] = torch.nan
        broken_cov[..., joint, 0, 2] = torch.inf
        hit = conversion.weights[:, joint] != 0
        converted = conversion.points(broken)
        assert torch.equal(torch.isnan(converted).all(-1), hit.expand(2, 5, -1))
        assert_close(converted[..., ~hit, :], conversion.points(points)[..., ~hit, :], rtol=0, atol=0)
        converted_cov = conversion.covariances(broken_cov)
        assert torch.equal(torch.isnan(converted_cov).all(-1).all(-1), hit.expand(3, -1))
        assert torch.isfinite(converted_cov[:, ~hit]).all()


def test_support_needs_every_source():
    conversion = Conversion(MPII16, H36M17)
    supported = torch.ones(2, 16, dtype=torch.bool)
    supported[1, MPII16.index("thorax")] = False
    assert conversion.supported(supported)[0].all()
    unsupported = {H36M17.joints[i] for i in (~conversion.supported(supported)[1]).nonzero().flatten()}
    assert unsupported == {"thorax", "spine"}


def test_derived_joints_are_where_they_are_documented():
    conversion = Conversion(COCO17, POSSIBLE[-1][1])
    points = torch.zeros(17, 3, dtype=torch.float64)
    for joint, place in {
        "left_hip": (100.0, 0.0, 900.0),
        "right_hip": (-100.0, 20.0, 900.0),
        "left_shoulder": (150.0, 0.0, 1400.0),
        "right_shoulder": (-150.0, 0.0, 1400.0),
        "left_ear": (70.0, 30.0, 1600.0),
        "right_ear": (-70.0, 30.0, 1610.0),
    }.items():
        points[COCO17.index(joint)] = torch.tensor(place, dtype=torch.float64)
    expected = torch.tensor([[0, 10, 900], [0, 0, 1400], [0, 20, (1600 + 1610 + 1400) / 3]], dtype=torch.float64)
    assert_close(conversion.points(points), expected)
    assert conversion.approximate == ("pelvis", "thorax", "upper_neck")


def test_only_definitions_count_as_exact():
    openpose = Skeleton("openpose", ("mid_hip", "neck"), limbs("mid_hip-neck"))
    assert Conversion(COCO17, openpose).approximate == ()
    assert Conversion(H36M17, MPII16).approximate == ("upper_neck",)
    assert Conversion(MPII16, H36M17).approximate == ("spine", "neck_base")


def test_derivations_are_means():
    for ways in DERIVATIONS.values():
        for way in ways:
            assert sum(way.weights.values()) == pytest.approx(1)


def test_joints_that_cannot_be_derived_are_listed():
    message = 'conversion from "mpii16" to "coco17": "mpii16" lacks nose, left_eye, right_eye, left_ear, right_ear and'
    with pytest.raises(SkeletonError, match=re.escape(message)):
        Conversion(MPII16, COCO17)


def test_wrong_number_of_joints_is_refused():
    conversion = Conversion(MPII16, LSP14)
    with pytest.raises(ShapeError, match=r'points: expected 16 joints of "mpii16" on axis -2, got shape \(14, 3\)'):
        conversion.points(torch.zeros(14, 3))
    with pytest.raises(ShapeError, match=r"covariances: expected 16 joints .* got shape \(16, 3\)"):
        conversion.covariances(torch.zeros(16, 3))
    with pytest.raises(ShapeError, match=r"covariances of a joint: expected shape \(N D D\)"):
        conversion.covariances(torch.zeros(16, 3, 2))
