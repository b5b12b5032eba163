"""Simulated people in the rows of any layout, as keypoint files have them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from poseharvest.simulation.body import POINTS, Actor, Body
from poseharvest.simulation.motion import Motion
from poseharvest.skeleton.human import MIDDLES

_HEAD = {  # forward, to the left, up, as shares of the head from upper_neck to head_top
    "nose": (0.5, 0.0, 0.32),
    "eye": (0.42, 0.15, 0.48),
    "eye_inner": (0.44, 0.08, 0.48),
    "eye_outer": (0.38, 0.22, 0.48),
    "ear": (0.0, 0.35, 0.36),
    "mouth": (0.44, 0.11, 0.1),
}
_FOOT = {"big_toe": (1.0, -0.1), "small_toe": (0.8, 0.3), "heel": (-0.3, 0.0)}  # along the foot, outwards
_HAND = {"thumb": (0.6, 0.3), "index_finger": (0.9, 0.2), "pinky": (0.85, -0.2)}  # along the hand, forward


def simulated_joints(seed: int, num: int, *, stature_mm: float = 1700.0) -> dict[str, Tensor]:
    """Return (num, 3) mm of every joint of a person that any layout names, at moments spread over a motion."""
    actor = Actor(Body(stature_mm), Motion(seed))
    points = actor.points(torch.linspace(0.0, 1.7 * num, num, dtype=torch.float64))
    named = dict(zip(POINTS, points.unbind(1), strict=True))
    left = _unit(named["left_shoulder"] - named["right_shoulder"])
    up = _unit(named["thorax"] - named["pelvis"])
    forward = torch.linalg.cross(left, up)
    head = (named["head_top"] - named["upper_neck"]).norm(dim=-1, keepdim=True)
    head_up = _unit(named["head_top"] - named["upper_neck"])
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for part, (along, out, above) in _HEAD.items():
            place = named["upper_neck"] + head * (along * forward + sign * out * left + above * head_up)
            named[part if part == "nose" else f"{side}_{part}"] = place
        foot = named[f"{side}_toe"] - named[f"{side}_ankle"]
        for part, (along, out) in _FOOT.items():
            named[f"{side}_{part}"] = (
                named[f"{side}_ankle"] + along * foot + sign * out * foot.norm(dim=-1, keepdim=True) * left
            )
        hand = named[f"{side}_hand"] - named[f"{side}_wrist"]
        for part, (along, out) in _HAND.items():
            length = hand.norm(dim=-1, keepdim=True)
            named[f"{side}_{part}"] = named[f"{side}_wrist"] + along * hand + out * length * forward
    for middle, pair in MIDDLES.items():
        named[middle] = (named[pair[0]] + named[pair[1]]) / 2
    named["spine"] = (named["pelvis"] + named["thorax"]) / 2
    named["neck_base"] = named["upper_neck"]
    return named


def in_layout(joints: Sequence[str], named: dict[str, Tensor], pixels_of: object) -> Tensor:
    """Return (N, K, 2) pixels of rows named `joints`; rows of hands and faces lie on wrists and nose."""
    world = torch.stack([named[_stand_in(joint, named)] for joint in joints], 1)
    return pixels_of(world)  # type: ignore[operator]


def random_look(seed: int, distance: float = 5000.0) -> object:
    """Return a camera as a function from (N, K, 3) mm to pixels: any place around, any roll, perspective."""
    generator = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64)).Q

    def look(world: Tensor) -> Tensor:
        seen = (world - world.mean((0, 1))) @ turn.T
        return 1200.0 * seen[..., :2] / (seen[..., 2:] + distance)

    return look


def _stand_in(joint: str, named: dict[str, Tensor]) -> str:
    if joint in named:
        return joint
    return "nose" if joint.startswith("face") else f"{joint.split('_', 1)[0]}_wrist"


def _unit(vector: Tensor) -> Tensor:
    return vector / vector.norm(dim=-1, keepdim=True)
