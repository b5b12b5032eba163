"""A clip of motion capture as a performance: which joint of the file is which point, and the points that it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from poseharvest.errors import CaptureError, ConfigError, FormatError, SkeletonError
from poseharvest.reading.documents import load_toml
from poseharvest.simulation.body import PROPORTIONS
from poseharvest.studio.body_shapes import BodyShape
from poseharvest.studio.bvh import BvhClip, read_bvh
from poseharvest.studio.kinematics import POINTS, Floats
from poseharvest.studio.performance import Stage
from poseharvest.units import LengthUnit, mm_per

_SIDED = {
    "hip": ("UpLeg", "Thigh", "Hip"),
    "knee": ("Leg", "Shin", "LowLeg", "Knee"),
    "ankle": ("Foot", "Ankle"),
    "toe": ("ToeBase", "Toe", "Foot.end", "Ankle.end"),
    "shoulder": ("Arm", "UpArm", "UpperArm", "Shoulder"),
    "elbow": ("ForeArm", "LowArm", "Elbow"),
    "wrist": ("Hand", "Wrist"),
    "hand": ("HandMiddle1", "Hand.end", "Wrist.end"),
}

USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "thorax": ("Neck", "Neck1", "UpperChest"),
    "upper_neck": ("Head",),
    "head_top": ("HeadTop_End", "Head_End", "Head.end"),
} | {
    f"{side}_{point}": tuple(f"{prefix}{name}" for name in names for prefix in (side.capitalize(), side[0]))
    for side in ("left", "right")
    for point, names in _SIDED.items()
}
"""The names that BVH files usually have for a point, the first that a file has counts; case, spaces, underscores and
the prefix `mixamorig:` do not."""

_MAY_LACK = frozenset({"pelvis", "head_top", "left_toe", "right_toe", "left_hand", "right_hand", "spine", "nose"})
_TIME_TOLERANCE_S = 1e-6


@dataclass(frozen=True, eq=False)
class BvhPerformance:
    """A `Performance` read from a BVH file: its middle over the origin, its lowest foot on the floor.

    Attributes:
        body_points: (F, P, 3) as `kinematics.POINTS` orders them, mm.
        frame_s: seconds from frame to frame.
        name: of the file.
        stage: empty: the motion brings no furniture.
    """

    body_points: Floats
    frame_s: float
    name: str
    stage: Stage = field(default_factory=Stage)

    @cached_property
    def lengths_mm(self) -> dict[str, float]:
        """Median lengths of torso and limbs, mm."""
        return {part: self._median(*ends) for part, ends in _ENDS.items()}

    @cached_property
    def shape(self) -> BodyShape:
        """The body, its lengths as measured in the clip; its tissue is an average adult's."""
        stature = sum(self.lengths_mm.values()) / sum(PROPORTIONS[part] for part in _ENDS)
        wide = {
            part: 0.5 * self._median(f"left_{part}", f"right_{part}") / (stature * PROPORTIONS[part])
            for part in ("hip", "shoulder")
        }
        return BodyShape(stature_mm=stature, hips=wide["hip"], shoulders=wide["shoulder"])

    def _median(self, start: str, end: str) -> float:
        apart = self.body_points[:, POINTS.index(start)] - self.body_points[:, POINTS.index(end)]
        return float(np.median(np.linalg.norm(apart, axis=-1)))

    def points(self, times_s: Floats) -> Floats:
        """Return the points (T, P, 3) at times (T,), between frames in a straight line.

        Raises:
            CaptureError: the clip is shorter than the latest time.
        """
        end = (len(self.body_points) - 1) * self.frame_s
        latest = float(np.max(times_s, initial=0.0))
        if latest > end + _TIME_TOLERANCE_S:
            raise CaptureError(f"{self.name}: expected times up to its end at {end:.2f} s, got {latest:.2f} s")
        frame = np.clip(times_s / self.frame_s, 0, len(self.body_points) - 1)
        before = np.floor(frame).astype(int)
        after = np.minimum(before + 1, len(self.body_points) - 1)
        share = (frame - before)[:, None, None]
        return np.asarray((1 - share) * self.body_points[before] + share * self.body_points[after])


_ENDS = {
    "thigh": ("left_hip", "left_knee"),
    "shank": ("left_knee", "left_ankle"),
    "torso": ("pelvis", "thorax"),
    "upper_arm": ("left_shoulder", "left_elbow"),
    "forearm": ("left_elbow", "left_wrist"),
}


