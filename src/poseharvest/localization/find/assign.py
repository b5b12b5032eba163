"""Assignment of each view's detections to the people who are already known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.geometry.camera import Projection, StaticCamera
from poseharvest.localization.find.pose_memory import PoseMemory
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.limits import CROP_SCALE, MIN_JOINTS, MIN_SIDE_PX
from poseharvest.localization.sighting import PartialPose

MAX_MISFIT = 0.5
"""Misfit from which a detection belongs to no known person; 1 means nothing in common."""

_FAR = 0.15  # joint distance over the window's side at which the squared distance is truncated
_NUM_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Assignment:
    """Which detections belong to whom.

    Attributes:
        members: the detections of every person, at most one a view.
        unassigned: detections that belong to no known person.
    """

    members: tuple[tuple[Candidate, ...], ...]
    unassigned: tuple[Candidate, ...]


def assign(
    candidates: Sequence[Candidate],
    cameras: Sequence[StaticCamera],
    people: Sequence[PartialPose],
    memory: PoseMemory | None = None,
) -> Assignment:
    """Return the assignment of detections to people, at most one a person and view.

    In every view the sum of misfits to the projections is minimal (the Hungarian method). Then each person is
    triangulated robustly from the assigned detections, and the detections are assigned again by the projections of the
    new poses, until nothing changes. So a view that disagrees with the others in space is outvoted.

    Args:
        candidates: detections of all views.
        cameras: V cameras as they stand in this frame.
        people: where each person is expected by their motion.
        memory: poses that are triangulated already; it remembers those of the assigned detections too.
    """
    if not people or not candidates:
        return Assignment(((),) * len(people), tuple(candidates))
    memory = memory or PoseMemory(len(people[0].known))
    assignment = _assign_by_cost(candidates, _costs(candidates, memory.project(people, cameras)))
    for _ in range(_NUM_ROUNDS):
        members = [[candidates[i] for i in numbers] for numbers in assignment]
        updated_people = _combine_with_expectation(people, members, cameras, memory)
        again = _assign_by_cost(candidates, _costs(candidates, memory.project(updated_people, cameras)))
        if again == assignment:
            break
        assignment = again
    assigned = {i for numbers in assignment for i in numbers}
    own = tuple(tuple(candidates[i] for i in numbers) for numbers in assignment)
    return Assignment(own, tuple(c for i, c in enumerate(candidates) if i not in assigned))


def _combine_with_expectation(
    people: Sequence[PartialPose],
    members: Sequence[Sequence[Candidate]],
    cameras: Sequence[StaticCamera],
    memory: PoseMemory,
) -> list[PartialPose]:
    """Return the triangulated joints where the views agree, and the expected joints elsewhere."""
    seen_twice = [own if len(own) > 1 else () for own in members]
    combined: list[PartialPose] = []
    for person, rough in zip(people, memory.triangulate(seen_twice, cameras), strict=True):
        if bool(rough.known.all()):
            combined.append(rough)
        elif int(rough.known.sum()) < MIN_JOINTS:
            combined.append(person)
        else:
            points = torch.where(rough.known[:, None], rough.points, person.points)
            combined.append(PartialPose(points, rough.known | person.known))
    return combined


def _assign_by_cost(candidates: Sequence[Candidate], costs: NDArray[np.float64]) -> list[list[int]]:
    """Return for every person the numbers of the candidates that are assigned to them; costs are (P, C)."""
    numbers: list[list[int]] = [[] for _ in costs]
    for view in sorted({candidate.view for candidate in candidates}):
        in_view = [i for i, candidate in enumerate(candidates) if candidate.view == view]
        cost = costs[:, in_view]
        for person, column in _match(np.minimum(cost, MAX_MISFIT)):
            if cost[person, column] < MAX_MISFIT:
                numbers[person].append(in_view[column])
    return numbers


def _match(cost: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the (row, column) pairs of a matrix with the least sum, as many as fit (the Hungarian method)."""
    if 1 in cost.shape:  # one person or one detection, as in most views
        return [divmod(int(cost.argmin()), cost.shape[1])]
    from scipy.optimize import linear_sum_assignment  # takes a quarter of a second to import

    return list(zip(*linear_sum_assignment(cost), strict=True))


def _costs(candidates: Sequence[Candidate], people: Projection) -> NDArray[np.float64]:
    """Return how badly C candidates fit P people, (P, C), 0 to 1; 1 where they have too few joints in common.

    Args:
        candidates: of all views, one or more.
        people: the known joints of the people, (V, P, J), as the views see them.
    """
    views = [candidate.view for candidate in candidates]
    pixels, known = people.pixels.transpose(0, 1)[:, views], people.valid.transpose(0, 1)[:, views]
    return np.asarray(misfits(candidates, pixels, known).numpy())


def misfits(candidates: Sequence[Candidate], pixels: Tensor, known: Tensor) -> Tensor:
    """Return how badly each of C detections fits a person, 0 to 1.

    It is the mean over joints of the truncated squared distance.

    Args:
        candidates: one or more.
        pixels: (J, 2) where the person is expected in the picture, or (..., C, J, 2) for every detection. C may be 1
            for the same place for all of them.
        known: (J,) bool, the joints whose place is known, or (..., C, J).

    Returns:
        (..., C) float64; 1 where they have too few joints in common.
    """
    low, high = (torch.where(known.unsqueeze(-1), pixels, end) for end in (torch.inf, -torch.inf))
    extent = (high.amax(-2) - low.amin(-2)).amax(-1, keepdim=True)
    side = (CROP_SCALE * extent).clamp_min(MIN_SIDE_PX)
    places, scores = (torch.stack([getattr(c, name) for c in candidates]) for name in ("pixels", "scores"))
    shared = known & (scores > 0)
    num_shared = shared.sum(-1)
    distance = torch.linalg.vector_norm(places - pixels, dim=-1) / (_FAR * side)
    truncated = torch.where(shared, distance.square().clamp_max(1), 0)
    mean = truncated.sum(-1) / num_shared.clamp_min(1)
    return torch.where(num_shared >= MIN_JOINTS, mean, 1.0).double()
