"""What trajectories look like before they are written: frames without a joint, and how the person stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.even_frames import Track
from poseharvest.export.markers import Marker, at_markers
from poseharvest.export.trajectories import TrajectoryOptions, poses_of

_UPPER = ("head", "nose", "neck", "thorax", "shoulder")
_LOWER = ("hip", "pelvis", "knee", "ankle", "foot", "heel", "toe")


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of a track before it is written.

    Attributes:
        shown: (F,) bool, whether any marker is written in each frame of the track.
        upwards: (3,) mean of the body's directions from the hips and legs to the shoulders and the head, unit vectors
            of the world; None if the skeleton or the frames do not show it.
    """

    shown: NDArray[np.bool_]
    upwards: NDArray[np.float64] | None


def survey(harvest: Harvest, track: Track, options: TrajectoryOptions, markers: Sequence[Marker]) -> Survey:
    """Return what a track looks like with some markers, in one pass over the harvest.

    Raises:
        ConfigError: no joint is left to write.
    """
    is_shown, total, count = [], np.zeros(3), 0
    for pose in poses_of(harvest, track, options):
        is_shown.append(pose is not None and bool(at_markers(pose, harvest.skeleton.joints, markers).shown.any()))
        direction = None if pose is None else body_direction(pose.points, pose.shown, harvest.skeleton.joints)
        if direction is not None:
            total += direction
            count += 1
    if not any(is_shown):
        raise ConfigError(
            f"blank: expected a joint of person {track.person} to write, --blank {options.blank} leaves none"
        )
    return Survey(np.array(is_shown), total / count if count else None)


def body_direction(points: Tensor, known: Tensor, joints: Sequence[str]) -> NDArray[np.float64] | None:
    """Return the (3,) unit vector from the hips and legs to the shoulders and the head; None if that is not known.

    Args:
        points: (J, 3) of one pose.
        known: (J,) bool.
        joints: their names.
    """
    upper, lower = (known & _named(joints, words) for words in (_UPPER, _LOWER))
    if not (bool(upper.any()) and bool(lower.any())):
        return None
    direction = points[upper].mean(0) - points[lower].mean(0)
    unit: NDArray[np.float64] = (direction / direction.norm().clamp(min=1e-9)).numpy()
    return unit


def runs(frames: Iterable[int], step: int) -> str:
    """Return frames as text, such as "3-5, 9"; at most five runs."""
    parts: list[list[int]] = []
    for frame in frames:
        if parts and frame - parts[-1][1] == step:
            parts[-1][1] = frame
        else:
            parts.append([frame, frame])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in parts]
    return ", ".join(texts[:5]) + (f" and {len(texts) - 5} more runs" if len(texts) > 5 else "")


def _named(joints: Sequence[str], words: Sequence[str]) -> Tensor:
    """Return (J,) bool: the joints whose name has one of the words in it."""
    return torch.tensor([any(word in joint.lower() for word in words) for joint in joints], dtype=torch.bool)
