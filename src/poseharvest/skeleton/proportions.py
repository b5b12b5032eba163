"""Proportions of people: how long a limb between two joints may be, from toddlers to the tallest adults.

The adult stands upright, arms hanging, one unit tall; a limb's usual length is the distance of its ends there. Long
limbs follow de Leva, "Adjustments to Zatsiorsky-Seluyanov's segment inertia parameters" (1996), between joint centres;
heights of joints follow Drillis and Contini, "Body segment parameters" (1966), as Winter's book prints them. Where
detectors mark something else than anatomy, as at the hips and in the face, the places are those of the detectors'
training data, roughly. Ranges hold what age, build and the different definitions of a joint do to a length: a toddler's
head is a larger share of the stature, the legs a smaller one. A joint that has no place here has no proportions, as an
animal's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from poseharvest.skeleton.human import SIDES
from poseharvest.skeleton.skeleton import Limb, Skeleton

MIN_STATURE_MM, MAX_STATURE_MM = 650.0, 2400.0
"""Statures that limbs may tell of: those of people from 0.75 to 2.3 m, and the error of telling."""

# (to the left, forward, up) as shares of the stature.
_MIDDLE_PLACES = {
    "pelvis": (0.0, 0.0, 0.53),
    "spine": (0.0, 0.0, 0.67),
    "thorax": (0.0, 0.0, 0.815),
    "neck_base": (0.0, 0.01, 0.865),
    "upper_neck": (0.0, 0.01, 0.875),
    "nose": (0.0, 0.06, 0.915),
    "head_top": (0.0, 0.0, 1.0),
}
_LEFT_PLACES = {
    "hip": (0.07, 0.0, 0.53),
    "knee": (0.07, 0.0, 0.285),
    "ankle": (0.065, 0.0, 0.04),
    "heel": (0.065, -0.03, 0.01),
    "big_toe": (0.06, 0.11, 0.01),
    "small_toe": (0.1, 0.09, 0.01),
    "shoulder": (0.1, 0.0, 0.805),
    "elbow": (0.11, 0.0, 0.64),
    "wrist": (0.115, 0.01, 0.494),
    "thumb": (0.11, 0.035, 0.465),
    "index_finger": (0.115, 0.03, 0.437),
    "pinky": (0.115, -0.015, 0.442),
    "eye": (0.018, 0.05, 0.935),
    "eye_inner": (0.01, 0.053, 0.935),
    "eye_outer": (0.027, 0.045, 0.935),
    "ear": (0.043, 0.0, 0.92),
    "mouth": (0.014, 0.055, 0.888),
}
PLACES: dict[str, tuple[float, float, float]] = _MIDDLE_PLACES | {
    f"{side}_{part}": (sign * x, y, z)
    for part, (x, y, z) in _LEFT_PLACES.items()
    for side, sign in zip(SIDES, (1, -1), strict=True)
}
"""Where every joint of an upright adult is: to the left, forward, up, as shares of the stature."""


@dataclass(frozen=True)
class LimbRange:
    """How a limb's share of the stature may differ from the upright adult's.

    Attributes:
        spread: usual lengths are up to this factor longer or shorter than the middle one.
        toddler: the middle share of somebody of 0.8 m over the adult's; from there it goes to 1 at 1.5 m.
        is_long: True for the limbs that tell how tall somebody is.
    """

    spread: float
    toddler: float = 1.0
    is_long: bool = False

    def middle(self, stature_mm: float) -> float:
        """Return the middle share at a stature over the adult's."""
        grown = min(max((stature_mm - _TODDLER_MM) / (_GROWN_MM - _TODDLER_MM), 0.0), 1.0)
        return self.toddler + (1 - self.toddler) * grown


_TODDLER_MM, _GROWN_MM = 800.0, 1500.0

_LEG = LimbRange(1.2, toddler=0.8, is_long=True)
_ARM = LimbRange(1.22, toddler=0.9, is_long=True)
_TRUNK = LimbRange(1.25, toddler=1.08, is_long=True)
_WIDTH = LimbRange(1.8)
_HEAD = LimbRange(2.2, toddler=1.6)
_END = LimbRange(2.0)

_RANGE_BY_CHILD = {
    **dict.fromkeys(("knee", "ankle"), _LEG),
    **dict.fromkeys(("elbow", "wrist"), _ARM),
    **dict.fromkeys(("shoulder", "hip"), _WIDTH),
    **dict.fromkeys(("heel", "big_toe", "small_toe", "thumb", "index_finger", "pinky"), _END),
    **dict.fromkeys(("spine", "thorax"), _TRUNK),
}
_TALL = 0.2  # share of the stature from which a limb to a hip or shoulder is a trunk and no width


def usual_share(start: str, end: str) -> float | None:
    """Return the length of the limb of an adult as a share of the stature, None where a joint has no place."""
    if start not in PLACES or end not in PLACES:
        return None
    return math.dist(PLACES[start], PLACES[end])


