"""Each view against the others: where they expect its peaks, where the peaks lie, and whether a delay explains it.

The joints of a moment are triangulated from the peaks of all other views and projected into the view. What lies
between that projection and the view's own peak is measured in mm at the person's distance. Its median over joints and
moments is near zero for a sound camera, however noisy the peaks are: noise has no direction. A camera that was moved,
turned or confused with another has a direction. A camera that is late has its peaks behind the joints, the farther
the faster they move: the distance along the motion, divided by the speed, is one number for all joints, the delay.

Two views have no third to judge by: both are compared with the points that they give together, and each takes half of
the disagreement.
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
from poseharvest.geometry.pixel_size import pixels_per_mm
from poseharvest.geometry.rig import Rig
from poseharvest.geometry.triangulation import triangulate

MIN_COMPARED = 60
"""Joints times moments below which a view's numbers are NaN: too few to say anything."""

_NUM_REWEIGHTINGS, _LEAST_RESIDUAL_MM = 20, 1.0
_MOVING_MM_S, _JUMPING_MM_S = 150.0, 6000.0  # slower is noise, faster is a peak that jumped to another place


@dataclass(frozen=True)
class ViewCheck:
    """One view against the others.

    Attributes:
        name: the view.
        num: joints times moments that were compared.
        offset_mm: length of the median displacement of its peaks from where the others expect them, the part that
            always goes the same way; NaN if too few were compared.
        delay_s: time by which its peaks are behind the others, negative if they are ahead; NaN if too little moves.
        num_moving: joints times moments that tell the delay.
    """

    name: str
    num: int
    offset_mm: float
    delay_s: float
    num_moving: int


def cross_check_people(rig: Rig, moments: Sequence[SampledMoment]) -> dict[int, tuple[ViewCheck, ...]]:
    """Return how each view agrees with the others about each person of whom enough was seen."""
    people = sorted({moment.person for moment in moments})
    checks = {p: cross_check(rig, [moment for moment in moments if moment.person == p]) for p in people}
    return {p: views for p, views in checks.items() if any(math.isfinite(view.offset_mm) for view in views)}


def about_everybody(people: Sequence[tuple[ViewCheck, ...]]) -> tuple[ViewCheck, ...]:
    """Return, view by view, the smallest offset and delay that anybody shows.

    The fault of a camera shows in everybody. What shows in one person alone is not the camera's.
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
    """Return how each view of the rig agrees with the others in the given moments, whoever is in them."""
    if not moments or len(rig) < 2:
        return tuple(_unknown(name, 0) for name in rig.names)
    still = not any(isinstance(camera, MovingCamera) for camera in rig)
    groups = [tuple(group) for _, group in groupby(moments, key=lambda moment: 0 if still else moment.frame)]
    parts = [_displacements(rig.at(group[0].frame), group) for group in groups]
    displacement, velocity = (torch.cat([part[i] for part in parts], dim=1) for i in (0, 1))
    return tuple(_view_check(name, displacement[v], velocity[v]) for v, name in enumerate(rig.names))


def _displacements(cameras: Sequence[StaticCamera], moments: Sequence[SampledMoment]) -> tuple[Tensor, Tensor]:
    """Return displacements (V, T * J, 2), mm, and velocities alike, mm/s, of moments seen by the same cameras."""
    num_views, num_joints = moments[0].scores.shape
    peaks, velocity = (
        torch.stack([getattr(moment, name) for moment in moments], dim=1).reshape(num_views, -1, 2)
        for name in ("peaks", "velocity")
    )
    scores = torch.stack([moment.scores for moment in moments], dim=1).reshape(num_views, -1).double()
    scale = torch.tensor(
        [[pixels_per_mm(camera, moment.center) for moment in moments] for camera in cameras], dtype=torch.float64
    )
    scale = scale.repeat_interleave(num_joints, dim=1).unsqueeze(-1)
    displaced = torch.stack([_from_the_others(cameras, peaks, scores, view) for view in range(num_views)])
    return displaced / scale, velocity / scale


def _from_the_others(cameras: Sequence[StaticCamera], peaks: Tensor, scores: Tensor, view: int) -> Tensor:
    """Return (N, 2) pixels from where the other views expect the view's peaks to where they lie; NaN if unknown."""
    weights = scores.clone()
    if len(cameras) > 2:
        weights[view] = 0
    found = triangulate(cameras, peaks, weights)
    expected = cameras[view].project(found.points)
    displacement = (peaks[view] - expected.pixels) * (1 if len(cameras) > 2 else 2)
    return torch.where((found.supported & expected.valid).unsqueeze(-1), displacement, torch.nan)


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

    Both at once: somebody who walks one way is displaced one way by a delay alone. By reweighted least squares.
    """
    rows = torch.cat((torch.eye(2, dtype=torch.float64).expand(len(velocity), 2, 2), -velocity.unsqueeze(-1)), -1)
    weights = torch.ones(len(velocity), dtype=torch.float64)
    found = torch.zeros(3, dtype=torch.float64)
    for _ in range(_NUM_REWEIGHTINGS):
        weighted = rows * weights[:, None, None]
        normal = torch.einsum("nij,nik->jk", weighted, rows) + 1e-9 * torch.eye(3, dtype=torch.float64)
        found = torch.linalg.solve(normal, torch.einsum("nij,ni->j", weighted, displacement))
        weights = (displacement - rows @ found).norm(dim=-1).clamp(min=_LEAST_RESIDUAL_MM).reciprocal()
    return found[:2], float(found[2])
