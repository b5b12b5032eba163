"""How two cameras stand to each other by the joints of a body that both see: the essential matrix, with a length.

Five points or more that two cameras share give the direction of the one from the other and how it is turned, but no
distance (Nister 2004). The distance follows from the limbs of the body: each has one length for all pairs of cameras.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from poseharvest.people_calibration.joint_sightings import Bools, Floats
from poseharvest.people_calibration.one_body import BodySightings, lengths_of
from poseharvest.rig_calibration.camera_pairs import Pair
from poseharvest.rig_calibration.lenses import Lens

Ints = NDArray[np.int64]

LEAST_SHARED = 100
"""Joints that two cameras must share for a pair, over all moments."""

AGREE_SHARE = 0.025
"""Distance from the epipolar line, over the body's extent in the picture, up to which a joint agrees."""

_PROPOSALS, _PROPOSAL_SHARE, _MOST_POINTS = 16, 0.4, 3000
_OTHER_ANGLE_DEG = 15.0
_NEARLY, _AS_EVEN = 0.95, 1.25  # of the score and the unevenness of limbs of the best pose
_LEAST_LIMBS = 3
_LEAST_LENGTHS = 8


def find_pairs(body: BodySightings, lenses: Sequence[Lens], limbs: Ints, usual_mm: Floats) -> list[Pair]:
    """Return how the cameras of each pair stand to each other, for the pairs that share enough joints.

    Args:
        body: of V views.
        lenses: of V views, given or guessed.
        limbs: (L, 2) joints of each limb.
        usual_mm: (L,) lengths of the limbs, mm: they decide the distance between cameras. NaN where not known.
    """
    planes = [plane_points(lens, pixels) for lens, pixels in zip(lenses, body.pixels, strict=True)]
    pairs = []
    for a, b in combinations(range(len(lenses)), 2):
        pair = _compare((a, b), (planes[a], planes[b]), body, lenses, (limbs, usual_mm))
        if pair is not None:
            pairs.append(pair)
    return pairs


def plane_points(lens: Lens, pixels: Floats) -> Floats:
    """Return the (T, J, 2) undistorted points x / z, y / z of pixels; NaN where there are none."""
    known = np.isfinite(pixels).all(-1)
    plane = np.full(pixels.shape, np.nan)
    if known.any():
        plane[known] = lens.normalized(pixels[known])
    return plane


def _compare(
    views: tuple[int, int],
    planes: tuple[Floats, Floats],
    body: BodySightings,
    lenses: Sequence[Lens],
    lengths: tuple[Ints, Floats],
) -> Pair | None:
    shared = np.asarray(np.isfinite(planes[0]).all(-1) & np.isfinite(planes[1]).all(-1))
    if shared.sum() < LEAST_SHARED:
        return None
    first, second = planes[0][shared], planes[1][shared]
    extents = [body.usual_extents_px[view] / lenses[view].values[0] for view in views]
    tolerance = AGREE_SHARE * float(np.mean(extents))
    moments = np.broadcast_to(np.arange(len(shared))[:, None], shared.shape)[shared]
    proposals = _proposals(first, second, moments, tolerance)
    nothing = Pair(views, np.eye(4), int(shared.sum()), 0, float("nan"), is_ambiguous=False)
    if not proposals:
        return nothing
    shown = _Shared((planes[0], planes[1]), shared, tolerance)
    judged = [shown.judge(pose, *lengths) for pose in proposals]
    best = _best(judged)
    if best is None:
        return nothing
    second_from_first = best.pose.copy()
    second_from_first[:3, 3] *= best.distance_mm
    return Pair(
        views=views,
        first_from_second=np.asarray(np.linalg.inv(second_from_first), dtype=np.float64),
        num_shared=int(shared.sum()),
        num_agreeing=int((best.distances < tolerance).sum()),
        median_px=float(np.median(best.distances) * lenses[views[0]].values[0]),
        is_ambiguous=_has_rival(judged, best),
    )


@dataclass(frozen=True, eq=False)
class _Judged:
    """A pose of the second camera, and what the shared joints say of it.

    Attributes:
        pose: (4, 4) second_from_first with a translation of length 1.
        distances: (N,) of the joints from their epipolar lines, on the plane of a camera.
        score: how many of them agree, near ones more than far ones.
        unevenness: typical relative deviation of a limb from its own median length; infinite if too few are known.
        distance_mm: of the cameras, so that limbs have their usual lengths.
    """

    pose: Floats
    distances: Floats
    score: float
    unevenness: float
    distance_mm: float