def bvh_performance(
    path: str | Path,
    *,
    unit: LengthUnit = "cm",
    up: Literal["y", "z"] = "y",
    names: Mapping[str, str] | None = None,
) -> BvhPerformance:
    """Return the motion of a BVH file for `studio_capture`.

    Args:
        path: the file.
        unit: unit of its lengths, which the file does not state.
        up: axis that points up, which the file does not state either.
        names: the file's joint for some points of `kinematics.POINTS`; the others are found by `USUAL_NAMES`.

    Raises:
        FormatError: the file is not a BVH file, or limbs of its body have no lengths.
        SkeletonError: it lacks a joint that is needed; the message lists its joints.
        ConfigError: `names` names an unknown point, or `up` is neither y nor z.
    """
    path = Path(path)
    clip = read_bvh(path)
    if up not in {"y", "z"}:
        raise ConfigError(f'{path.name}: up: expected y or z, got "{up}"')
    places = {point: mm_per(unit) * place for point, place in _by_point(clip, names or {}, path.name).items()}
    if up == "y":
        places = {point: np.stack((place[:, 0], -place[:, 2], place[:, 1]), -1) for point, place in places.items()}
    points = np.stack([_complete_points(places)[name] for name in POINTS], 1)
    lowest = points[..., 2].min() - _SOLE_MM
    middle = points[:, POINTS.index("pelvis"), :2]
    points = points - np.array((*(0.5 * (middle.min(0) + middle.max(0))), lowest))
    performance = BvhPerformance(points, clip.frame_s, path.name)
    without = [part for part, length in performance.lengths_mm.items() if not 0 < length < np.inf]
    if without:
        raise FormatError(f"{path.name}: expected a body whose limbs have lengths, got none of {', '.join(without)}")
    return performance


_SOLE_MM = 26.0  # of a toe's middle above the floor


def read_bvh_names(path: str | Path) -> dict[str, str]:
    """Return the joint of a BVH file for each point, from a TOML file of lines such as `left_hip = "LThigh"`.

    Raises:
        FormatError: the file cannot be read, is not TOML, or a value is no name.
    """
    path = Path(path)
    table = load_toml(path, where=f"{path}: expected TOML with a joint for each point")
    for point, joint in table.items():
        if not isinstance(joint, str):
            raise FormatError(f'{path}: key "{point}": expected the name of a joint, got {joint!r}')
    return table


def _by_point(clip: BvhClip, names: Mapping[str, str], where: str) -> dict[str, Floats]:
    unknown = sorted(set(names) - set(POINTS))
    if unknown:
        raise ConfigError(f"{where}: names: expected points among {', '.join(POINTS)}, got {', '.join(unknown)}")
    places = clip.positions()
    plain = {_plain(name): place for name, place in places.items()}
    by_point: dict[str, Floats] = {}
    for point in POINTS:
        wanted = (names[point],) if point in names else USUAL_NAMES.get(point, ())
        match = next((plain[_plain(name)] for name in wanted if _plain(name) in plain), None)
        if match is not None:
            by_point[point] = match
        elif point in names or point not in _MAY_LACK:
            raise SkeletonError(
                f"{where}: expected a joint for {point} ({' or '.join(wanted)}), the file has {', '.join(places)}"
            )
    return by_point


def _plain(name: str) -> str:
    return name.lower().removeprefix("mixamorig:").replace("_", "").replace(" ", "").replace(":", "")


def _complete_points(measured: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return all points (F, 3), mm; points that the file lacks are put at their usual places."""
    points = dict(measured)
    hips = 0.5 * (points["left_hip"] + points["right_hip"])
    points.setdefault("pelvis", hips)  # a file's root may be anywhere above the hips, so it is not taken for it
    torso = np.linalg.norm(points["thorax"] - hips, axis=-1, keepdims=True)
    points.setdefault("spine", hips + 0.45 * (points["thorax"] - hips))
    left = points["left_shoulder"] - points["right_shoulder"]
    neck = _unit(points["upper_neck"] - points["thorax"])
    head = torso * PROPORTIONS["head"] / PROPORTIONS["torso"]
    # A file's end of the head says in which direction it points, rarely how tall it is.
    along = _unit(points["head_top"] - points["upper_neck"]) if "head_top" in points else neck
    points["head_top"] = points["upper_neck"] + head * along
    forward = _unit(np.cross(left, along))
    points.setdefault("nose", points["upper_neck"] + head * (0.32 * along + 0.55 * forward))
    for side in ("left", "right"):
        wrist, elbow, ankle = (points[f"{side}_{name}"] for name in ("wrist", "elbow", "ankle"))
        hand = torso * PROPORTIONS["hand"] / PROPORTIONS["torso"]
        towards = points.get(f"{side}_hand", 2 * wrist - elbow) - wrist
        points[f"{side}_hand"] = wrist + hand * _unit(towards)
        foot = torso * PROPORTIONS["foot"] / PROPORTIONS["torso"]
        ahead = np.cross(points["left_hip"] - points["right_hip"], points[f"{side}_knee"] - ankle)
        points[f"{side}_toe"] = ankle + foot * _unit(points.get(f"{side}_toe", ankle + ahead) - ankle)
    return points


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))
