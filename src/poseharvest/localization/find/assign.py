"""Assignment of each view's detections to the people who are already known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import crop_around
from poseharvest.localization.find.pose_memory import PoseMemory
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.limits import CROP_SCALE, MIN_JOINTS, MIN_SIDE_PX
from poseharvest.localization.partial_pose import PartialPose

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
    memory = memory or PoseMemory(len(people[0].known) if people else 0)
    assignment = _assign_by_distance(candidates, cameras, people)
    for _ in range(_NUM_ROUNDS):
        members = [[candidates[i] for i in numbers] for numbers in assignment]
        updated_people = _combine_with_expectation(people, members, cameras, memory)
        again = _assign_by_distance(candidates, cameras, updated_people)
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
    combined = []
    for person, rough in zip(people, memory.triangulate(seen_twice, cameras), strict=True):
        if int(rough.known.sum()) < MIN_JOINTS:
            combined.append(person)
        else:
            points = torch.where(rough.known[:, None], rough.points, person.points)
            combined.append(PartialPose(points, rough.known | person.known))
    return combined


def _assign_by_distance(
    candidates: Sequence[Candidate], cameras: Sequence[StaticCamera], people: Sequence[PartialPose]
) -> list[list[int]]:
    """Return for every person the numbers of the candidates that are assigned to them."""
    numbers: list[list[int]] = [[] for _ in people]
    for view, camera in enumerate(cameras):
        in_view = [i for i, candidate in enumerate(candidates) if candidate.view == view]
        if not in_view or not people:
            continue
        cost = np.stack([_costs(person, [candidates[i] for i in in_view], camera) for person in people])
        for person, column in zip(*linear_sum_assignment(np.minimum(cost, MAX_MISFIT)), strict=True):
            if cost[person, column] < MAX_MISFIT:
                numbers[person].append(in_view[column])
    return numbers


def _costs(person: PartialPose, candidates: Sequence[Candidate], camera: StaticCamera) -> NDArray[np.float64]:
    """Return how badly each candidate fits a person, 0 to 1; 1 where they have too few joints in common."""
    projection = camera.project(person.points)
    return np.asarray(misfits(candidates, projection.pixels, person.known & projection.valid).numpy())


def misfits(candidates: Sequence[Candidate], pixels: Tensor, known: Tensor) -> Tensor:
    """Return how badly each of C detections of one view fits a person, 0 to 1.

    It is the mean over joints of the truncated squared distance.

    Args:
        candidates: one or more.
        pixels: (J, 2) where the person is expected in the picture.
        known: (J,) bool, the joints whose place is known.

    Returns:
        (C,) float64; 1 where they have too few joints in common.
    """
    if int(known.sum()) < MIN_JOINTS:
        return torch.ones(len(candidates), dtype=torch.float64)
    side = crop_around(pixels[known], CROP_SCALE, MIN_SIDE_PX).side
    places, scores = (torch.stack([getattr(c, name) for c in candidates]) for name in ("pixels", "scores"))
    shared = known & (scores > 0)
    distance = torch.linalg.vector_norm(places - pixels, dim=-1) / (_FAR * side)
    truncated = torch.where(shared, distance.square().clamp_max(1), 0)
    mean = truncated.sum(-1) / shared.sum(-1).clamp_min(1)
    return torch.where(shared.sum(-1) >= MIN_JOINTS, mean, 1.0).double()
