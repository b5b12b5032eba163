"""A skeleton as a tree of bones of constant lengths, and the rotations that bring it to measured poses.

A bone turns with the joint at its start. Where several bones start at a joint, it turns as the rigid body that fits
them best, as a pelvis does with the hips and the spine, and then so that the main one points where it was measured: the
one that continues the chain on the joint's own side of the body. Each other bone gets a joint of its own at the same
place, so that it can point where it was measured too.

Joints do not show how a bone is twisted around itself. It is twisted as its parent: it takes the shortest turn from
where the parent alone would point it. In the rest pose the person stands with the arms to the sides,
Y up and Z forward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from poseharvest.skeleton.hands import FINGER_JOINTS
from poseharvest.skeleton.human import SIDES
from poseharvest.skeleton.skeleton import Skeleton

Floats: TypeAlias = NDArray[np.float64]

_MIDDLE: Final = {"nose": (0.0, 0.6, 0.8)}
_OF_LEFT: Final = {
    **dict.fromkeys(("hip", "shoulder", "elbow", "wrist", "thumb", "index_finger", "pinky"), (1.0, 0.0, 0.0)),
    **dict.fromkeys(FINGER_JOINTS, (1.0, 0.0, 0.0)),
    "thumb_1": (0.6, 0.0, 0.8),
    **dict.fromkeys(("knee", "ankle"), (0.0, -1.0, 0.0)),
    "heel": (0.0, -0.6, -0.8),
    **dict.fromkeys(("big_toe", "small_toe"), (0.0, -0.4, 0.9)),
    **dict.fromkeys(("eye", "eye_inner", "eye_outer"), (0.5, 0.5, -0.7)),
    "ear": (0.7, 0.2, -0.7),
    "mouth": (0.6, -0.7, -0.2),
}
_STIFFNESS: Final = 0.05  # of a joint's rotation to its parent's, against unit vectors to its children


@dataclass(frozen=True)
class BoneJoint:
    """A joint of the tree.

    Attributes:
        name: of the skeleton's joint, or "PARENT_to_CHILD" for one that a single bone starts from.
        parent: place of its parent among the joints, -1 for the root.
        offset: (x, y, z) from its parent in the rest pose, mm.
        children: the skeleton's joints that its rotation is fitted to.
        main: the one of them to which it points exactly; None if there is none.
    """

    name: str
    parent: int
    offset: tuple[float, float, float]
    children: tuple[str, ...]
    main: str | None


def rest_direction(joint: str) -> Floats:
    """Return the unit vector from its parent to a joint in the rest pose; upwards for those that are not known."""
    side, _, part = joint.partition("_")
    mirror = np.array([1.0, 1.0, 1.0])
    if side in SIDES:
        known: Sequence[float] = _OF_LEFT.get(part, (0.0, 1.0, 0.0))
        mirror[0] = 1.0 if side == "left" else -1.0
    else:
        known = _MIDDLE.get(joint, (0.0, 1.0, 0.0))
    direction: Floats = np.array(known) * mirror
    return direction / np.linalg.norm(direction)


def bone_tree(skeleton: Skeleton, lengths_mm: Mapping[str, float]) -> tuple[BoneJoint, ...]:
    """Return the joints of the tree, parents before children; a limb without a length is left out with all beyond it.

    Args:
        skeleton: the tree over the joints.
        lengths_mm: by "parent-child".
    """
    joints: list[BoneJoint] = []

    def add(joint: str, parent: int, offset: Floats) -> None:
        limbs = [limb for limb in skeleton.limbs_from_root if limb.parent == joint and limb.name in lengths_mm]
        main = _main_child(joint, [limb.child for limb in limbs])
        joints.append(BoneJoint(joint, parent, _plain(offset), tuple(limb.child for limb in limbs), main))
        own = len(joints) - 1
        for limb in limbs:
            start = own
            if limb.child != main:
                name = f"{joint}_to_{limb.child}"
                joints.append(BoneJoint(name, own, (0.0, 0.0, 0.0), (limb.child,), limb.child))
                start = len(joints) - 1
            add(limb.child, start, lengths_mm[limb.name] * rest_direction(limb.child))

    add(skeleton.root, -1, np.zeros(3))
    return tuple(joints)


def _main_child(joint: str, children: Sequence[str]) -> str | None:
    """Return the child on the joint's own side, or in the middle with it; an only child wherever it is."""
    if len(children) == 1:
        return children[0]
    own_side = [child for child in children if _side(child) == _side(joint)]
    # A wrist points along the middle of the hand.
    return next((child for child in own_side if child.endswith("_middle_1")), own_side[0] if own_side else None)


