"""Which candidates of different views are the same person: those that agree most on one pose in 3D."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median_low

import torch

from poseharvest.geometry.camera import Projection, StaticCamera
from poseharvest.geometry.rig import project_all
from poseharvest.geometry.triangulation import triangulate, triangulate_robust
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.sighting import PartialPose, TriangulatedPose

_AGREEMENT = 0.1  # joint distance over the window's side at which two views no longer agree
_MAX_SEED_CANDIDATES = 20
_MIN_AGREEING_VIEWS = 2
_MIN_GAIN_PER_JOINT = 0.15  # a view whose agreement is less has not seen this person
_MIN_GAIN_OF_SCORES = 0.4  # the same for a half hidden person, as a share of the candidate's scores


def group_candidates(
    candidates: Sequence[Candidate],
    cameras: Sequence[StaticCamera],
    *,
    max_groups: int | None = None,
    can_be_person: Callable[[Sequence[Candidate]], bool] | None = None,
) -> list[tuple[Candidate, ...]]:
    """Return the candidates of each person, at most one a view; the person with most agreement first.

    Every pair of candidates from two views gives a hypothesis: the pose triangulated from the pair. Each view adds the
    candidate that fits the hypothesis best. The hypothesis with most agreement takes its candidates, and the next one
    is chosen from the remaining candidates. So all members of a group agree with one pose in space. A person seen by
    one view only, or by two views at places that contradict each other, forms no group.

    Args:
        candidates: of all views.
        cameras: V cameras as they stand in this frame.
        max_groups: largest number of groups; all if None.
        can_be_person: returns whether a group can be a person. If it is given, half hidden people form groups too.
            Without it, two views must agree on a good part of the skeleton.
    """
    strongest = sorted(range(len(candidates)), key=lambda i: -candidates[i].confidence)[:_MAX_SEED_CANDIDATES]
    pairs = [(a, b) for a, b in combinations(strongest, 2) if candidates[a].view != candidates[b].view]
    if not pairs:
        return []
    poses = _triangulate_pairs(candidates, pairs, cameras)
    gains = _sum_agreements(candidates, project_poses(poses, cameras))
    thresholds = [_least_gain(candidate, half_hidden=can_be_person is not None) for candidate in candidates]
    free, alive = set(range(len(candidates))), list(range(len(pairs)))
    groups: list[tuple[Candidate, ...]] = []
    while alive and (max_groups is None or len(groups) < max_groups):
        hypotheses = [_choose_members(gains[i], candidates, free, thresholds) for i in alive]
        place = max(range(len(alive)), key=lambda i: hypotheses[i].gain)
        best = hypotheses[place]
        if len(best.members) < _MIN_AGREEING_VIEWS:
            break
        members = tuple(candidates[i] for i in best.members)
        if can_be_person is not None and not can_be_person(members):
            del alive[place]
            continue
        groups.append(members)
        free -= set(best.members)
        alive = [i for i in alive if free.issuperset(pairs[i])]
    return groups


def view_agreements(members: Sequence[Candidate], projection: Projection) -> list[float]:
    """Return how much each view shows of a person at a given pose, 0 to 1, the largest value first.

    It is the mean over all joints of the peak's height times a weight. The weight falls with the distance from the
    pose's projection and is 0 from a tenth of the window's side on. Unlike the number of joints on which two views
    agree, this value is small where views agree by chance on low peaks.

    Args:
        members: the views' candidates for the person, at most one a view.
        projection: of the pose into V views (`project_poses`), (V, 1, J).

    Returns:
        One value a view, sorted; 0 for a view without a member.
    """
    gains = _sum_agreements(members, projection)[0] if members else []
    visibility = [gain / projection.valid.shape[-1] for gain in gains]
    return sorted([*visibility, *[0.0] * (len(projection.valid) - len(members))], reverse=True)


def project_poses(poses: Sequence[PartialPose], cameras: Sequence[StaticCamera]) -> Projection:
    """Return the joints of P poses, one or more, in V views: pixels (V, P, J, 2), valid (V, P, J) where also known."""
    projection = project_all(cameras, torch.stack([pose.points for pose in poses]))
    return Projection(projection.pixels, projection.valid & torch.stack([pose.known for pose in poses]))


def triangulate_pose(members: Sequence[Candidate], cameras: Sequence[StaticCamera]) -> TriangulatedPose:
    """Return the robust triangulation of one person's candidates.

    Args:
        members: one or more, at most one a view.
        cameras: V cameras as they stand in this frame.
    """
    return triangulate_poses([members], [cameras], len(members[0].scores))[0]


def triangulate_poses(
    members: Sequence[Sequence[Candidate]], cameras: Sequence[Sequence[StaticCamera]], num_joints: int
) -> list[TriangulatedPose]:
    """Return the robust triangulation of one person's candidates in F frames.

    Args:
        members: the candidates of each frame, at most one a view. A frame without any gives a pose with no known joint.
        cameras: V cameras of each frame. Frames with the same cameras are triangulated together.
        num_joints: J, joints of every candidate.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, (frame, static) in enumerate(zip(members, cameras, strict=True)):
        if frame:
            groups.setdefault(tuple(id(camera) for camera in static), []).append(index)
    poses: dict[int, TriangulatedPose] = {}
    for indices in groups.values():
        frames = [members[i] for i in indices]
        sides = [shared_side(frames)] * len(frames)
        together = triangulate_together(frames, sides, cameras[indices[0]], num_joints)
        poses |= zip(indices, together, strict=True)
    return [poses[i] if i in poses else TriangulatedPose.nothing(num_joints) for i in range(len(members))]


