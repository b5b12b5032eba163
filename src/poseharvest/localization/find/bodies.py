"""Whether joints that two views agree on can be somebody's: enough of them, and as far apart as a person's are.

Where a person is seen once and never again, nothing but their body can tell them from two views that agree by chance
or look at different people. A person who is half hidden shows few joints, but these are as far apart as anybody's.
"""

from __future__ import annotations

from poseharvest.localization.limits import MIN_JOINTS
from poseharvest.localization.partial_pose import TriangulatedPose
from poseharvest.pictorial.body_prior import BodyPrior
from poseharvest.pictorial.limb_estimation import Measured, PoseSamples, measure_limbs
from poseharvest.skeleton.skeleton import Skeleton

_STATURES_MM = (700.0, 2300.0)
_UNUSUAL = 2.5  # spreads from which a limb is not as long as the others make likely
_LEAST_FITTING = 0.7  # of the limbs that are seen whole
_LEAST_LIMBS = 2
_HALF = 0.5  # of the joints, which are enough where the skeleton is no person's


def limbs_of(pose: TriangulatedPose, skeleton: Skeleton) -> dict[tuple[str, str], Measured]:
    """Return the lengths of the limbs that a pose shows whole, left and right together."""
    return measure_limbs(skeleton, PoseSamples(pose.points[None], pose.doubt[None]))


def is_body(pose: TriangulatedPose, skeleton: Skeleton, prior: BodyPrior | None, *, lengths_count: bool = True) -> bool:
    """Return whether a pose can be a person's, however little of them is seen.

    Args:
        pose: joints on which two views agree.
        skeleton: their tree.
        prior: proportions; None for a skeleton that is no person's, of which half the joints must be there.
        lengths_count: False where the rig's unit may be wrong: then any size will do.
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
    if lengths_count and not low < stature < high:
        return False
    fitting = sum(prior.deviation(pair, one, stature) < _UNUSUAL for pair, one in limbs.items())
    return fitting >= max(_LEAST_LIMBS, _LEAST_FITTING * len(limbs))
