"""Comparison of each view with the others: the offset of its heatmap peaks, and its delay.

The joints of a moment are triangulated from the peaks of all other views and projected into the view. The displacement
from this projection to the peak of the view is converted to mm at the distance of the person. Noise has no direction,
so the median displacement of a correct camera is near zero. For a camera that was moved, turned or exchanged with
another one, it is not. The peaks of a late camera are behind the joints, in proportion to their speed. The displacement
along the motion, divided by the speed, is the delay; it is the same for all joints.

With two views, both are compared with the points triangulated from both. Each view gets half of the disagreement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from poseharvest.diagnosis.sampled_moments import SampledMoment
from poseharvest.geometry.camera import MovingCamera, StaticCamera
from poseharvest.geometry.rig import Rig, all_pixels_per_mm
from poseharvest.geometry.triangulation import triangulate

MIN_COMPARED = 60
"""Smallest number of compared joints (over all moments). With fewer, the numbers of a view are NaN."""

_NUM_REWEIGHTINGS, _LEAST_RESIDUAL_MM = 20, 1.0
_MOVING_MM_S, _JUMPING_MM_S = 150.0, 6000.0  # slower motion is noise; a faster peak jumped to another place


@dataclass(frozen=True)
class ViewCheck:
    """The comparison of one view with the others.

    Attributes:
        name: name of the view.
        num: number of compared joints, over all moments.
        offset_mm: length of the constant part of the displacement of its peaks, mm; NaN if too few joints were
            compared.
        delay_s: delay of its peaks, seconds, negative if they are ahead; NaN if too few joints move.
        num_moving: number of joints used for the delay, over all moments.
    """

    name: str
    num: int
    offset_mm: float
    delay_s: float
    num_moving: int


def cross_check_people(rig: Rig, moments: Sequence[SampledMoment]) -> dict[int, tuple[ViewCheck, ...]]:
    """Return the comparison of every view by person, for people with enough visible joints."""
    people = sorted({moment.person for moment in moments})
    checks = {p: cross_check(rig, [moment for moment in moments if moment.person == p]) for p in people}
    return {p: views for p, views in checks.items() if any(math.isfinite(view.offset_mm) for view in views)}


def combine_people(people: Sequence[tuple[ViewCheck, ...]]) -> tuple[ViewCheck, ...]:
    """Return for each view the smallest offset and the smallest delay over all people.

    A fault of a camera is visible in all people. A deviation in one person alone has another cause.
    """
    return tuple(
        ViewCheck(
            name=views[0].name,
            num=sum(view.num for view in views),
            offset_mm=_smallest([view.offset_mm for view in views]),
            delay_s=_smallest([view.delay_s for view in views]),
            num_moving=sum(view.num_moving for view in views),
        )
        for views in zip(*people, strict=True)
    )


def cross_check(rig: Rig, moments: Sequence[SampledMoment]) -> tuple[ViewCheck, ...]:
    """Return the comparison of each view of the rig with the others, over moments of all people."""
    if not moments or len(rig) < 2:
        return tuple(_unknown(name, 0) for name in rig.names)
    still = not any(isinstance(camera, MovingCamera) for camera in rig)
    groups = [tuple(group) for _, group in groupby(moments, key=lambda moment: 0 if still else moment.frame)]
    parts = [_displacements(rig.at(group[0].frame), group) for group in groups]
    displacement, velocity = (torch.cat([part[i] for part in parts], dim=1) for i in (0, 1))
    return tuple(_view_check(name, displacement[v], velocity[v]) for v, name in enumerate(rig.names))


def _displacements(cameras: Sequence[StaticCamera], moments: Sequence[SampledMoment]) -> tuple[Tensor, Tensor]:
    """Return (V, T * J, 2) displacements, mm, and velocities, mm/s, of moments with the same cameras."""
    num_views, num_joints = moments[0].scores.shape
    peaks, velocity = (
        torch.stack([getattr(moment, name) for moment in moments], dim=1).reshape(num_views, -1, 2)
        for name in ("peaks", "velocity")
    )
    scores = torch.stack([moment.scores for moment in moments], dim=1).reshape(num_views, -1).double()
    scale = torch.stack([all_pixels_per_mm(cameras, moment.center) for moment in moments], 1).double()
    scale = scale.repeat_interleave(num_joints, dim=1).unsqueeze(-1)
    displaced = torch.stack([_from_the_others(cameras, peaks, scores, view) for view in range(num_views)])
    return displaced / scale, velocity / scale


def _from_the_others(cameras: Sequence[StaticCamera], peaks: Tensor, scores: Tensor, view: int) -> Tensor:
    """Return (N, 2) displacements, pixels, from the expectation of the other views to the peaks; NaN if unknown."""
    weights = scores.clone()
    if len(cameras) > 2:
        weights[view] = 0
    triangulation = triangulate(cameras, peaks, weights)
    expected = cameras[view].project(triangulation.points)
    displacement = (peaks[view] - expected.pixels) * (1 if len(cameras) > 2 else 2)
    return torch.where((triangulation.supported & expected.valid).unsqueeze(-1), displacement, torch.nan)


def _smallest(values: Sequence[float]) -> float:
    return min((value for value in values if math.isfinite(value)), key=abs, default=float("nan"))


def _unknown(name: str, num: int) -> ViewCheck:
    return ViewCheck(name, num, offset_mm=float("nan"), delay_s=float("nan"), num_moving=0)


def _view_check(name: str, displacement: Tensor, velocity: Tensor) -> ViewCheck:
    known = torch.isfinite(displacement).all(-1)
    displacement, velocity = displacement[known], velocity[known]
    if len(displacement) < MIN_COMPARED:
        return _unknown(name, len(displacement))
    speed = velocity.norm(dim=-1)
    moving = (speed > _MOVING_MM_S) & (speed < _JUMPING_MM_S)
    offset, delay = displacement.median(0).values, float("nan")
    if int(moving.sum()) >= MIN_COMPARED:
        offset, delay = _offset_and_delay(displacement, torch.where(moving[:, None], velocity, 0.0))
    return ViewCheck(
        name=name,
        num=len(displacement),
        offset_mm=float(offset.norm()),
        delay_s=delay,
        num_moving=int(moving.sum()),
    )


def _offset_and_delay(displacement: Tensor, velocity: Tensor) -> tuple[Tensor, float]:
    """Return the offset (2,), mm, and the delay, s, with the least sum of |displacement - offset + delay * velocity|.

    Both are solved together, because a delay alone displaces a walking person in one direction. The method is
    iteratively reweighted least squares.
    """
    rows = torch.cat((torch.eye(2, dtype=torch.float64).expand(len(velocity), 2, 2), -velocity.unsqueeze(-1)), -1)
    weights = torch.ones(len(velocity), dtype=torch.float64)
    solution = torch.zeros(3, dtype=torch.float64)
    for _ in range(_NUM_REWEIGHTINGS):
        weighted = rows * weights[:, None, None]
        normal = torch.einsum("nij,nik->jk", weighted, rows) + 1e-9 * torch.eye(3, dtype=torch.float64)
        solution = torch.linalg.solve(normal, torch.einsum("nij,ni->j", weighted, displacement))
        weights = (displacement - rows @ solution).norm(dim=-1).clamp(min=_LEAST_RESIDUAL_MM).reciprocal()
    return solution[:2], float(solution[2])