def shared_side(people: Sequence[Sequence[Candidate]]) -> float:
    """Return the median side of the windows of some candidates, pixels: the lower one of the two in the middle."""
    return median_low(member.side for members in people for member in members)


def triangulate_together(
    people: Sequence[Sequence[Candidate]],
    sides: Sequence[float],
    cameras: Sequence[StaticCamera],
    num_joints: int,
) -> list[TriangulatedPose]:
    """Return the robust triangulation of P people, each one as if it were triangulated alone.

    Args:
        people: the candidates of each, one or more, at most one a view.
        sides: side of the windows of each, pixels, which sets how near to each other the views must be.
        cameras: V cameras.
        num_joints: J, joints of every candidate.
    """
    shape = (len(cameras), len(people), num_joints)
    pixels = torch.full((*shape, 2), torch.nan, dtype=torch.float64)
    weights = torch.zeros(shape, dtype=torch.float64)
    for index, members in enumerate(people):
        for member in members:
            pixels[member.view, index] = member.pixels.double()
            weights[member.view, index] = member.scores.double()
    side = torch.tensor(sides, dtype=torch.float64).repeat_interleave(num_joints)
    triangulation = triangulate_robust(
        cameras, pixels.flatten(1, 2), weights.flatten(1, 2), threshold_px=_AGREEMENT * side
    )
    num_agreeing = triangulation.inliers.sum(0)
    residual = torch.where(
        triangulation.inliers & torch.isfinite(triangulation.residual_px), triangulation.residual_px, 0
    )
    doubt = residual.sum(0) / num_agreeing.clamp_min(1) / side / (num_agreeing - 1).clamp_min(1).sqrt()
    doubt = torch.where(triangulation.supported, doubt, torch.inf)
    points, supported = triangulation.points.reshape(*shape[1:], 3), triangulation.supported.reshape(shape[1:])
    return [TriangulatedPose(*parts) for parts in zip(points, supported, doubt.reshape(shape[1:]), strict=True)]


def _triangulate_pairs(
    candidates: Sequence[Candidate], pairs: Sequence[tuple[int, int]], cameras: Sequence[StaticCamera]
) -> list[TriangulatedPose]:
    """Return the pose of each pair of candidates; pairs of the same two views are triangulated together."""
    by_views: dict[tuple[int, int], list[int]] = {}
    for number, (a, b) in enumerate(pairs):
        by_views.setdefault((candidates[a].view, candidates[b].view), []).append(number)
    poses: dict[int, TriangulatedPose] = {}
    for views, numbers in by_views.items():
        ends = [[candidates[pairs[number][end]] for number in numbers] for end in (0, 1)]
        pixels = torch.stack([torch.cat([one.pixels for one in end]) for end in ends])
        scores = torch.stack([torch.cat([one.scores for one in end]) for end in ends])
        triangulation = triangulate([cameras[view] for view in views], pixels, scores)
        points = triangulation.points.reshape(len(numbers), -1, 3)
        supported = triangulation.supported.reshape(len(numbers), -1)
        doubt = torch.where(supported, 0.0, torch.inf).double()
        poses |= {n: TriangulatedPose(*of_pair) for n, *of_pair in zip(numbers, points, supported, doubt, strict=True)}
    return [poses[number] for number in range(len(pairs))]


@dataclass(frozen=True)
class _Hypothesis:
    gain: float
    members: tuple[int, ...]


def _least_gain(candidate: Candidate, *, half_hidden: bool) -> float:
    """Return the smallest agreement with which a view counts as seeing the person of a pose."""
    whole = _MIN_GAIN_PER_JOINT * len(candidate.scores)
    return min(whole, _MIN_GAIN_OF_SCORES * float(candidate.scores.sum())) if half_hidden else whole


def _choose_members(
    gains: Sequence[float], candidates: Sequence[Candidate], free: set[int], thresholds: Sequence[float]
) -> _Hypothesis:
    """Return each view's free candidate that agrees most with a pose; the gain is 0 if fewer than two views agree."""
    best: dict[int, int] = {}
    for i in sorted(free):
        view = candidates[i].view
        if gains[i] >= thresholds[i] and (view not in best or gains[i] > gains[best[view]]):
            best[view] = i
    enough = len(best) >= _MIN_AGREEING_VIEWS
    return _Hypothesis(sum(gains[i] for i in best.values()) if enough else 0.0, tuple(best.values()))


def _sum_agreements(candidates: Sequence[Candidate], projection: Projection) -> list[list[float]]:
    """Return for P poses and C candidates how well they agree, [P][C].

    It is the sum over joints of peak height times a truncated parabola of the distance to the projection (V, P, J).
    """
    views = [candidate.view for candidate in candidates]
    places, scores = (torch.stack([getattr(c, name) for c in candidates]) for name in ("pixels", "scores"))
    reach = torch.tensor([_AGREEMENT * candidate.side for candidate in candidates], dtype=torch.float64)
    distance = torch.linalg.vector_norm(projection.pixels[views] - places[:, None], dim=-1) / reach[:, None, None]
    fit = torch.where(projection.valid[views], (1 - distance.square()).clamp_min(0), 0)
    gains: list[list[float]] = (scores[:, None] * fit).sum(-1).T.tolist()
    return gains
