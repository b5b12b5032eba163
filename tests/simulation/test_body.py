from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from poseharvest.simulation.body import POINTS, PROPORTIONS, Body, make_actor
from poseharvest.simulation.motion import ANGLES, Motion
from poseharvest.skeleton.definitions import MPII16

TIMES = torch.arange(0, 25, 0.04, dtype=torch.float64)
LENGTHS = {
    ("pelvis", "thorax"): "torso",
    ("thorax", "upper_neck"): "neck",
    ("upper_neck", "head_top"): "head",
    ("pelvis", "left_hip"): "hip",
    ("left_hip", "left_knee"): "thigh",
    ("left_knee", "left_ankle"): "shank",
    ("left_shoulder", "left_elbow"): "upper_arm",
    ("left_elbow", "left_wrist"): "forearm",
}


def random_angles(generator: torch.Generator, count: int = 20) -> torch.Tensor:
    return 0.5 * torch.randn(count, len(ANGLES), generator=generator, dtype=torch.float64)


def at(points: torch.Tensor, name: str) -> torch.Tensor:
    return points[..., POINTS.index(name), :]


@pytest.mark.parametrize("seed", range(3))
def test_limbs_keep_their_length(seed):
    actor = make_actor(seed)
    points = actor.points(TIMES)
    for limb in MPII16.limbs:
        lengths = torch.linalg.vector_norm(at(points, limb.parent) - at(points, limb.child), dim=-1)
        assert float(lengths.max() - lengths.min()) < 1e-9
        mirrored = MPII16.mirrored_limb(limb)
        other = torch.linalg.vector_norm(at(points, mirrored.parent) - at(points, mirrored.child), dim=-1)
        assert_close(lengths, other, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("limb", "part"), LENGTHS.items(), ids=str)
def test_limbs_have_the_length_of_their_part(limb, part):
    actor = make_actor(4)
    points = actor.points(TIMES[:1])
    length = float(torch.linalg.vector_norm(at(points, limb[0]) - at(points, limb[1])))
    assert length == pytest.approx(actor.body.stature_mm * PROPORTIONS[part])


def test_standing_upright_is_as_tall_as_the_stature():
    points = Body(1803.0).points(torch.zeros(1, len(ANGLES), dtype=torch.float64), torch.zeros(1, 2).double())[0]
    assert float(at(points, "head_top")[2]) == pytest.approx(1803.0)
    assert float(at(points, "left_ankle")[2]) == pytest.approx(1803.0 * PROPORTIONS["ankle"])
    assert float(at(points, "left_toe")[0]) > 100  # it faces x
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe", "hand"):
        assert float(at(points, f"left_{joint}")[1]) > 50  # z is up and x ahead, so left is y
        assert float(at(points, f"right_{joint}")[1]) < -50


@pytest.mark.parametrize("seed", range(3))
def test_it_stands_on_the_floor(seed):
    actor = make_actor(seed)
    points = actor.points(TIMES)
    ankle = actor.body.length("ankle")
    lowest = torch.minimum(at(points, "left_ankle"), at(points, "right_ankle"))[:, 2]
    assert bool((lowest <= ankle + 1e-9).all())
    assert bool((lowest >= ankle - 10 * math.log(2) - 1e-9).all())
    assert bool((points[..., 2] > 0).all())


def test_bending_angles_does_what_their_names_say():
    def pose(**angles: float) -> torch.Tensor:
        row = torch.zeros(1, len(ANGLES), dtype=torch.float64)
        for name, value in angles.items():
            row[0, ANGLES.index(name)] = value
        points = Body().points(row, torch.zeros(1, 2, dtype=torch.float64))[0]
        return points - at(points, "pelvis")

    rest = pose()
    assert at(pose(left_hip_flexion=0.5), "left_knee")[0] > 100  # forward
    assert at(pose(left_knee_flexion=1.0), "left_ankle")[0] < -100  # backward
    assert at(pose(lean=0.5), "head_top")[0] > 100
    assert at(pose(right_elbow_flexion=1.0), "right_wrist")[0] > 100
    for side, sign in (("left", 1), ("right", -1)):
        for joint, end in (("shoulder", "wrist"), ("hip", "ankle")):
            spread = pose(**{f"{side}_{joint}_abduction": 0.5})
            assert sign * float((at(spread, f"{side}_{end}") - at(rest, f"{side}_{end}"))[1]) > 100  # outward


def test_heading_turns_the_body_about_the_vertical(generator):
    angles = random_angles(generator)
    turned = angles.clone()
    turned[:, ANGLES.index("heading")] += 0.7
    c, s = math.cos(0.7), math.sin(0.7)
    rotation = torch.tensor(((c, -s, 0), (s, c, 0), (0, 0, 1)), dtype=torch.float64)
    place = torch.zeros(len(angles), 2, dtype=torch.float64)
    assert_close(Body().points(turned, place), Body().points(angles, place) @ rotation.T)


def test_mirrored_angles_give_the_mirrored_body(generator):
    angles = random_angles(generator)
    mirrored = torch.empty_like(angles)
    for i, name in enumerate(ANGLES):
        swapped = name.replace("left_", "*").replace("right_", "left_").replace("*", "right_")
        sign = -1 if name in {"heading", "twist", "side_lean", "neck_yaw"} else 1
        mirrored[:, ANGLES.index(swapped)] = sign * angles[:, i]
    place = 100 * torch.randn(len(angles), 2, generator=generator, dtype=torch.float64)
    reflect = torch.tensor((1.0, -1.0, 1.0), dtype=torch.float64)
    body = Body().points(angles, place)[:, list(MPII16.flip_permutation)]
    assert_close(Body().points(mirrored, place * reflect[:2])[:, : len(MPII16)], body * reflect)


def test_the_middle_of_the_hips_is_the_pelvis():
    points = make_actor(2).points(TIMES)
    assert_close((at(points, "left_hip") + at(points, "right_hip")) / 2, at(points, "pelvis"))


def test_the_pose_at_a_time_is_that_of_the_batch():
    actor = make_actor(1, stage=(200.0, -300.0))
    assert_close(actor.pose(float(TIMES[77])), actor.points(TIMES)[77, :16], rtol=0, atol=1e-9)
    assert_close(actor.points(TIMES), actor.body.points(Motion(1).angles(TIMES), Motion(1).place(TIMES)) + shift())


def shift() -> torch.Tensor:
    return torch.tensor((200.0, -300.0, 0.0), dtype=torch.float64)


def test_movement_is_that_of_a_person():
    points = make_actor(6).points(TIMES)
    speed = torch.linalg.vector_norm(points.diff(dim=0), dim=-1) / 0.04
    assert speed.max() < 7000
    assert speed.mean() > 100
    assert (points[..., :2] - points[..., :2].mean((0, 1))).abs().max() < 1800
