"""Which candidates of the views are one person: the hypothesis that the views agree on most, in 3D."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.triangulate import triangulate, triangulate_robust
from poseharvest.localization.scan import Candidate

_AGREEMENT = 0.1  # joint distance over the window's side at which two views no longer agree
_MAX_SEED_CANDIDATES = 20
_MIN_AGREEING_VIEWS = 2
_MIN_GAIN_PER_JOINT = 0.15  # a view whose agreement is less has not seen this person


@dataclass(frozen=True, eq=False)
class RoughPose:
    """A person's joints before the skeleton has spoken.

    Attributes:
        points: (J, 3) world, mm.
        supported: (J,) bool, at least two views agree on the joint.
        doubt: (J,) how far the agreeing views' peaks lie from the projection, over the person's size in the picture
            and the square root of the number of views to spare; infinite where not supported.
    """

    points: Tensor
    supported: Tensor
    doubt: Tensor

    @classmethod
    def nothing(cls, num_joints: int) -> RoughPose:
        """Return the pose of a frame in which no two views agree on anything."""
        return cls(
            torch.zeros((num_joints, 3), dtype=torch.float64),
            torch.zeros(num_joints, dtype=torch.bool),
            torch.full((num_joints,), torch.inf, dtype=torch.float64),
        )


@dataclass(frozen=True, eq=False)
class _Hypothesis:
    gain: float
    members: tuple[Candidate, ...]


def associate(candidates: Sequence[Candidate], cameras: Sequence[StaticCamera]) -> RoughPose | None:
    """Return the person that most views agree on, or None if no two views agree on one.

    Every pair of candidates from two views proposes a pose; each view answers with the candidate that fits it best.
    A person whom one view alone sees, or whom two views see at impossible places, gathers no agreement.

    Args:
        candidates: of all views.
        cameras: V cameras as they stand in this frame.
    """
    strongest = sorted(candidates, key=lambda c: -c.confidence)[:_MAX_SEED_CANDIDATES]
    pairs = [(a, b) for a, b in combinations(strongest, 2) if a.view != b.view]
    hypotheses = [_hypothesis(_intersect(pair, cameras), candidates, cameras) for pair in pairs]
    good = [h for h in hypotheses if len(h.members) >= _MIN_AGREEING_VIEWS]
    if not good:
        return None
    return rough_pose(max(good, key=lambda h: h.gain).members, cameras)


def rough_pose(members: Sequence[Candidate], cameras: Sequence[StaticCamera]) -> RoughPose:
    """Return the robust triangulation of one person's candidates.

    Args:
        members: one or more, at most one a view.
        cameras: V cameras as they stand in this frame.
    """
    return rough_poses([members], [cameras], len(members[0].scores))[0]


def rough_poses(
    members: Sequence[Sequence[Candidate]], cameras: Sequence[Sequence[StaticCamera]], num_joints: int
) -> list[RoughPose]:
    """Return the robust triangulation of one person's candidates in F frames.

    Args:
        members: of each frame, at most one a view; a frame without any gives a pose of which nothing is known.
        cameras: V cameras of each frame. Frames that share them are triangulated together.
        num_joints: J, joints of every candidate.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, (frame, static) in enumerate(zip(members, cameras, strict=True)):
        if frame:
            groups.setdefault(tuple(id(camera) for camera in static), []).append(index)
    poses = [RoughPose.nothing(num_joints) for _ in members]
    for indices in groups.values():
        together = _triangulate_frames([members[i] for i in indices], cameras[indices[0]], num_joints)
        for index, pose in zip(indices, together, strict=True):
            poses[index] = pose
    return poses


def _triangulate_frames(
    members: Sequence[Sequence[Candidate]], cameras: Sequence[StaticCamera], num_joints: int
) -> list[RoughPose]:
    shape = (len(cameras), len(members), num_joints)
    pixels = torch.full((*shape, 2), torch.nan, dtype=torch.float64)
    weights = torch.zeros(shape, dtype=torch.float64)
    sides = torch.full(shape[:2], torch.nan, dtype=torch.float64)
    for index, frame in enumerate(members):
        for member in frame:
            pixels[member.view, index] = member.pixels.double()
            weights[member.view, index] = member.scores.double()
            sides[member.view, index] = member.side
    side = float(sides.nanmedian())
    found = triangulate_robust(cameras, pixels.flatten(1, 2), weights.flatten(1, 2), threshold_px=_AGREEMENT * side)
    num_agreeing = found.inliers.sum(0)
    residual = torch.where(found.inliers & torch.isfinite(found.residual_px), found.residual_px, 0)
    doubt = residual.sum(0) / num_agreeing.clamp_min(1) / side / (num_agreeing - 1).clamp_min(1).sqrt()
    doubt = torch.where(found.supported, doubt, torch.inf)
    points, supported = found.points.reshape(*shape[1:], 3), found.supported.reshape(shape[1:])
    return [RoughPose(*parts) for parts in zip(points, supported, doubt.reshape(shape[1:]), strict=True)]


def _intersect(pair: tuple[Candidate, Candidate], cameras: Sequence[StaticCamera]) -> RoughPose:
    two = [cameras[c.view] for c in pair]
    found = triangulate(two, torch.stack([c.pixels for c in pair]), torch.stack([c.scores for c in pair]))
    return RoughPose(found.points, found.supported, torch.where(found.supported, 0.0, torch.inf).double())


def _hypothesis(pose: RoughPose, candidates: Sequence[Candidate], cameras: Sequence[StaticCamera]) -> _Hypothesis:
    """Let every view choose the candidate that agrees with `pose` most."""
    best: dict[int, tuple[float, Candidate]] = {}
    for candidate in candidates:
        gain = _agreement(pose, candidate, cameras[candidate.view])
        if gain > best.get(candidate.view, (0.0, candidate))[0]:
            best[candidate.view] = (gain, candidate)
    threshold = _MIN_GAIN_PER_JOINT * len(pose.supported)
    chosen = [entry for entry in best.values() if entry[0] >= threshold]
    return _Hypothesis(sum(gain for gain, _ in chosen), tuple(candidate for _, candidate in chosen))


def _agreement(pose: RoughPose, candidate: Candidate, camera: StaticCamera) -> float:
    """Return the sum over joints of peak height times a truncated parabola of the distance to the projection."""
    seen = camera.project(pose.points)
    distance = torch.linalg.vector_norm(seen.pixels - candidate.pixels, dim=-1) / (_AGREEMENT * candidate.side)
    fit = (1 - distance.square()).clamp_min(0)
    usable = pose.supported & seen.valid
    return float((candidate.scores * torch.where(usable, fit, 0)).sum())
