"""Which axis of the world points up, as the person stands and as the cameras were held."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.annotations.reader import Harvest
from poseharvest.findings import Finding
from poseharvest.geometry.camera import Camera

AXES: Final = {
    "x": (1.0, 0.0, 0.0),
    "-x": (-1.0, 0.0, 0.0),
    "y": (0.0, 1.0, 0.0),
    "-y": (0.0, -1.0, 0.0),
    "z": (0.0, 0.0, 1.0),
    "-z": (0.0, 0.0, -1.0),
}
"""The axes of the world, by name."""

_LIES_FROM_DEG = 60.0
_UNSURE_FROM_DEG = 30.0
_AS_ONE = 0.5  # mean length of the unit vectors below which the body has no common direction
_HELD_AS_ONE = 0.8  # the same for cameras; those that stand on a half circle on their sides reach 0.64


@dataclass(frozen=True)
class Upright:
    """The axis that is taken as up, and what a person should know of that choice."""

    axis: str
    findings: tuple[Finding, ...]


def find_up(harvest: Harvest, upwards: NDArray[np.float64] | None, up: str) -> Upright:
    """Return the axis that is taken as up.

    Args:
        harvest: with its cameras.
        upwards: (3,) mean of unit vectors from the legs to the head; None if not known.
        up: the axis that was chosen, or "auto".
    """
    if up != "auto":
        return Upright(up, _posture_findings(upwards, up))
    return guess_up(upwards, _camera_direction(harvest))


def guess_up(body: NDArray[np.float64] | None, cameras: NDArray[np.float64] | None) -> Upright:
    """Return the axis nearest to the body, or to the cameras where they clearly say otherwise.

    Args:
        body: (3,) mean of unit vectors from the legs to the head; None if not known.
        cameras: (3,) mean of unit vectors from the bottom to the top of the cameras' pictures; None if not known.
    """
    standing = _common(body, _AS_ONE)
    held = _common(cameras, _HELD_AS_ONE)
    if standing is None and held is None:
        message = "which way is up can be told neither from the body nor from the cameras: z is taken as up; give --up"
        return Upright("z", (Finding("warning", "axes", message),))
    if standing is None or (held is not None and _nearest(standing) != _nearest(held) and _off(standing, held) > 45):
        assert held is not None
        axis = _nearest(held)
        why = "the body shows no direction" if standing is None else f"the person lies along {_nearest(standing)}"
        message = f"{axis} is taken as up, the top of the cameras' pictures, but {why}: give --up if that is wrong"
        return Upright(axis, (Finding("warning", "axes", message),))
    axis = _nearest(standing)
    angle = _off(standing, np.array(AXES[axis]))
    if angle > _UNSURE_FROM_DEG:
        message = f"{axis} is taken as up, but from the legs to the head it is {angle:.0f} degrees off: give --up"
        return Upright(axis, (Finding("warning", "axes", f"{message} if that is wrong"),))
    message = f"{axis} is taken as up, as the person stands ({angle:.0f} degrees off): --up chooses another axis"
    return Upright(axis, (Finding("note", "axes", message),))


def _posture_findings(upwards: NDArray[np.float64] | None, up: str) -> tuple[Finding, ...]:
    """Return a warning if the person does not stand along the axis that is taken as up."""
    direction = _common(upwards, _AS_ONE)
    if direction is None or (angle := _off(direction, np.array(AXES[up]))) < _LIES_FROM_DEG:
        return ()
    message = (
        f"the person lies: from the legs to the head it is {angle:.0f} degrees off {up}, the world's axis "
        f"that is taken as up; unless people lie here, give --up {_nearest(direction)} "
        "(a world that is a camera's has -y up)"
    )
    return (Finding("warning", "axes", message),)


def _camera_direction(harvest: Harvest) -> NDArray[np.float64] | None:
    """Return the mean of the directions to the top of the pictures; None without a perspective camera."""
    frames = harvest.rig.at(0)
    ups = [-camera.rotation[1] for camera in frames if isinstance(camera, Camera)]
    return torch.stack(ups).mean(0).numpy() if ups else None


def _common(mean: NDArray[np.float64] | None, least: float) -> NDArray[np.float64] | None:
    """Return the direction of a mean of unit vectors; None if they have no common one."""
    if mean is None or (length := float(np.linalg.norm(mean))) < least:
        return None
    direction: NDArray[np.float64] = mean / length
    return direction


def _nearest(direction: NDArray[np.float64]) -> str:
    return max(AXES, key=lambda name: float(direction @ np.array(AXES[name])))


def _off(direction: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return math.degrees(math.acos(float(np.clip(direction @ other, -1, 1))))
