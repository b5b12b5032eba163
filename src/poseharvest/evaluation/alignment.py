"""Alignment of an estimated pose with the true one before its error is measured; every number must name it (D8).

"none" moves nothing. "root" and "centroid" move the pose so that its root joint, or the mean of its
joints, coincides with the true one; the centroid is what the paper's authors compute. "procrustes" also turns the
pose (Kabsch; no mirror image). With a scale, the pose is also multiplied by the number that fits best: with
"procrustes" that is PA-MPJPE, Umeyama's similarity ("Least-squares estimation of transformation parameters between
two point patterns", PAMI 1991), with "root" it is N-MPJPE (Rhodin et al., CVPR 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from poseharvest.errors import ConfigError
from poseharvest.evaluation.pairs import Bools, Floats, PosePairs

AlignmentName: TypeAlias = Literal["none", "root", "centroid", "procrustes"]

_MIN_JOINTS = {"none": 1, "root": 2, "centroid": 2, "procrustes": 3}


@dataclass(frozen=True)
class Alignment:
    """How estimates are moved onto the truth.

    Attributes:
        name: "none", "root", "centroid" or "procrustes".
        with_scale: also multiply by the best number.
        root: the joint that coincides under "root".

    Raises:
        ConfigError: the name is unknown, "root" has no joint, or "none" has a scale.
    """

    name: AlignmentName = "none"
    with_scale: bool = False
    root: str | None = None

    def __post_init__(self) -> None:
        if self.name not in get_args(AlignmentName):
            raise ConfigError(f'alignment: expected one of {", ".join(get_args(AlignmentName))}, got "{self.name}"')
        if (self.name == "root") != (self.root is not None):
            raise ConfigError(f'alignment: a root joint goes with "root" alone, got "{self.name}" and {self.root}')
        if self.name == "none" and self.with_scale:
            raise ConfigError('alignment "none" has no scale: a scale needs a fixed point')

    def __str__(self) -> str:
        name = self.name if self.root is None else f"{self.name} ({self.root})"
        return f"{name} with scale" if self.with_scale else name


def align_estimates(pairs: PosePairs, alignment: Alignment) -> Floats:
    """Return the estimates (F, J, D) after alignment, each pose separately.

    A pose is NaN as a whole if its alignment has no meaning. That is so if its root is not judged, or if fewer joints
    are judged than the alignment needs: then the error would be small for any estimate.
    """
    if alignment.name == "none":
        return pairs.estimate
    judged = pairs.judged
    start, goal = (_origin(points, judged, pairs, alignment) for points in (pairs.estimate, pairs.truth))
    usable = (judged.sum(1) >= _MIN_JOINTS[alignment.name]) & np.isfinite(start + goal).all((-2, -1))
    weight = judged[..., None] & usable[:, None, None]
    estimate = np.where(weight, pairs.estimate - start, 0.0)
    truth = np.where(weight, pairs.truth - goal, 0.0)
    turned, everything = estimate, pairs.estimate - start
    if alignment.name == "procrustes":
        rotation = _rotations(estimate, truth)
        turned, everything = estimate @ rotation, everything @ rotation
    scale = _scales(turned, truth) if alignment.with_scale else np.ones((len(truth), 1, 1))
    return np.where(usable[:, None, None], scale * everything + goal, np.nan)


def _origin(points: Floats, judged: Bools, pairs: PosePairs, alignment: Alignment) -> Floats:
    """Return the point (F, 1, D) that coincides after alignment; NaN if it is not known."""
    if alignment.root is not None:
        root = pairs.index(alignment.root)
        return np.where(judged[:, root, None, None], points[:, root, None], np.nan)
    count = judged.sum(1)[:, None, None]
    total = np.where(judged[..., None], points, 0.0).sum(1, keepdims=True)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _rotations(estimate: Floats, truth: Floats) -> Floats:
    """Return the proper rotations (F, D, D), to be applied from the right, that fit best."""
    u, _, vt = np.linalg.svd(np.swapaxes(estimate, 1, 2) @ truth)
    flip = np.ones(u.shape[:2])
    flip[:, -1] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    return np.asarray((u * flip[:, None]) @ vt)


def _scales(estimate: Floats, truth: Floats) -> Floats:
    """Return the factors (F, 1, 1) of least squares; 1 where the estimate is a single point."""
    square = (estimate**2).sum((1, 2), keepdims=True)
    product = (estimate * truth).sum((1, 2), keepdims=True)
    return np.where(square > 0, product / np.where(square > 0, square, 1.0), 1.0)
