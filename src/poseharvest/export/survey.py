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
    upper, lower = (_named(harvest.skeleton.joints, words) for words in (_UPPER, _LOWER))
    is_shown, total, count = [], np.zeros(3), 0
    for pose in poses_of(harvest, track, options):
        joints = torch.zeros_like(upper) if pose is None else pose.shown
        is_shown.append(pose is not None and bool(at_markers(pose, harvest.skeleton.joints, markers).shown.any()))
        if pose is not None and bool((joints & upper).any()) and bool((joints & lower).any()):
            points = pose.points
            direction = points[joints & upper].mean(0) - points[joints & lower].mean(0)
            total += (direction / direction.norm().clamp(min=1e-9)).numpy()
            count += 1
    if not any(is_shown):
        raise ConfigError(
            f"blank: expected a joint of person {track.person} to write, --blank {options.blank} leaves none"
        )
    return Survey(np.array(is_shown), total / count if count else None)


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
