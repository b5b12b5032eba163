"""Lengths and tolerances of limbs, from how much their lengths vary beyond what the views' errors explain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from poseharvest.refinement.residuals import Residuals
from poseharvest.refinement.rigid_limbs import RigidLimbs

_TOLERANCES_MM = (2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0, 27.0, 36.0, 50.0, 70.0, 100.0)
_FREEDOM = 8.0  # of the t distribution of lengths: some are of a joint on the wrong limb
_LEAST_LENGTHS = 8
_ROUNDS = 10
# Squared tolerance over the variance of a limb's ends, along it: what is looser only pulls poses to the middle.
_LOOSEST = 1.5
_WELL_KNOWN = 0.5  # of the limb's length: standard deviation of its ends


@dataclass(frozen=True, eq=False)
class _Lengths:
    """Lengths of one limb in N frames: (N,) mm each, and their variances, mm^2."""

    mm: Tensor
    variance: Tensor


def learn_limbs(
    limbs: RigidLimbs, residuals: Residuals, constant_share: float, is_known: Tensor | None = None
) -> RigidLimbs:
    """Return the limbs with the lengths and tolerances that the views' own positions tell.

    A tolerance is the root of its mean square over all that the lengths allow, and it holds the doubt about the length
    itself: where errors drown the limb's own changes, it is loose. A limb that is looser than its ends are known tells
    nothing of a frame, and gets an infinite tolerance. A limb seen whole less than eight times, both sides
    counted, keeps what it has.

    Args:
        limbs: L limbs.
        residuals: of F frames, with the joints' positions by the views alone.
        constant_share: of the errors' variance; it is the same in all frames, so it does not make lengths vary.
        is_known: (L,) bool, limbs whose length is known and stays; none if None.
    """
    length, tolerance = limbs.length_mm.clone(), limbs.tolerance_mm.clone()
    measured, independent = _measure(limbs, residuals, 1 - constant_share), residuals.independent_share
    for number in sorted(set(limbs.alike.tolist())):
        sides = (limbs.alike == number).nonzero().squeeze(1)
        both = _Lengths(
            torch.cat([measured[side].mm for side in sides]), torch.cat([measured[side].variance for side in sides])
        )
        if len(both.mm) >= _LEAST_LENGTHS:
            known = length[sides[0]] if is_known is not None and bool(is_known[sides[0]]) else None
            length[sides], tolerance[sides] = _expected(both, independent, known)
    return replace(limbs, length_mm=length, tolerance_mm=tolerance)


def _measure(limbs: RigidLimbs, residuals: Residuals, varying_share: float) -> list[_Lengths]:
    """Return every limb's lengths; errors across a limb make it look longer, which is taken off."""
    between = residuals.points[:, limbs.first] - residuals.points[:, limbs.second]
    cov = varying_share * (residuals.cov[:, limbs.first] + residuals.cov[:, limbs.second])
    length = torch.linalg.vector_norm(between, dim=-1).clamp_min(1e-6)
    along = between / length[..., None]
    variance = torch.einsum("fla,flab,flb->fl", along, cov, along)
    total = torch.diagonal(cov, dim1=-2, dim2=-1).sum(-1)
    is_known = residuals.is_known[:, limbs.first] & residuals.is_known[:, limbs.second]
    is_known &= total < (_WELL_KNOWN * length) ** 2
    length = length - (total - variance) / (2 * length)
    return [
        _Lengths(length[is_known[:, number], number], variance[is_known[:, number], number])
        for number in range(length.shape[1])
    ]


def _expected(one: _Lengths, independent_share: float, is_known: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the length and the tolerance that t distributions around the length make likely.

    Args:
        one: N lengths.
        independent_share: of them that count, 0 to 1, as frames in a row err alike.
        is_known: the length, if it is known.
    """
    tolerances = torch.tensor(_TOLERANCES_MM, dtype=one.mm.dtype)
    variance = tolerances[:, None] ** 2 + one.variance
    middle = (one.mm.median() if is_known is None else is_known).expand(len(tolerances))
    for _ in range(_ROUNDS):
        squares = (one.mm - middle[:, None]) ** 2 / variance
        weight = (_FREEDOM + 1) / (_FREEDOM + squares) / variance
        middle = middle if is_known is not None else (weight * one.mm).sum(1) / weight.sum(1)
    likelihood = (-(_FREEDOM + 1) / 2 * torch.log1p(squares / _FREEDOM) - variance.log() / 2).sum(1)
    chance = torch.softmax(likelihood * independent_share, 0)
    of_length = 1 / (weight.sum(1) * independent_share) if is_known is None else torch.zeros_like(tolerances)
    squared = (chance * (tolerances**2 + of_length)).sum()
    is_loose = squared > _LOOSEST * one.variance.mean()
    return (chance * middle).sum().clamp_min(1.0), torch.where(is_loose, torch.inf, squared.sqrt())
