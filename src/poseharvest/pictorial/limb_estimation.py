"""L_ij of Eq. (2), estimated from the subject's own footage (choice D5).

The authors' demo reads the lengths from ground truth; here they are robust statistics over many frames, with left and
right tied, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.pictorial.shapes import Float
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Limb, Skeleton

_CONFIDENT_SHARE = 0.5
_MIN_FRAMES = 3
_LEAST_MM = 1.0  # some detectors put a toe on the ankle: a limb has a length all the same
NUM_MATCHINGS = 3
"""How often a shell's radius is corrected."""

MAX_CORRECTION_MM = 60.0
"""By which a shell may be wider than its limb is long."""


@dataclass(frozen=True, eq=False)
class PoseSamples:
    """Poses of several frames.

    Attributes:
        points: (F, J, 3) joint positions, mm.
        spread: (F, J) how uncertain each position is, in any one unit; infinite where there is none.
    """

    points: Float[Tensor, "F J 3"]
    spread: Float[Tensor, "F J"]


@dataclass(frozen=True)
class Measured:
    """A limb's length as the footage shows it.

    Attributes:
        mm: the length.
        count: how often it was seen whole, both sides counted.
    """

    mm: float
    count: int

    @property
    def is_certain(self) -> bool:
        """It was seen often enough to need no proportions."""
        return self.count >= _MIN_FRAMES


def estimate_limb_lengths(skeleton: Skeleton, samples: PoseSamples) -> LimbLengths:
    """Return the subject's limb lengths: per limb the median over the frames in which its ends are known best.

    Left and right limbs share one estimate. The median over the better half of the frames ignores the frames in which
    a joint sat on the wrong limb, which would stretch a mean. A limb that was seen whole, on either side, in fewer
    than three frames is left out.

    Args:
        skeleton: J joints.
        samples: poses of F frames, those that follow each other included.
    """
    measured = measure_limbs(skeleton, samples)
    return LimbLengths({limb: one.mm for limb, one in measured.items() if one.is_certain})


def measure_limbs(skeleton: Skeleton, samples: PoseSamples) -> dict[tuple[str, str], Measured]:
    """Return the same of every limb that was seen whole at all, with how often.

    Args:
        skeleton: J joints.
        samples: poses of F frames.
    """
    points, spread = samples.points, samples.spread
    check_shape("points", points, "F J 3", J=len(skeleton))
    check_shape("spread", spread, "F J", F=points.shape[0], J=len(skeleton))
    measured = {}
    for limb in skeleton.limbs:
        sides = {limb, skeleton.mirrored_limb(limb)}
        observed = [_observed(skeleton, side, points, spread) for side in sorted(sides, key=lambda s: s.name)]
        length, doubt = (torch.cat(parts) for parts in zip(*observed, strict=True))
        is_seen = torch.isfinite(doubt)
        if bool(is_seen.any()):
            measured[limb.parent, limb.child] = Measured(
                _robust_length(length[is_seen], doubt[is_seen]), int(is_seen.sum())
            )
    return measured


def _observed(skeleton: Skeleton, limb: Limb, points: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """Return a limb's length in every frame and the larger doubt of its two ends, both (F,)."""
    parent, child = skeleton.index(limb.parent), skeleton.index(limb.child)
    length = torch.linalg.vector_norm(points[:, parent] - points[:, child], dim=-1)
    return length, torch.maximum(spread[:, parent], spread[:, child])


def _robust_length(length: Tensor, doubt: Tensor) -> float:
    count = max(_MIN_FRAMES, round(_CONFIDENT_SHARE * doubt.numel()))
    return max(float(length[doubt.argsort(stable=True)[:count]].median()), _LEAST_MM)


def match_shells(
    skeleton: Skeleton,
    lengths: LimbLengths,
    infer: Callable[[LimbLengths], PoseSamples],
    *,
    rounds: int = NUM_MATCHINGS,
) -> LimbLengths:
    """Return the shell radii under which the posterior's limbs have the measured lengths (docs/method.md, choice D5).

    A heatmap's blob has a width, sigma, that is not error. Summed over a blob around the parent, a shell of radius L
    has its weight at distances below L, by about sigma^2 / L, since a sphere is curved: 3 mm at a forearm, 17 mm at a
    hip, all of it inwards. The radius is therefore enlarged until the posterior means of the two ends are as far
    apart, in the median over the confident frames, as triangulation measured them. The shell of a limb that `infer`
    does not show whole keeps the measured length.

    Args:
        skeleton: J joints.
        lengths: measured, mm.
        infer: poses of some frames under a model with the given radii.
        rounds: how often the radii are corrected; each one costs inference of these frames.
    """
    radii = dict(lengths.mm)
    for _ in range(rounds):
        lengths_of_poses = estimate_limb_lengths(skeleton, infer(LimbLengths(dict(radii))))
        for limb, measured in lengths.mm.items():
            corrected = radii[limb] + measured - lengths_of_poses.mm.get(limb, radii[limb])
            radii[limb] = min(max(corrected, measured), measured + MAX_CORRECTION_MM)
    return LimbLengths(radii)