@dataclass(frozen=True, eq=False)
class _Shared:
    """The joints that two cameras share: on their planes (T, J, 2), which (T, J), and up to where they agree."""

    planes: tuple[Floats, Floats]
    shared: Bools
    tolerance: float

    def judge(self, pose: Floats, limbs: Ints, usual_mm: Floats) -> _Judged:
        """Return what the joints say of a pose."""
        first, second = (plane[self.shared] for plane in self.planes)
        distances = _epipolar_distances(essential(pose), first, second)
        score = float(np.clip(1 - (distances / self.tolerance) ** 2, 0, None).sum())
        points = self._points(pose, distances < self.tolerance)
        lengths = np.linalg.norm(points[:, limbs[:, 0]] - points[:, limbs[:, 1]], axis=-1)
        medians = lengths_of(points, limbs)
        enough = np.isfinite(lengths).sum(0) >= _LEAST_LENGTHS
        known = enough & np.isfinite(usual_mm)
        if known.sum() < _LEAST_LIMBS:
            return _Judged(pose, distances, score, float("inf"), float("nan"))
        unevenness = float(np.nanmedian(np.abs(lengths[:, enough] / medians[enough] - 1)))
        return _Judged(pose, distances, score, unevenness, float(np.median(usual_mm[known] / medians[known])))

    def _points(self, pose: Floats, agrees: Bools) -> Floats:
        """Return (T, J, 3) the joints that agree and lie before both cameras; NaN for the others."""
        points = np.full((*self.shared.shape, 3), np.nan)
        if not agrees.any():
            return points
        first, second = (np.ascontiguousarray(plane[self.shared][agrees].T) for plane in self.planes)
        rows = cv2.triangulatePoints(np.eye(4)[:3], pose[:3], first, second)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (rows[:3] / rows[3]).T
        in_front = np.isfinite(found).all(1) & (found[:, 2] > 0) & (found @ pose[2, :3] + pose[2, 3] > 0)
        points[tuple(np.argwhere(self.shared)[agrees][in_front].T)] = found[in_front]
        return points


def _best(judged: Sequence[_Judged]) -> _Judged | None:
    """Return the pose under which limbs keep their lengths best, of those with which most joints agree.

    The epipolar lines alone hardly tell poses apart where the person stands in one place.
    """
    most = max((one.score for one in judged), default=0.0)
    likely = [one for one in judged if one.score > _NEARLY * most and np.isfinite(one.unevenness)]
    return min(likely, key=lambda one: one.unevenness, default=None)


def _proposals(first: Floats, second: Floats, moments: Ints, tolerance: float) -> list[Floats]:
    """Return (4, 4) second_from_first with a translation of length 1, each from a part of the moments."""
    generator = np.random.default_rng(0)
    own = np.unique(moments)
    found = []
    for number in range(_PROPOSALS):
        part = np.ones(len(first), dtype=bool)
        if number:
            some = generator.choice(own, max(1, round(_PROPOSAL_SHARE * len(own))), replace=False)
            part = np.isin(moments, some)
        places = np.flatnonzero(part)
        if len(places) > _MOST_POINTS:
            places = generator.choice(places, _MOST_POINTS, replace=False)
        found += _poses(first[places], second[places], tolerance)
    return found


def _poses(first: Floats, second: Floats, tolerance: float) -> list[Floats]:
    if len(first) < 8:
        return []
    found: tuple[Floats | None, NDArray[np.uint8] | None] = cv2.findEssentialMat(
        first, second, np.eye(3), method=cv2.USAC_MAGSAC, prob=0.9999, threshold=tolerance, maxIters=2000
    )  # type: ignore[assignment]
    matrices, mask = found
    poses: list[Floats] = []
    if matrices is None or mask is None:
        return poses
    for start in range(0, len(matrices) - 2, 3):
        inside, rotation, translation, _ = cv2.recoverPose(
            matrices[start : start + 3], first, second, np.eye(3), mask=mask.copy()
        )
        if inside > 0 and np.isfinite(rotation).all():
            pose = np.eye(4)
            pose[:3, :3], pose[:3, 3] = rotation, translation[:, 0]
            poses.append(pose)
    return poses


def essential(second_from_first: Floats) -> Floats:
    """Return the (3, 3) essential matrix E of a relative pose: x2^T E x1 = 0 for the rays of one point."""
    x, y, z = second_from_first[:3, 3]
    cross = np.array(((0.0, -z, y), (z, 0.0, -x), (-y, x, 0.0)))
    return np.asarray(cross @ second_from_first[:3, :3], dtype=np.float64)


def _epipolar_distances(matrix: Floats, first: Floats, second: Floats) -> Floats:
    """Return (N,) Sampson's distances of pairs of points on the planes of two cameras."""
    one = np.concatenate((first, np.ones((len(first), 1))), 1)
    two = np.concatenate((second, np.ones((len(second), 1))), 1)
    line_two, line_one = one @ matrix.T, two @ matrix
    size = (line_two[:, :2] ** 2).sum(1) + (line_one[:, :2] ** 2).sum(1)
    product = np.abs((two * line_two).sum(1))
    return np.asarray(product / np.sqrt(np.maximum(size, 1e-12)), dtype=np.float64)


def _has_rival(judged: Sequence[_Judged], best: _Judged) -> bool:
    """Return whether another pose, turned by more than 15 degrees, fits the joints and the limbs nearly as well."""
    return any(
        np.trace(one.pose[:3, :3].T @ best.pose[:3, :3]) < 1 + 2 * np.cos(np.radians(_OTHER_ANGLE_DEG))
        and one.score > _NEARLY * best.score
        and one.unevenness < _AS_EVEN * best.unevenness
        for one in judged
    )
