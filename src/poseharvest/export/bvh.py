"""BVH, the motion of a tree of bones for Blender, Unity and MotionBuilder: one person, bones of constant lengths.

`HIERARCHY` nests joints with their offsets in the rest pose, `MOTION` has a row of channels per frame: the root's
position, and each joint's rotation about Z, X and Y, applied in this order, in degrees. Y points up; in the rest pose
the person looks along Z. The format names no unit: programs take it as it is.

A pose has no gap in BVH. A joint without a position is put on the straight line in time between those before and after,
and findings name such frames. What constant bones change is measured and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.bone_tree import BoneJoint, Floats, bone_rotations, bone_tree, posed
from poseharvest.export.constant_limbs import learned_lengths
from poseharvest.export.even_frames import Track, find_track
from poseharvest.export.export_options import Blank, check_blank, check_choice, check_frames
from poseharvest.export.exporter import Exporter
from poseharvest.export.markers import markers_of
from poseharvest.export.survey import runs, survey
from poseharvest.export.trajectories import poses_of, smooth_findings
from poseharvest.export.trc import ROTATIONS, Up
from poseharvest.export.upright import find_up
from poseharvest.findings import Finding
from poseharvest.skeleton.skeleton import Skeleton
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
    track = find_track(harvest, options, "a BVH file")
    seen = survey(harvest, track, options, markers_of(harvest.skeleton.joints, "joints"))
    upright = find_up(harvest, seen.upwards, "y" if options.up == "keep" else options.up)
    points = _points(harvest, track, options, np.array(ROTATIONS["keep" if options.up == "keep" else upright.axis]))
    skeleton = harvest.skeleton
    if np.isnan(points[skeleton.root]).all():
        raise ConfigError(
            f"bvh: expected a position of {skeleton.root}, the joint that all others hang from, in some frame, got none"
        )
    lengths = _lengths(points, skeleton, learned_lengths(harvest, track.person))
    tree = bone_tree(skeleton, lengths)
    filled = {joint.name: _filled(points[joint.name]) for joint in tree if joint.name in points}
    rotations = bone_rotations(tree, filled)
    motion = _Motion(filled[skeleton.root], rotations, track.step / harvest.info.capture.frame_rate)
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(line + "\n" for line in _hierarchy(tree, mm_per(options.unit)))
        stream.writelines(line + "\n" for line in _motion(motion, mm_per(options.unit)))
    return (
        _about_bones(posed(tree, rotations, motion.root), points),
        *_about_gaps({name: points[name] for name in filled}, track),
        *_about_missing(skeleton, filled),
        *upright.findings,
        *smooth_findings(harvest, options),
    )


@dataclass(frozen=True, eq=False)
class _Motion:
    """Places of the root (F, 3) mm, rotations (F, N, 3, 3), and seconds from frame to frame."""

    root: Floats
    rotations: Floats
    step_s: float


def _points(harvest: Harvest, track: Track, options: BvhOptions, up_from_world: Floats) -> dict[str, Floats]:
    """Return (F, 3) positions by joint, mm with Y up; NaN where there is none."""
    joints = harvest.skeleton.joints
    points = np.full((len(track.frames), len(joints), 3), np.nan)
    for number, pose in enumerate(poses_of(harvest, track, options)):
        if pose is not None:
            shown = pose.shown.numpy()
            points[number, shown] = pose.points.numpy()[shown] @ up_from_world.T
    return {joint: points[:, number] for number, joint in enumerate(joints)}


def _lengths(points: Mapping[str, Floats], skeleton: Skeleton, learned_mm: Mapping[str, float]) -> dict[str, float]:
    """Return the length of every limb whose ends have positions, the same on both sides of the body.

    It is the median over all frames, to which the joints come nearer than with the learned length, which serves limbs
    whose ends are never seen together.
    """
    medians = {}
    for limb in skeleton.limbs_from_root:
        if any(np.isnan(points[joint]).all() for joint in (limb.parent, limb.child)):
            continue
        measured = np.linalg.norm(points[limb.child] - points[limb.parent], axis=-1)
        known = measured[np.isfinite(measured)]
        length = float(np.median(known)) if len(known) else learned_mm.get(limb.name)
        if length is not None:
            medians[limb] = length
    mirrored = {limb: medians.get(skeleton.mirrored_limb(limb), length) for limb, length in medians.items()}
    return {limb.name: (length + mirrored[limb]) / 2 for limb, length in medians.items()}


def _filled(points: Floats) -> Floats:
    """Return positions in which every frame has one: on the line in time, and at the ends the nearest one."""
    times = np.arange(len(points))
    is_known = np.isfinite(points).all(-1)
    columns = [np.interp(times, times[is_known], points[is_known, axis]) for axis in range(3)]
    return np.stack(columns, -1)


def _about_bones(found: Mapping[str, Floats], points: Mapping[str, Floats]) -> Finding:
    distances = {
        name: np.linalg.norm(found[name] - places, axis=-1) for name, places in points.items() if name in found
    }
    known = np.concatenate([distance[np.isfinite(distance)] for distance in distances.values()])
    worst = max(distances, key=lambda name: float(np.nanmax(np.append(distances[name], -1))))
    message = (
        f"bones have one length in all frames: joints lie {known.mean():.1f} mm from the harvest's on average, "
        f"at most {np.nanmax(distances[worst]):.0f} mm ({worst})"
    )
    return Finding("note", "bones", message)


def _about_gaps(points: Mapping[str, Floats], track: Track) -> tuple[Finding, ...]:
    gaps = {name: np.flatnonzero(np.isnan(places).any(-1)) for name, places in points.items()}
    gaps = {name: missing for name, missing in gaps.items() if len(missing)}
    if not gaps:
        return ()
    frames = sorted({track.frames[number] for missing in gaps.values() for number in missing.tolist()})
    which = "all joints" if len(gaps) == len(points) else ", ".join(gaps)
    message = (
        f"{len(frames)} of {len(track.frames)} frames have joints without a position (from 0: "
        f"{runs(frames, track.step)}; {which}): filled by straight lines in time"
    )
    return (Finding("warning", "gaps", message),)


def _about_missing(skeleton: Skeleton, written: Mapping[str, Floats]) -> tuple[Finding, ...]:
    missing = [joint for joint in skeleton.joints if joint not in written]
    if not missing:
        return ()
    message = f"joints without a position in any frame, or that hang from one: {', '.join(missing)}: left out"
    return (Finding("warning", "joints", message),)


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


def _motion(motion: _Motion, mm_per_unit: float) -> Iterator[str]:
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
