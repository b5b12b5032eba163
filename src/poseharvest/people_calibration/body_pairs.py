"""How two cameras stand to each other by the joints of a body that both see: the essential matrix, with a length.

Five points or more that two cameras share give the direction of the one from the other and how it is turned, but no
distance (Nister 2004). The distance follows from the limbs of the body: each has one length for all pairs of cameras.
"""

from __future__ import annotations

from collections.abc import Sequence
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
_OTHER_ANGLE_DEG, _OTHER_SCORE = 15.0, 0.95
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
    if not proposals:
        return None
    distances = [_epipolar_distances(essential(pose), first, second) for pose in proposals]
    scores = np.array([np.clip(1 - (one / tolerance) ** 2, 0, None).sum() for one in distances])
    best = int(scores.argmax())
    agrees = distances[best] < tolerance
    size = _distance_mm(proposals[best], planes, shared, agrees, lengths)
    if size is None:
        return None
    second_from_first = proposals[best].copy()
    second_from_first[:3, 3] *= size
    return Pair(
        views=views,
        first_from_second=np.asarray(np.linalg.inv(second_from_first), dtype=np.float64),
        num_shared=int(shared.sum()),
        num_agreeing=int(agrees.sum()),
        median_px=float(np.median(distances[best]) * lenses[views[0]].values[0]),
        is_ambiguous=_has_rival(proposals, scores, best),
    )


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
    found: tuple[Floats | None, NDArray[np.uint8]] = cv2.findEssentialMat(
        first, second, np.eye(3), method=cv2.USAC_MAGSAC, prob=0.9999, threshold=tolerance, maxIters=2000
    )  # type: ignore[assignment]
    matrices, mask = found
    poses: list[Floats] = []
    for start in range(0, 0 if matrices is None else len(matrices) - 2, 3):
        assert matrices is not None
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


def _distance_mm(
    pose: Floats, planes: tuple[Floats, Floats], shared: Bools, agrees: Bools, lengths: tuple[Ints, Floats]
) -> float | None:
    """Return the distance of two cameras that gives the limbs their usual lengths; None if too few are known."""
    limbs, usual_mm = lengths
    places = np.argwhere(shared)[agrees]
    rows = cv2.triangulatePoints(
        np.eye(4)[:3], pose[:3], planes[0][shared][agrees].T.copy(), planes[1][shared][agrees].T.copy()
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (rows[:3] / rows[3]).T
    in_front = np.isfinite(found).all(1) & (found[:, 2] > 0) & (found @ pose[2, :3] + pose[2, 3] > 0)
    points = np.full((*shared.shape, 3), np.nan)
    points[tuple(places[in_front].T)] = found[in_front]
    counts = np.isfinite(points[:, limbs[:, 0], 0] + points[:, limbs[:, 1], 0]).sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = usual_mm / lengths_of(points, limbs)
    known = np.isfinite(ratios) & (counts >= _LEAST_LENGTHS)
    return float(np.median(ratios[known])) if known.sum() >= _LEAST_LIMBS else None


def _has_rival(proposals: Sequence[Floats], scores: Floats, best: int) -> bool:
    """Return whether another pose, turned by more than 15 degrees, fits as well."""
    turns = np.stack([pose[:3, :3] for pose in proposals])
    cosines = (np.einsum("pij,ij->p", turns, turns[best]) - 1) / 2
    others = cosines < np.cos(np.radians(_OTHER_ANGLE_DEG))
    return bool(others.any() and scores[others].max() > _OTHER_SCORE * scores[best])
