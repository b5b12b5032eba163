"""BVH, the motion of a tree of bones for Blender, Unity and MotionBuilder: one person, bones of constant lengths.

`HIERARCHY` nests joints with their offsets in the rest pose, `MOTION` has a row of channels per frame: the root's
position, and each joint's rotation about Z, X and Y, applied in this order, in degrees. Y points up; in the rest pose
the person looks along Z. The format names no unit: programs take it as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.export.bone_motion import BoneMotion, bone_motion
from poseharvest.export.bone_tree import BoneJoint, Floats
from poseharvest.export.export_options import Blank, check_blank, check_choice, check_frames
from poseharvest.export.exporter import Exporter
from poseharvest.export.trc import Up
from poseharvest.findings import Finding
from poseharvest.units import LengthUnit, mm_per

_CHANNELS = "Zrotation Xrotation Yrotation"
_LOCKED = 1e-7  # sine of the second angle's distance from a right angle, at which the first and third are one turn
_END_SHARE = 0.2  # length of the tip behind the last joint of a chain, of the bone before it


@dataclass(frozen=True)
class BvhOptions:
    """How to write BVH.

    Attributes:
        unit: of positions and bones; most programs expect cm.
        up: the world's axis that points up, turned into Y; "auto" goes by the body and the cameras, "keep" leaves the
            axes alone.
        blank: joints that count as missing, and are filled.
        person: whom to write; None for the only one.
        start: the capture's first frame to write, from 0.
        stop: the frame before which to stop; None is the end of the capture.
        smooth: write positions smoothed over time, with short gaps filled; otherwise those of each frame alone.
    """

    unit: LengthUnit = "cm"
    up: Up = "auto"
    blank: Blank = "unsupported"
    person: int | None = None
    start: int = 0
    stop: int | None = None
    smooth: bool = True

    def __post_init__(self) -> None:
        mm_per(self.unit)
        check_choice("up", self.up, get_args(Up))
        check_blank(self.blank)
        check_frames(self.start, self.stop)

    @property
    def constant_limbs(self) -> bool:
        """Poses are read as they are: bones are made constant here."""
        return False


def write_bvh(harvest: Harvest, path: Path, options: BvhOptions) -> tuple[Finding, ...]:
    """Write one person of the harvest as a BVH file.

    Returns:
        How far the joints lie from the harvest's, filled frames, joints that are left out, and the axis taken as up.

    Raises:
        ConfigError: the person is not in the harvest, there are several and none is chosen, or the joint that the
            others hang from has no position.
    """
    motion = bone_motion(harvest, options, "a BVH file")
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(line + "\n" for line in _hierarchy(motion.tree, mm_per(options.unit)))
        stream.writelines(line + "\n" for line in _motion(motion, mm_per(options.unit)))
    return motion.findings


def _hierarchy(tree: Sequence[BoneJoint], mm_per_unit: float) -> Iterator[str]:
    yield "HIERARCHY"
    depths: list[int] = []
    for number, joint in enumerate(tree):
        depth = 0 if joint.parent < 0 else depths[joint.parent] + 1
        for closed in range(depths[-1] if depths else -1, depth - 1, -1):
            yield "\t" * closed + "}"
        depths.append(depth)
        tab = "\t" * depth
        yield f"{tab}{'ROOT' if joint.parent < 0 else 'JOINT'} {_one_word(joint.name)}"
        yield tab + "{"
        yield f"{tab}\tOFFSET {_numbers(np.array(joint.offset) / mm_per_unit)}"
        position = "6 Xposition Yposition Zposition" if joint.parent < 0 else "3"
        yield f"{tab}\tCHANNELS {position} {_CHANNELS}"
        if number + 1 == len(tree) or tree[number + 1].parent != number:
            yield from _end_site(joint, tab, mm_per_unit)
    for closed in range(depths[-1], -1, -1):
        yield "\t" * closed + "}"


def _end_site(joint: BoneJoint, tab: str, mm_per_unit: float) -> Iterator[str]:
    """Yield the tip of a chain, which shows the direction of its last bone."""
    yield f"{tab}\tEnd Site"
    yield f"{tab}\t{{"
    yield f"{tab}\t\tOFFSET {_numbers(_END_SHARE * np.array(joint.offset) / mm_per_unit)}"
    yield f"{tab}\t}}"


def _motion(motion: BoneMotion, mm_per_unit: float) -> Iterator[str]:
    yield "MOTION"
    yield f"Frames: {len(motion.root)}"
    yield f"Frame Time: {motion.step_s:.9g}"
    angles = _euler_angles(motion.rotations)
    for place, row in zip(motion.root / mm_per_unit, angles, strict=True):
        yield f"{_numbers(place)} {_numbers(row.ravel())}"


def _euler_angles(rotations: Floats) -> Floats:
    """Return (F, N, 3) angles about Z, X, Y, degrees.

    Of the two ways to each rotation it is the one nearer to the frame before, so that programs can interpolate.
    """
    flat = np.hypot(rotations[..., 0, 1], rotations[..., 1, 1]) < _LOCKED
    about_x = np.arcsin(rotations[..., 2, 1].clip(-1, 1))
    about_z = np.arctan2(-rotations[..., 0, 1], rotations[..., 1, 1])
    about_y = np.arctan2(-rotations[..., 2, 0], rotations[..., 2, 2])
    about_z = np.where(flat, np.arctan2(rotations[..., 1, 0], rotations[..., 0, 0]), about_z)
    angles: Floats = np.degrees(np.stack([about_z, about_x, np.where(flat, 0.0, about_y)], -1))
    for frame in range(1, len(angles)):
        before, one = angles[frame - 1], angles[frame]
        other = one + np.array([180, 0, 180])
        other[:, 1] = 180 - one[:, 1]
        ways = np.stack([way - 360 * np.round((way - before) / 360) for way in (one, other)])
        nearer = np.abs(ways - before).sum(-1).argmin(0)
        angles[frame] = np.take_along_axis(ways, nearer[None, :, None], 0)[0]
    return angles


def _numbers(values: Floats) -> str:
    return " ".join(f"{value + 0.0:.6f}" for value in values)


def _one_word(name: str) -> str:
    """Return a name without spaces, at which readers end it."""
    return "_".join(name.split())


EXPORTER = Exporter(
    name="bvh",
    description="a skeleton in motion for Blender, Unity and MotionBuilder: one person, bones of constant lengths",
    options=BvhOptions,
    write=write_bvh,
)
