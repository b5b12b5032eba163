"""How long the limbs of a hand are, by the views alone: a finger's last limb is as short as the errors of its ends.

Errors make a distance look longer: its square grows by the variance of both ends. That is taken off here, in the mean
over many frames, which holds however short the limb is. (For a body, whose limbs are long, medians of lengths do.)
What few frames tell is drawn to the usual proportions of hands, at the size of this one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import Tensor

from poseharvest.localization.sighting import Sighting
from poseharvest.refinement.covariance_scale import covariance_factor
from poseharvest.refinement.learn import learn_refinement
from poseharvest.refinement.observations import Observations, observe
from poseharvest.refinement.pose_fit import fit_poses
from poseharvest.refinement.refine import Refinement
from poseharvest.refinement.residuals import Residuals, view_residuals
from poseharvest.refinement.rigid_limbs import RigidLimbs
from poseharvest.skeleton.hands import HAND21, USUAL_MM, WRIST
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Limb

_SPREAD = 0.15  # of a limb's length among hands of one size, its logarithm
_LEAST_FRAMES = 3
_LEAST_SHARE = 0.4  # of the usual length
_USUAL_ERROR_MM = 20.0
_LONG_MM = 40.0  # of a limb, beyond the usual errors of its ends


@dataclass(frozen=True)
class _Length:
    """A length with its standard error, mm."""

    mm: float
    error_mm: float


@dataclass(frozen=True)
class HandLengths:
    """Lengths of the limbs of a person's hands.

    Attributes:
        lengths: of the limbs of `HAND21`.
        guessed: names of limbs that were seen whole in fewer than three frames.
    """

    lengths: LimbLengths
    guessed: tuple[str, ...]


def measure_hands(hands: Sequence[Sighting]) -> HandLengths | None:
    """Return the lengths of a person's hands; None where no knuckle is seen with the wrist in three frames.

    Args:
        hands: sightings of either hand.
    """
    if len(hands) < _LEAST_FRAMES:
        return None
    residuals = _by_views_alone(hands)
    measured = {limb: one for limb in HAND21.limbs if (one := _measured(limb, residuals)) is not None}
    scales = [measured[limb].mm / USUAL_MM[limb.name] for limb in measured if limb.parent == WRIST]
    if not scales:
        return None
    scale = median(scales)
    lengths = {
        (limb.parent, limb.child): _drawn(measured.get(limb), scale * USUAL_MM[limb.name]) for limb in HAND21.limbs
    }
    return HandLengths(LimbLengths(lengths), tuple(limb.name for limb in HAND21.limbs if limb not in measured))


def with_rigid_fingers(refinement: Refinement, hands: Sequence[Sighting]) -> Refinement:
    """Return what was learned of hands, with all limbs as rigid as the long ones are.

    How rigid a limb is shows in how much its length changes beyond the errors of its ends. In a limb as short as these
    it does not show, so that the learned tolerance of such a limb is that of the errors.

    Args:
        refinement: as it was learned of the hands.
        hands: sightings that taught it.
    """
    limbs = refinement.limbs
    is_long = (limbs.length_mm > _LONG_MM) & torch.isfinite(limbs.tolerance_mm)
    if not bool(is_long.any()):
        return refinement
    usual = limbs.tolerance_mm[is_long].median()
    rigid = replace(limbs, tolerance_mm=torch.where(is_long, limbs.tolerance_mm, usual))
    start, seen = _observed(hands)
    fit = fit_poses(seen, start, refinement.noise, rigid)
    factor = covariance_factor(seen, fit, refinement.noise, rigid)
    return replace(refinement, limbs=rigid, cov_factor=1.0 if factor is None else factor)


def _by_views_alone(hands: Sequence[Sighting]) -> Residuals:
    start, seen = _observed(hands)
    noise = learn_refinement(seen, start, RigidLimbs.none()).noise
    return view_residuals(seen, fit_poses(seen, start, noise, RigidLimbs.none()))


def _observed(hands: Sequence[Sighting]) -> tuple[Tensor, Observations]:
    """Return triangulated hands (F, 21, 3), with unknown joints in the middle, and the peaks near them."""
    start = [torch.where(one.pose.known[:, None], one.pose.points, one.center.double()) for one in hands]
    seen = [observe([one.evidence], points[None]) for one, points in zip(hands, start, strict=True)]
    return torch.stack(start), Observations.joined(seen)


def _measured(limb: Limb, residuals: Residuals) -> _Length | None:
    """Return the length by the mean of its square, less what the errors of its ends add."""
    ends = [HAND21.index(limb.parent), HAND21.index(limb.child)]
    is_known = residuals.is_known[:, ends].all(1)
    if int(is_known.sum()) < _LEAST_FRAMES:
        return None
    points, cov = residuals.points[is_known][:, ends], residuals.cov[is_known][:, ends]
    added = torch.diagonal(cov, dim1=-2, dim2=-1).sum((-1, -2))
    squares = (points[:, 0] - points[:, 1]).square().sum(-1) - added
    weights = (added + _USUAL_ERROR_MM**2) ** -2
    mean = _weighted(squares, weights)
    variance = _weighted((squares - mean).square(), weights)
    count = float(weights.sum().square() / weights.square().sum()) * residuals.independent_share
    least = _LEAST_SHARE * USUAL_MM[limb.name]
    length = math.sqrt(max(mean, least**2))
    error = math.sqrt(variance / max(count, 1.0)) / (2 * length)
    return _Length(length, max(error, 1e-3 * length))


def _weighted(values: Tensor, weights: Tensor) -> float:
    return float((values * weights).sum() / weights.sum())


def _drawn(measured: _Length | None, usual_mm: float) -> float:
    """Return a length between what was measured and what is usual, each with the weight of its exactness."""
    if measured is None:
        return usual_mm
    own, others = measured.error_mm**-2, (_SPREAD * usual_mm) ** -2
    return (own * measured.mm + others * usual_mm) / (own + others)
