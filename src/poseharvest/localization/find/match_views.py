"""Which candidates of the views are one person: the hypothesis that the views agree on most, in 3D."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch

from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.triangulation import triangulate, triangulate_robust
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.partial_pose import TriangulatedPose

_AGREEMENT = 0.1  # joint distance over the window's side at which two views no longer agree
_MAX_SEED_CANDIDATES = 20
_MIN_AGREEING_VIEWS = 2
_MIN_GAIN_PER_JOINT = 0.15  # a view whose agreement is less has not seen this person
_MIN_GAIN_OF_SHOWN = 0.4  # likewise of what a view shows of somebody who is half hidden


def group(
    candidates: Sequence[Candidate],
    cameras: Sequence[StaticCamera],
    *,
    most: int | None = None,
    accepts: Callable[[Sequence[Candidate]], bool] | None = None,
) -> list[tuple[Candidate, ...]]:
    """Return the candidates of each person, at most one a view; those on whom most views agree first.

    Every pair of candidates from two views proposes a pose; each view answers with the candidate that fits it best.
    The proposal that gathers most agreement takes its candidates, the next one has what is left: all members of a group
    agree with one pose in space, so that no circle of views can contradict itself. A person whom one view alone sees,
    or whom two views see at impossible places, gathers no agreement.

    Args:
        candidates: of all views.
        cameras: V cameras as they stand in this frame.
        most: groups wanted; all if None.
        accepts: says whether a group can be a person; those who are half hidden are then groups too. Without it, two
            views must agree on a good part of the skeleton.
    """
    strongest = sorted(range(len(candidates)), key=lambda i: -candidates[i].confidence)[:_MAX_SEED_CANDIDATES]
    pairs = [(a, b) for a, b in combinations(strongest, 2) if candidates[a].view != candidates[b].view]
    if not pairs:
        return []
    gains = _gains(_intersections(candidates, pairs, cameras), candidates, cameras)
    thresholds = [_least_gain(candidate, half_hidden=accepts is not None) for candidate in candidates]
    free, alive = set(range(len(candidates))), list(range(len(pairs)))
    groups: list[tuple[Candidate, ...]] = []
    while alive and (most is None or len(groups) < most):
        answers = [_answers(gains[i], candidates, free, thresholds) for i in alive]
        place = max(range(len(alive)), key=lambda i: answers[i].gain)
        best = answers[place]
        if len(best.members) < _MIN_AGREEING_VIEWS:
            break
        members = tuple(candidates[i] for i in best.members)
        if accepts is not None and not accepts(members):
            del alive[place]
            continue
        groups.append(members)
        free -= set(best.members)
        alive = [i for i in alive if free.issuperset(pairs[i])]
    return groups


def agreements(pose: TriangulatedPose, members: Sequence[Candidate], cameras: Sequence[StaticCamera]) -> list[float]:
    """Return how much of a person each view shows where the pose says they are, 0 to 1, the most first.

    It is the mean height of the view's peaks over all joints, each weighing less the farther it lies from the pose's
    projection, and nothing from a tenth of the window on. Unlike the number of joints on which two views agree, it is
    small where views agree by chance on peaks that hardly rise.

    Args:
        pose: where the person is.
        members: what the views see, one a view.
        cameras: V cameras as they stand in this frame.

    Returns:
        One a camera; 0 for a view without a member.
    """
    gains = _gains([pose], members, cameras)[0] if members else []
    shown = [gain / len(pose.known) for gain in gains]
    return sorted([*shown, *[0.0] * (len(cameras) - len(members))], reverse=True)


def triangulated_pose(members: Sequence[Candidate], cameras: Sequence[StaticCamera]) -> TriangulatedPose:
    """Return the robust triangulation of one person's candidates.

    Args:
        members: one or more, at most one a view.
        cameras: V cameras as they stand in this frame.
    """
    return triangulated_poses([members], [cameras], len(members[0].scores))[0]


def triangulated_poses(
    members: Sequence[Sequence[Candidate]], cameras: Sequence[Sequence[StaticCamera]], num_joints: int
) -> list[TriangulatedPose]:
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
    poses = [TriangulatedPose.nothing(num_joints) for _ in members]
    for indices in groups.values():
        together = _triangulate_frames([members[i] for i in indices], cameras[indices[0]], num_joints)
        for index, pose in zip(indices, together, strict=True):
            poses[index] = pose
    return poses


def _triangulate_frames(
    members: Sequence[Sequence[Candidate]], cameras: Sequence[StaticCamera], num_joints: int
) -> list[TriangulatedPose]:
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
    return [TriangulatedPose(*parts) for parts in zip(points, supported, doubt.reshape(shape[1:]), strict=True)]


def _intersections(
    candidates: Sequence[Candidate], pairs: Sequence[tuple[int, int]], cameras: Sequence[StaticCamera]
) -> list[TriangulatedPose]:
    """Return the pose that each pair of candidates proposes; pairs of the same two views are triangulated together."""
    by_views: dict[tuple[int, int], list[int]] = {}
    for number, (a, b) in enumerate(pairs):
        by_views.setdefault((candidates[a].view, candidates[b].view), []).append(number)
    poses: dict[int, TriangulatedPose] = {}
    for views, numbers in by_views.items():
        ends = [[candidates[pairs[number][end]] for number in numbers] for end in (0, 1)]
        pixels = torch.stack([torch.cat([one.pixels for one in end]) for end in ends])
        scores = torch.stack([torch.cat([one.scores for one in end]) for end in ends])
        found = triangulate([cameras[view] for view in views], pixels, scores)
        points = found.points.reshape(len(numbers), -1, 3)
        supported = found.supported.reshape(len(numbers), -1)
        doubt = torch.where(supported, 0.0, torch.inf).double()
        poses |= {n: TriangulatedPose(*of_pair) for n, *of_pair in zip(numbers, points, supported, doubt, strict=True)}
    return [poses[number] for number in range(len(pairs))]


@dataclass(frozen=True)
class _Hypothesis:
    gain: float
    members: tuple[int, ...]


def _least_gain(candidate: Candidate, *, half_hidden: bool) -> float:
    """Return the agreement from which a view has seen the person of a pose."""
    whole = _MIN_GAIN_PER_JOINT * len(candidate.scores)
    return min(whole, _MIN_GAIN_OF_SHOWN * float(candidate.scores.sum())) if half_hidden else whole


def _answers(
    gains: Sequence[float], candidates: Sequence[Candidate], free: set[int], thresholds: Sequence[float]
) -> _Hypothesis:
    """Let every view choose the free candidate that agrees with a pose most; no gain where two views do not."""
    best: dict[int, int] = {}
    for i in sorted(free):
        view = candidates[i].view
        if gains[i] >= thresholds[i] and (view not in best or gains[i] > gains[best[view]]):
            best[view] = i
    enough = len(best) >= _MIN_AGREEING_VIEWS
    return _Hypothesis(sum(gains[i] for i in best.values()) if enough else 0.0, tuple(best.values()))


def _gains(
    poses: Sequence[TriangulatedPose], candidates: Sequence[Candidate], cameras: Sequence[StaticCamera]
) -> list[list[float]]:
    """Return for P poses and C candidates how well they agree, [P][C].

    It is the sum over joints of peak height times a truncated parabola of the distance to the projection.
    """
    points = torch.stack([pose.points for pose in poses])
    supported = torch.stack([pose.known for pose in poses])
    columns = []
    for candidate in candidates:
        seen = cameras[candidate.view].project(points)
        distance = torch.linalg.vector_norm(seen.pixels - candidate.pixels, dim=-1) / (_AGREEMENT * candidate.side)
        fit = torch.where(supported & seen.valid, (1 - distance.square()).clamp_min(0), 0)
        columns.append((candidate.scores * fit).sum(-1))
    gains: list[list[float]] = torch.stack(columns, 1).tolist()
    return gains
