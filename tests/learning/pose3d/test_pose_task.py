import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.detectors.network import Preprocessing
from poseharvest.errors import ShapeError, TrainingError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.crop import Crop
from poseharvest.learning.loop.augment import Variation
from poseharvest.learning.loop.samples import TrainingSample
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.pose3d.pose_labels import axial_depth
from poseharvest.learning.pose3d.pose_model import new_regressor, preprocessing_of
from poseharvest.learning.pose3d.pose_task import RegressionTask, squared_distance
from poseharvest.learning.pose3d.scaling import DEPTH_UNIT_MM, WindowPose, numbers_from_pose, pose_from_numbers
from poseharvest.skeleton.definitions import MPII16

MIDDLE = (170.0, 110.0)
ROOT = MPII16.index("pelvis")
IN_CAMERA = torch.tensor([[0.0, 0.0, 3000.0]]) + torch.randn(
    (16, 3), generator=torch.Generator().manual_seed(1), dtype=torch.float64
) * torch.tensor([400.0, 600.0, 300.0])


def camera(focal: float, middle: tuple[float, float], size: tuple[int, int]) -> Camera:
    k = torch.tensor([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]], dtype=torch.float64)
    return Camera("c", size, k, torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))


def make_sample() -> TrainingSample:
    """A person in the middle of a picture that is not square; the window lies about the principal point."""
    seen = camera(500.0, MIDDLE, (240, 320))
    depth = axial_depth(seen, IN_CAMERA)
    return TrainingSample(
        picture=torch.rand((3, 240, 320), generator=torch.Generator().manual_seed(0)),
        joints=seen.project(IN_CAMERA).pixels,
        weight=torch.ones(16),
        window=Crop(MIDDLE, 150.0),
        depth_mm=depth - depth[ROOT],
    )


def masked(sample: TrainingSample, joint: int) -> TrainingSample:
    weight = sample.weight.clone()
    weight[joint] = 0
    return replace(sample, weight=weight)


@settings(max_examples=25, deadline=None)
@given(st.floats(-math.pi, math.pi), st.floats(0.6, 1.6), st.booleans())
def test_a_varied_picture_has_the_pose_of_a_rolled_mirrored_world_before_another_lens(turn, scale, mirrored):
    """The second route: transform the world, and project it by a camera that looks at the window alone."""
    task = RegressionTask(MPII16, Preprocessing((64, 96), (0.0,) * 3, (1.0,) * 3))
    numbers = task.numbers(make_sample(), Variation(turn, scale, mirrored))
    cos, sin = math.cos(turn), math.sin(turn)
    unroll = torch.tensor([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]], dtype=torch.float64)
    mirror = torch.tensor([-1.0 if mirrored else 1.0, 1, 1], dtype=torch.float64)
    world = IN_CAMERA @ unroll.T * mirror
    if mirrored:
        world = world[list(MPII16.flip_permutation)]
    window = camera(500 / (150 / 64 * scale), (47.5, 31.5), (64, 96))
    pose = WindowPose(window.project(world).pixels, world[:, 2] - world[ROOT, 2])
    assert torch.allclose(numbers, numbers_from_pose(pose, (64, 96)), atol=1e-9)


def test_the_scaling_is_what_is_said():
    pixels = torch.tensor([[47.5, 31.5], [47.5 + 32, 31.5 - 16]])
    numbers = numbers_from_pose(WindowPose(pixels, torch.tensor([0.0, -500.0])), (64, 96))
    assert torch.allclose(numbers, torch.tensor([[0.0, 0, 0], [0.5, -0.25, -500 / DEPTH_UNIT_MM]]))
    back = pose_from_numbers(numbers, (64, 96))
    assert torch.allclose(back.pixels, pixels)
    assert torch.allclose(back.depth_mm, torch.tensor([0.0, -500.0]))


def test_the_loss_is_equation_5():
    generator = torch.Generator().manual_seed(2)
    numbers, targets = (torch.randn((3, 4, 3), generator=generator) for _ in range(2))
    slow = sum((numbers[b, n] - targets[b, n]).norm() ** 2 for b in range(3) for n in range(4)) / 3
    assert torch.allclose(squared_distance(numbers, targets, torch.ones(3, 4, 3, dtype=torch.bool)), slow)
    with pytest.raises(ShapeError, match=r"known: expected shape \(B J 3\) with"):
        squared_distance(numbers, targets, torch.ones(3, 5, 3, dtype=torch.bool))


