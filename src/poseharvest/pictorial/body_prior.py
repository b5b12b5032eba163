"""Limb lengths where the footage shows too little of them: the proportions of people, scaled by what is seen.

A length is the stature times the limb's usual share of it, give or take: people differ, and so do definitions of a
joint. One body's lengths are therefore a stature, which few limbs tell well, and what each limb adds to it. The shares
may be learned from people of the same footage who are seen well: they then hold the detector's own definitions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from poseharvest.pictorial.limb_estimation import Measured
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.proportions import usual_share
from poseharvest.skeleton.skeleton import Skeleton

Pair = tuple[str, str]

USUAL_STATURE_MM = 1680.0
"""Of an adult, half of them women."""

BODY_SPREAD = 0.06
"""Of the logarithm of a limb's length among people of one stature."""

_STATURE_SPREAD = 0.12  # of the logarithm: children down to about a metre are within four of it
_JOINT_SPREAD = 0.012  # of the stature: how far two definitions of one joint differ
_NOISE_MM = 40.0  # of a length in one frame
_OUTLYING = 2.5  # spreads from which a length is a mistake
_LEAST_TAUGHT = 3


@dataclass(frozen=True)
class LimbPrior:
    """What is known of a limb before it is seen.

    Attributes:
        share: its length over the stature.
        spread: of the logarithm of that.
    """

    share: float
    spread: float


@dataclass(frozen=True)
class BodyPrior:
    """Proportions of the limbs of one skeleton.

    Attributes:
        limbs: by (parent, child); limbs of which nothing is known are missing.
    """

    limbs: Mapping[Pair, LimbPrior]

    def stature_mm(self, measured: Mapping[Pair, Measured]) -> float:
        """Return the stature that the limbs tell of: their weighted median, an adult's where they say little."""
        estimates = [(math.log(USUAL_STATURE_MM), _STATURE_SPREAD)]
        for pair, one in measured.items():
            if pair in self.limbs and one.mm > 0:
                limb = self.limbs[pair]
                estimates.append((math.log(one.mm / limb.share), math.hypot(limb.spread, _noise(one))))
        return math.exp(_weighted_median([(value, spread**-2) for value, spread in estimates]))

    def lengths(self, measured: Mapping[Pair, Measured]) -> LimbLengths:
        """Return the lengths of all limbs of the prior, mm: what is usual at this stature, drawn to what is seen.

        A length that is far from what the others make likely is a mistake and does not count.
        """
        stature = self.stature_mm(measured)
        lengths = {}
        for pair, limb in self.limbs.items():
            usual, one = math.log(stature * limb.share), measured.get(pair)
            if one is not None and one.mm > 0 and self.deviation(pair, one, stature) < _OUTLYING:
                trust = limb.spread**2 / (limb.spread**2 + _noise(one) ** 2)
                usual += trust * (math.log(one.mm) - usual)
            lengths[pair] = math.exp(usual)
        return LimbLengths(lengths)

    def deviation(self, pair: Pair, one: Measured, stature_mm: float) -> float:
        """Return by how many spreads a length differs from what is usual at a stature."""
        limb = self.limbs[pair]
        off = abs(math.log(max(one.mm, 1e-3) / (stature_mm * limb.share)))
        return off / math.hypot(limb.spread, _noise(one))

    def taught(self, bodies: Sequence[Mapping[Pair, Measured]]) -> BodyPrior:
        """Return the prior with the shares of bodies that were seen; a limb that few of them show keeps its own."""
        statures = [self.stature_mm(body) for body in bodies]
        limbs = {}
        for pair, limb in self.limbs.items():
            shares = [
                body[pair].mm / stature
                for body, stature in zip(bodies, statures, strict=True)
                if pair in body and self.deviation(pair, body[pair], stature) < _OUTLYING
            ]
            spread = max(BODY_SPREAD, limb.spread / math.sqrt(1 + len(shares)))
            limbs[pair] = limb if len(shares) < _LEAST_TAUGHT else LimbPrior(median(shares), spread)
        return BodyPrior(limbs)


def body_prior(skeleton: Skeleton) -> BodyPrior | None:
    """Return the proportions of people for a skeleton's limbs, None for a skeleton that has joints of no person."""
    limbs = {}
    for limb in skeleton.limbs:
        share = usual_share(limb.parent, limb.child)
        if share is None:
            return None
        spread = math.hypot(BODY_SPREAD, math.sqrt(2) * _JOINT_SPREAD / share)
        limbs[limb.parent, limb.child] = LimbPrior(share, spread)
    return BodyPrior(limbs) if limbs else None


def _noise(one: Measured) -> float:
    """Return the spread of a measured length's logarithm."""
    return _NOISE_MM / max(one.mm, 1.0) / math.sqrt(one.count)


def _weighted_median(weighted: Sequence[tuple[float, float]]) -> float:
    """Return the value below and above which lies half of the weight, between two values where it falls there."""
    ordered = sorted(weighted)
    half, below = sum(weight for _, weight in ordered) / 2, 0.0
    previous: tuple[float, float] | None = None
    for value, weight in ordered:
        middle = below + weight / 2
        if middle >= half:
            if previous is None:
                return value
            before, at = previous
            return before + (value - before) * (half - at) / (middle - at)
        previous, below = (value, middle), below + weight
    return ordered[-1][0]