def limb_range(limb: Limb) -> LimbRange | None:
    """Return how far a limb may be from the adult's, None for a limb that is no person's."""
    share = usual_share(limb.parent, limb.child)
    if share is None:
        return None
    stem = limb.child.removeprefix("left_").removeprefix("right_")
    found = _RANGE_BY_CHILD.get(stem, _HEAD)
    return _TRUNK if found is _WIDTH and share > _TALL else found


def is_long(limb: Limb) -> bool:
    """Return whether a limb tells how tall somebody is: a part of an arm or leg, or the trunk."""
    found = limb_range(limb)
    return found is not None and found.is_long


@dataclass(frozen=True)
class Misfit:
    """A limb that does not fit the others.

    Attributes:
        limb: which, as `parent-child`.
        length_mm: what it measures.
        least_mm: the shortest usual one at this stature.
        most_mm: the longest.
        is_of_the_frame: True for trunk, arms, legs and the widths of hips and shoulders; False for head, hands, feet.
    """

    limb: str
    length_mm: float
    least_mm: float
    most_mm: float
    is_of_the_frame: bool = True

    @property
    def factor(self) -> float:
        """How many times the limb is too long or too short, from 1."""
        if self.length_mm <= 0:
            return math.inf
        return max(self.length_mm / self.most_mm, self.least_mm / self.length_mm)

    @property
    def is_long(self) -> bool:
        """True if it is too long, False if too short."""
        return self.length_mm > self.most_mm


@dataclass(frozen=True)
class BodyFit:
    """How the lengths of some limbs fit those of a person.

    Attributes:
        stature_mm: of the person whom the limbs fit best.
        misfits: the limbs outside the usual range of such a person, the worst first.
    """

    stature_mm: float
    misfits: tuple[Misfit, ...]


@lru_cache(maxsize=4096)
def whole_over_part(skeleton: Skeleton, known: tuple[bool, ...]) -> float:
    """Return how many times larger the whole body is than a part of it, by an upright adult's longest sides; 1 to 3.

    1 for a skeleton that is no person's.

    Args:
        skeleton: J joints.
        known: J, the joint belongs to the part.
    """
    part = [joint for joint, is_known in zip(skeleton.joints, known, strict=True) if is_known]
    if not part or not is_person(skeleton):
        return 1.0
    return min(_longest_side(skeleton.joints) / max(_longest_side(part), 1e-6), _LARGEST_WHOLE)


_LARGEST_WHOLE = 3.0


def _longest_side(joints: Sequence[str]) -> float:
    places = [PLACES[joint] for joint in joints]
    return max(max(place[axis] for place in places) - min(place[axis] for place in places) for axis in range(3))


def is_person(skeleton: Skeleton) -> bool:
    """Return whether every joint is one of a person's, so that people's proportions hold."""
    return all(joint in PLACES for joint in skeleton.joints)


def fit_body(lengths_mm: Mapping[Limb, float]) -> BodyFit | None:
    """Return how limbs of one body fit, None if too few of them are a person's long limbs (three).

    The stature is that under which the long limbs lie outside their ranges by the least sum of factors' logarithms, so
    a few wrong limbs do not move it; of several such statures it is the middle one.

    Args:
        lengths_mm: lengths of the limbs that were measured; limbs that are no person's are left out.
    """
    known = {limb: length for limb, length in lengths_mm.items() if limb_range(limb) is not None}
    if sum(is_long(limb) for limb in known) < _LEAST_LONG_LIMBS:
        return None
    sums = {stature: sum(_log_factor(limb, length, stature) for limb, length in known.items()) for stature in _STATURES}
    least = min(sums.values())
    best = [stature for stature, value in sums.items() if value <= least + _ALIKE]
    stature = math.sqrt(best[0] * best[-1])
    judged = [_judge(limb, length, stature) for limb, length in known.items()]
    misfits = sorted((misfit for misfit in judged if misfit.factor > 1), key=lambda misfit: -misfit.factor)
    return BodyFit(stature, tuple(misfits))


_LEAST_LONG_LIMBS = 3
_STATURES = tuple(10.0 * 1.01**step for step in range(850))  # 10 mm to 47 m
_ALIKE = 1e-9


def _range(limb: Limb) -> LimbRange:
    return limb_range(limb) or _END


def _judge(limb: Limb, length: float, stature: float) -> Misfit:
    spread, middle = _range(limb).spread, _middle(limb, stature)
    frame = limb_range(limb) in (_LEG, _ARM, _TRUNK, _WIDTH)
    return Misfit(limb.name, length, middle / spread, middle * spread, frame)


def _log_factor(limb: Limb, length: float, stature: float) -> float:
    if not is_long(limb):
        return 0.0
    return abs(math.log(max(length, 1e-3) / _middle(limb, stature)))


def _middle(limb: Limb, stature: float) -> float:
    return (usual_share(limb.parent, limb.child) or 1.0) * _range(limb).middle(stature) * stature