def test_a_masked_joint_changes_no_gradient():
    """Wherever a masked joint is said to be, NaN included, every gradient is bit for bit the same."""
    joint = MPII16.index("left_wrist")
    preprocessing = preprocessing_of(64)
    task = RegressionTask(MPII16, preprocessing)
    gradients = []
    for place, depth in ((10.0, 5.0), (math.nan, math.nan)):
        sample = masked(make_sample(), joint)
        sample.joints[joint], sample.depth_mm[joint] = place, depth
        network = new_regressor(MPII16, input_px=64, features=4, seed=3)
        batch = task.batch([sample] * 2, [Variation(0.2, 1.1), Variation(mirrored=True)], TrainingOptions())
        task.loss(network(batch.inputs), batch).backward()
        gradients.append({name: parameter.grad for name, parameter in network.named_parameters()})
        rows = network.regress.weight.grad.unflatten(0, (16, 3))
        mirrored = MPII16.index("right_wrist")
        assert rows[ROOT].any()
        assert rows[joint].any()  # of the mirrored picture, where it is the other wrist
        assert batch.known[:, [joint, mirrored]].all(-1).tolist() == [[False, True], [True, False]]
    assert all(torch.equal(gradients[0][name], gradients[1][name]) for name in gradients[0])


def test_masking_one_joint_leaves_the_others_gradients():
    task, joint = RegressionTask(MPII16, preprocessing_of(64)), MPII16.index("head_top")
    numbers = torch.randn((1, 16, 3), generator=torch.Generator().manual_seed(4)).requires_grad_()
    found = []
    for sample in (make_sample(), masked(make_sample(), joint)):
        batch = task.batch([sample], [Variation()], TrainingOptions())
        found.append(torch.autograd.grad(task.loss(numbers, batch), numbers)[0])
    others = [index for index in range(16) if index != joint]
    assert torch.equal(found[0][:, others], found[1][:, others])
    assert not found[1][:, joint].any()


def test_an_unknown_depth_leaves_the_pixels_to_be_learned():
    sample = make_sample()
    sample.depth_mm[3] = math.nan
    batch = RegressionTask(MPII16, preprocessing_of(64)).batch([sample], [Variation()], TrainingOptions())
    assert batch.known[0, 3].tolist() == [True, True, False]
    assert int(batch.known.sum()) == 47


def test_samples_without_depths_are_named():
    sample = replace(make_sample(), depth_mm=None)
    with pytest.raises(TrainingError, match="expected samples with depths, got one without"):
        RegressionTask(MPII16, preprocessing_of(64)).numbers(sample, Variation())
    with pytest.raises(ShapeError, match="sample: depth_mm: expected shape"):
        replace(make_sample(), depth_mm=torch.zeros(15))


def test_weighted_squares_are_those_of_each_joint_alone():
    """Second route: joint by joint, each times its weight; a weight of 0 is a joint that is not known."""
    generator = torch.Generator().manual_seed(5)
    numbers, targets = torch.rand((2, 3, 4, 3), generator=generator)
    weights = torch.rand((3, 4, 1), generator=generator).expand(3, 4, 3)
    known = torch.rand((3, 4, 3), generator=generator) < 0.8
    alone = [
        weights[:, joint, :1].squeeze(1) * (known[:, joint] * (numbers - targets)[:, joint] ** 2).sum(-1)
        for joint in range(4)
    ]
    assert torch.allclose(squared_distance(numbers, targets, known, weights), sum(alone).mean())
    off = weights.clone()
    off[:, 2] = 0
    without = known.clone()
    without[:, 2] = False
    assert torch.equal(
        squared_distance(numbers, targets, known, off), squared_distance(numbers, targets, without, weights)
    )


def test_weights_are_mirrored_with_their_joints():
    task = RegressionTask(MPII16, preprocessing_of(64))
    sample = make_sample()
    weight = torch.linspace(0.1, 1.0, len(MPII16))
    plain, mirrored = (
        task.batch([replace(sample, weight=weight)], [Variation(mirrored=flag)], TrainingOptions())
        for flag in (False, True)
    )
    assert torch.equal(mirrored.weights[0], plain.weights[0][list(MPII16.flip_permutation)])
    assert task.batch([sample], [Variation()], TrainingOptions()).weights is None