def _side(joint: str) -> str:
    side = joint.partition("_")[0]
    return side if side in SIDES else ""


def _plain(offset: Floats) -> tuple[float, float, float]:
    x, y, z = (float(value) + 0.0 for value in offset)
    return x, y, z


def bone_rotations(tree: Sequence[BoneJoint], points: Mapping[str, Floats]) -> Floats:
    """Return (F, N, 3, 3) rotations of the tree's joints relative to their parents.

    Args:
        tree: N joints.
        points: by joint, (F, 3) measured positions with Y up, all known.
    """
    num_frames = len(points[tree[0].name])
    turned = np.empty((len(tree), num_frames, 3, 3))  # from the rest pose to the world
    local = np.empty((num_frames, len(tree), 3, 3))
    origins = [joint.name for joint in tree]
    for number, joint in enumerate(tree):
        is_root = joint.parent < 0
        parent = np.broadcast_to(np.eye(3), (num_frames, 3, 3)) if is_root else turned[joint.parent]
        origin = joint.name if joint.name in points else origins[joint.parent]
        origins[number] = origin
        rest = np.array([rest_direction(child) for child in joint.children]).reshape(-1, 3)
        aims = [_unit(points[child] - points[origin]) for child in joint.children]
        turned[number] = parent
        if len(aims) > 1:
            turned[number] = _rigid_fit(rest, np.stack(aims, 1), parent, follows_time=is_root)
        if joint.main is not None:
            main = joint.children.index(joint.main)
            turned[number] = _shortest_turn(turned[number] @ rest[main], aims[main]) @ turned[number]
        local[:, number] = np.swapaxes(parent, -1, -2) @ turned[number]
    return local


def posed(tree: Sequence[BoneJoint], rotations: Floats, root: Floats) -> dict[str, Floats]:
    """Return the places (F, 3) of all joints of the tree, mm: what a reader of the file makes of it."""
    places: list[Floats] = []
    turned: list[Floats] = []
    for number, joint in enumerate(tree):
        if joint.parent < 0:
            places.append(root)
            turned.append(rotations[:, number])
        else:
            places.append(places[joint.parent] + turned[joint.parent] @ np.array(joint.offset))
            turned.append(turned[joint.parent] @ rotations[:, number])
    return {joint.name: place for joint, place in zip(tree, places, strict=True)}


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(min=1e-9)
    return unit


def _rigid_fit(rest: Floats, aims: Floats, parent: Floats, *, follows_time: bool) -> Floats:
    """Return (F, 3, 3) rotations that bring directions (C, 3) nearest to (F, C, 3), drawn a little to the parent's.

    A root has no parent: it is drawn to its own rotation in the frame before.
    """
    wanted = np.einsum("fca,cb->fab", aims, rest)
    if not follows_time:
        return _nearest_rotation(wanted + _STIFFNESS * parent)
    rotations: Floats = np.empty_like(wanted)
    before = np.eye(3)
    for frame, one in enumerate(wanted):
        before = rotations[frame] = _nearest_rotation(one + _STIFFNESS * before)
    return rotations


def _nearest_rotation(matrix: Floats) -> Floats:
    left, _, right = np.linalg.svd(matrix)
    flip = np.linalg.det(left @ right)
    diagonal = np.ones((*flip.shape, 3))
    diagonal[..., 2] = flip
    nearest: Floats = (left * diagonal[..., None, :]) @ right
    return nearest


def _shortest_turn(start: Floats, end: Floats) -> Floats:
    """Return (F, 3, 3) the smallest rotations from unit vectors to unit vectors (F, 3).

    Between opposite ones, every axis across is as good: the one before in time is taken.
    """
    cross, cosine = np.cross(start, end), (start * end).sum(-1)
    sine = np.linalg.norm(cross, axis=-1)
    axes = cross / sine.clip(min=1e-12)[:, None]
    for frame in np.flatnonzero((sine < 1e-6) & (cosine < 0)):
        guess = axes[frame - 1] if frame else np.eye(3)[np.abs(start[frame]).argmin()]
        across = guess - (guess @ start[frame]) * start[frame]
        if np.linalg.norm(across) < 1e-6:
            across = np.cross(start[frame], np.eye(3)[np.abs(start[frame]).argmin()])
        axes[frame] = across / np.linalg.norm(across)
    return _turn_about(axes, np.arctan2(sine, cosine))


def _turn_about(axes: Floats, angles: Floats) -> Floats:
    """Return (F, 3, 3) rotations about unit axes by angles, radians (Rodrigues' formula)."""
    x, y, z = axes.T
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    sine, cosine = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    turn: Floats = np.eye(3) + sine * skew + (1 - cosine) * skew @ skew
    return turn
