"""One person of a harvest as bones of constant lengths in motion, with Y up: what animation formats write.

A pose has no gap in these formats. A joint without a position is put on the straight line in time between those before
and after, and findings name such frames. What constant bones change is measured and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.bone_tree import BoneJoint, Floats, bone_rotations, bone_tree, posed
from poseharvest.export.constant_limbs import learned_lengths
from poseharvest.export.even_frames import Track, TrackOptions, find_track
from poseharvest.export.markers import markers_of
from poseharvest.export.survey import runs, survey
from poseharvest.export.trajectories import TrajectoryOptions, poses_of, smooth_findings
from poseharvest.export.trc import ROTATIONS, Up
from poseharvest.export.upright import find_up
from poseharvest.findings import Finding
from poseharvest.skeleton.skeleton import Skeleton

_FAR_MM = 30.0


class BoneOptions(TrackOptions, TrajectoryOptions, Protocol):
    """Whom to write, when and how: fields of the options of every animation format."""

    @property
    def up(self) -> Up:
        """The world's axis that points up, turned into Y."""


@dataclass(frozen=True, eq=False)
class BoneMotion:
    """Bones in motion.

    Attributes:
        tree: (N) the joints that bones hang from, parents before children.
        root: (F, 3) places of the root, mm, Y up.
        rotations: (F, N, 3, 3) of each joint relative to its parent.
        step_s: seconds from frame to frame.
        findings: what a person should know of them.
    """

    tree: tuple[BoneJoint, ...]
    root: Floats
    rotations: Floats
    step_s: float
    findings: tuple[Finding, ...]


def bone_motion(harvest: Harvest, options: BoneOptions, file: str) -> BoneMotion:
    """Return one person of a harvest as bones in motion.

    Args:
        harvest: of one person or more.
        options: whom to take, when and how.
        file: what is written, for errors.

    Raises:
        ConfigError: the person is not in the harvest, there are several and none is chosen, or the joint that the
            others hang from has no position.
    """
    track = find_track(harvest, options, file)
    tracks = survey(harvest, track, options, markers_of(harvest.skeleton.joints, "joints"))
    upright = find_up(harvest, tracks.upwards, "y" if options.up == "keep" else options.up)
    points = _points(harvest, track, options, np.array(ROTATIONS["keep" if options.up == "keep" else upright.axis]))
    skeleton = harvest.skeleton
    if np.isnan(points[skeleton.root]).all():
        raise ConfigError(
            f"{file}: expected a position of {skeleton.root}, the joint that all others hang from, in some frame, "
            "got none"
        )
    tree = bone_tree(skeleton, _lengths(points, skeleton, learned_lengths(harvest, track.person)))
    filled = {joint.name: _filled(points[joint.name]) for joint in tree if joint.name in points}
    rotations, root = bone_rotations(tree, filled), filled[skeleton.root]
    findings = (
        _about_bones(posed(tree, rotations, root), points),
        *_about_gaps({name: points[name] for name in filled}, track),
        *_about_missing(skeleton, filled),
        *upright.findings,
        *smooth_findings(harvest, options),
    )
    return BoneMotion(tree, root, rotations, track.step / harvest.info.capture.frame_rate, findings)


def _points(harvest: Harvest, track: Track, options: TrajectoryOptions, up_from_world: Floats) -> dict[str, Floats]:
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
    if known.mean() <= _FAR_MM:
        return Finding("note", "bones", message)
    return Finding("warning", "bones", f"{message}: the harvest's limbs change in length more than a body's do")


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
