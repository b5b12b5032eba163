"""Which detection of each view is which of the people who are already known."""

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
from poseharvest.localization.find.match_views import triangulated_pose
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.limits import CROP_SCALE, MIN_JOINTS, MIN_SIDE_PX
from poseharvest.localization.partial_pose import PartialPose, TriangulatedPose

MAX_MISFIT = 0.5
"""Misfit from which a detection is nobody's; 1 is nothing in common."""

_FAR = 0.15  # joint distance over the window's side from which it does not matter how far
_NUM_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Assignment:
    """Detections shared out.

    Attributes:
        members: of every person, at most one a view.
        left: those that are nobody's.
    """

    members: tuple[tuple[Candidate, ...], ...]
    left: tuple[Candidate, ...]


def assign(
    candidates: Sequence[Candidate], cameras: Sequence[StaticCamera], people: Sequence[PartialPose]
) -> Assignment:
    """Share the detections out among people, at most one a person and view.

    In every view the sum of distances to the projections is the least (the Hungarian method). Views that then disagree
    in space are outvoted: each person is triangulated robustly from what it got, and the detections are shared out
    again by the projections of that, until nothing changes.

    Args:
        candidates: of all views.
        cameras: V cameras as they stand in this frame.
        people: where they are expected by their motion.
    """
    found = _share_out(candidates, cameras, people)
    for _ in range(_NUM_ROUNDS):
        seen = [_seen(person, [candidates[i] for i in got], cameras) for person, got in zip(people, found, strict=True)]
        again = _share_out(candidates, cameras, seen)
        if again == found:
            break
        found = again
    members = tuple(tuple(candidates[i] for i in got) for got in found)
    taken = {i for got in found for i in got}
    return Assignment(members, tuple(c for i, c in enumerate(candidates) if i not in taken))


def _seen(person: PartialPose, members: Sequence[Candidate], cameras: Sequence[StaticCamera]) -> PartialPose:
    """Return the person where the views agree, and as expected elsewhere."""
    if len(members) < 2:
        return person
    rough: TriangulatedPose = triangulated_pose(members, cameras)
    if int(rough.known.sum()) < MIN_JOINTS:
        return person
    points = torch.where(rough.known[:, None], rough.points, person.points)
    return PartialPose(points, rough.known | person.known)


def _share_out(
    candidates: Sequence[Candidate], cameras: Sequence[StaticCamera], people: Sequence[PartialPose]
) -> list[list[int]]:
    """Return for every person the numbers of the candidates that are theirs."""
    got: list[list[int]] = [[] for _ in people]
    for view, camera in enumerate(cameras):
        held = [i for i, candidate in enumerate(candidates) if candidate.view == view]
        if not held or not people:
            continue
        cost = np.stack([_costs(person, [candidates[i] for i in held], camera) for person in people])
        for person, column in zip(*linear_sum_assignment(np.minimum(cost, MAX_MISFIT)), strict=True):
            if cost[person, column] < MAX_MISFIT:
                got[person].append(held[column])
    return got


def _costs(person: PartialPose, candidates: Sequence[Candidate], camera: StaticCamera) -> NDArray[np.float64]:
    """Return how badly each candidate fits a person, 0 to 1; 1 where they have too few joints in common to say."""
    seen = camera.project(person.points)
    return np.asarray(misfits(candidates, seen.pixels, person.known & seen.valid).numpy())


def misfits(candidates: Sequence[Candidate], pixels: Tensor, known: Tensor) -> Tensor:
    """Return how badly each of C detections of one view fits a person, 0 to 1.

    It is the mean over joints of the squared distance, truncated where it does not matter how far.

    Args:
        candidates: one or more.
        pixels: (J, 2) where the person is expected in the picture.
        known: (J,) bool, the joints of which that is known.

    Returns:
        (C,) float64; 1 where they have too few joints in common to say.
    """
    if int(known.sum()) < MIN_JOINTS:
        return torch.ones(len(candidates), dtype=torch.float64)
    side = crop_around(pixels[known], CROP_SCALE, MIN_SIDE_PX).side
    found, scores = (torch.stack([getattr(c, name) for c in candidates]) for name in ("pixels", "scores"))
    shared = known & (scores > 0)
    distance = torch.linalg.vector_norm(found - pixels, dim=-1) / (_FAR * side)
    truncated = torch.where(shared, distance.square().clamp_max(1), 0)
    mean = truncated.sum(-1) / shared.sum(-1).clamp_min(1)
    return torch.where(shared.sum(-1) >= MIN_JOINTS, mean, 1.0).double()
