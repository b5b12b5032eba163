"""The markers of a file: the joints themselves, or those that Pose2Sim's OpenSim models know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import torch

from poseharvest.errors import ConfigError
from poseharvest.export.trajectories import Pose
from poseharvest.findings import Finding

MarkerNames: TypeAlias = Literal["joints", "pose2sim"]
"""How markers are called: as the joints are, or as Pose2Sim's marker sets call them."""

_SIDES: Final = {"right": "R", "left": "L"}
_PARTS: Final = {
    "hip": "Hip",
    "knee": "Knee",
    "ankle": "Ankle",
    "big_toe": "BigToe",
    "small_toe": "SmallToe",
    "heel": "Heel",
    "shoulder": "Shoulder",
    "elbow": "Elbow",
    "wrist": "Wrist",
}

POSE2SIM: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "Hip": (("pelvis",),),
    **{f"{s}{p}": ((f"{side}_{part}",),) for side, s in _SIDES.items() for part, p in _PARTS.items()},
    "Neck": (("upper_neck",), ("neck_base",), ("thorax",), ("left_shoulder", "right_shoulder")),
    "Head": (("head_top",),),
    "Nose": (("nose",),),
}
"""For every marker of Pose2Sim's sets the joints that it may be the middle of, the best first."""


@dataclass(frozen=True)
class Marker:
    """A marker of the file: the middle of some joints, mostly of one."""

    name: str
    joints: tuple[str, ...]


def markers_of(joints: Sequence[str], naming: MarkerNames) -> tuple[Marker, ...]:
    """Return the markers that are written of some joints.

    Raises:
        ConfigError: none of the joints has a marker of that naming.
    """
    if naming == "joints":
        return tuple(Marker(joint, (joint,)) for joint in joints)
    found = {
        name: next((choice for choice in choices if {*choice} <= {*joints}), None) for name, choices in POSE2SIM.items()
    }
    markers = tuple(Marker(name, choice) for name, choice in found.items() if choice is not None)
    if not markers:
        raise ConfigError(
            f"markers: expected joints that Pose2Sim's marker sets know, such as right_knee, got {', '.join(joints)}: "
            "write them under their own names with --markers joints"
        )
    return markers


def at_markers(pose: Pose, joints: Sequence[str], markers: Sequence[Marker]) -> Pose:
    """Return a pose of joints as a pose of markers: (M, 3) positions, their sigmas, and which are shown."""
    weights = torch.zeros(len(markers), len(joints), dtype=pose.points.dtype)
    for row, marker in enumerate(markers):
        for joint in marker.joints:
            weights[row, joints.index(joint)] = 1 / len(marker.joints)
    hidden = ~pose.shown
    shown = (weights.bool() & hidden).sum(1) == 0
    points = torch.where(hidden[:, None], 0.0, pose.points)
    variance = torch.where(hidden, 0.0, pose.sigma_mm.square())
    return replace(pose, points=weights @ points, sigma_mm=(weights.square() @ variance).sqrt(), shown=shown)


def name_findings(joints: Sequence[str], naming: MarkerNames) -> tuple[Finding, ...]:
    """Return what OpenSim makes of the markers' names, and which joints have no marker."""
    if naming == "joints":
        some = ", ".join(joints[:3]) + (", ..." if len(joints) > 3 else "")
        message = (
            f"markers are called as the joints are ({some}): OpenSim's inverse kinematics takes "
            "those whose names the model's marker set has, and crashes without a word where it has none of them; "
            "--markers pose2sim writes the names of Pose2Sim's marker sets"
        )
        return (Finding("note", "markers", message),)
    used = {joint for marker in markers_of(joints, naming) for joint in marker.joints}
    unused = [joint for joint in joints if joint not in used]
    if not unused:
        return ()
    return (Finding("note", "markers", f"Pose2Sim's marker sets have no marker for {', '.join(unused)}: not written"),)
