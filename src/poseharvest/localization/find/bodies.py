"""Whether joints that two views agree on can be a person's: enough joints, with distances that fit a human body.

Two views may agree by chance, or may look at different people. A person who is seen in one moment only can be told from
that by the lengths of the limbs alone. A person who is half hidden shows few joints, but their distances are normal.
"""

from __future__ import annotations

from poseharvest.localization.limits import MIN_JOINTS
from poseharvest.localization.sighting import TriangulatedPose
from poseharvest.pictorial.body_prior import BodyPrior
from poseharvest.pictorial.limb_estimation import Measured, PoseSamples, measure_limbs
from poseharvest.skeleton.skeleton import Skeleton

_STATURES_MM = (700.0, 2300.0)
_UNUSUAL = 2.5  # deviation, in spreads of the prior, from which a limb's length does not fit the others
_LEAST_FITTING = 0.7  # of the limbs that are seen whole
_LEAST_LIMBS = 2
_HALF = 0.5  # share of the joints that is enough where the skeleton is not a human one


def limbs_of(pose: TriangulatedPose, skeleton: Skeleton) -> dict[tuple[str, str], Measured]:
    """Return the lengths of the limbs that a pose shows whole, left and right together."""
    return measure_limbs(skeleton, PoseSamples(pose.points[None], pose.doubt[None]))


def is_body(pose: TriangulatedPose, skeleton: Skeleton, prior: BodyPrior | None, *, is_metric: bool = True) -> bool:
    """Return whether a pose can be a person's, even if only a few joints are seen.

    Args:
        pose: joints on which two views agree.
        skeleton: their tree.
        prior: proportions; None for a skeleton that is not a human one. Then half of the joints must be known.
        is_metric: False where the rig's unit may be wrong: then a body of any size is accepted.
    """
    if prior is None:
        return float(pose.known.double().mean()) >= _HALF
    if int(pose.known.sum()) < MIN_JOINTS:
        return False
    limbs = limbs_of(pose, skeleton)
    if len(limbs) < _LEAST_LIMBS:
        return False
    stature = prior.stature_mm(limbs)
    low, high = _STATURES_MM
    if is_metric and not low < stature < high:
        return False
    fitting = sum(prior.deviation(pair, one, stature) < _UNUSUAL for pair, one in limbs.items())
    return fitting >= max(_LEAST_LIMBS, _LEAST_FITTING * len(limbs))
