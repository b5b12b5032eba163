"""How far the rays of two views are from meeting."""

from __future__ import annotations

import numpy as np

from poseharvest.synchronisation.view_joints import Floats, ViewRays

_ROBUST_STEPS = 2
_BIAS = 0.85  # share of a joint's constant distance that is taken for the detectors' bias


def apart(first: ViewRays, second: ViewRays, of_first: Floats, of_second: Floats) -> Floats:
    """Return the signed distance of pairs of rays from meeting, to first order (Sampson's distance), in usual errors.

    Two rays from the centres c1 and c2 meet if b . (d1 x d2) = 0, with b = c2 - c1. The distance is that product over
    its standard deviation if both detectors err by their usual error.

    Args:
        first: a view, for its centre, its focal length and its detector's usual error.
        second: another view.
        of_first: (..., 3) directions of rays of the first view, of any length; NaN where unknown.
        of_second: (..., 3) those of the second view, in shapes that broadcast.

    Returns:
        (...) 1 where the views are as far from agreeing as they usually are; NaN where a ray is unknown.
    """
    baseline = second.center - first.center
    one = of_first / np.linalg.norm(of_first, axis=-1, keepdims=True)
    two = of_second / np.linalg.norm(of_second, axis=-1, keepdims=True)
    by_one = np.cross(two, baseline)  # the derivative of the product by the first direction
    by_two = np.cross(baseline, one)
    product = (by_one * one).sum(-1)
    # The directions are of length 1: a detector's error moves them at right angles to themselves.
    across_one = (by_one**2).sum(-1) - product**2
    across_two = (by_two**2).sum(-1) - product**2
    variance = across_one * first.usual_error**2 + across_two * second.usual_error**2
    distances: Floats = product / np.sqrt(np.maximum(variance, 1e-12))
    return distances


def without_bias(distances: Floats) -> Floats:
    """Return distances (T, P, J) of two views at T times, without most of what is constant in each joint's.

    Detectors of different views err to different sides, at each joint to another one, and over the whole take. That is
    no sign of an offset in time. Some of a constant distance is left, since it is all that an offset shows in people
    who move evenly.
    """
    known = np.isfinite(distances)
    values = np.where(known, distances, 0.0)
    mean = values.sum(0) / np.maximum(known.sum(0), 1)
    for _ in range(_ROBUST_STEPS):  # wrong detections, such as exchanged sides, must not move it
        weights = known / (1 + (values - mean) ** 2)
        mean = (weights * values).sum(0) / np.maximum(weights.sum(0), 1e-9)
    return np.asarray(distances - _BIAS * mean)
