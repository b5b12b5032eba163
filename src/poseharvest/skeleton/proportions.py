"""Proportions of people: the range of lengths of a limb, from toddlers to the tallest adults.

The model is an upright adult of height one with hanging arms. The usual length of a limb is the distance between its
ends in this model. Long limbs follow de Leva, "Adjustments to Zatsiorsky-Seluyanov's segment inertia parameters"
(1996), between joint centres; heights of joints follow Drillis and Contini, "Body segment parameters" (1966), as
Winter's book prints them. Where detectors do not mark the anatomical place, as at the hips and in the face, the places
are roughly those of the training data of the detectors. Ranges cover differences of age, build and joint definition.
For example, the head of a toddler is a larger share of the stature, and the legs are a smaller one. Joints without a
place here, such as those of animals, have no proportions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from poseharvest.arrays import FloatArray
from poseharvest.skeleton.human import SIDES
from poseharvest.skeleton.skeleton import Limb, Skeleton

MIN_STATURE_MM, MAX_STATURE_MM = 650.0, 2400.0
"""Accepted estimates of the stature: people from 0.75 to 2.3 m, and the error of the estimate."""

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
"""Position of every joint of the upright adult (left, forward, up), as shares of the stature."""


@dataclass(frozen=True)
class LimbRange:
    """How much the length of a limb may differ from that of the upright adult.

    Attributes:
        spread: usual lengths lie within this factor of the middle length.
        toddler: middle share of the stature for a person of 0.8 m, divided by that of the adult. It changes to 1 at 1.5
            m.
        is_long: True for the limbs from which the stature is estimated.
    """

    spread: float
    toddler: float = 1.0
    is_long: bool = False

    def middle(self, stature_mm: float) -> float:
        """Return the middle share of the stature, divided by that of the adult, for a stature in mm."""
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
_TALL = 0.2  # share of the stature: a longer limb to a hip or shoulder is a trunk, a shorter one is a width


def usual_share(start: str, end: str) -> float | None:
    """Return the limb length of the adult as a share of the stature; None if a joint has no place in the model."""
    if start not in PLACES or end not in PLACES:
        return None
    return math.dist(PLACES[start], PLACES[end])


def limb_range(limb: Limb) -> LimbRange | None:
    """Return the range of a limb; None if it is not a limb of a person."""
    share = usual_share(limb.parent, limb.child)
    if share is None:
        return None
    stem = limb.child.removeprefix("left_").removeprefix("right_")
    expected = _RANGE_BY_CHILD.get(stem, _HEAD)
    return _TRUNK if expected is _WIDTH and share > _TALL else expected


def is_long(limb: Limb) -> bool:
    """Return whether the stature is estimated from a limb: a part of an arm or leg, or the trunk."""
    expected = limb_range(limb)
    return expected is not None and expected.is_long


def is_of_the_frame(limb: Limb) -> bool:
    """Return whether a limb belongs to trunk, arms, legs, or the widths of hips and shoulders of a person."""
    return limb_range(limb) in (_LEG, _ARM, _TRUNK, _WIDTH)


@dataclass(frozen=True)
class Misfit:
    """A limb that does not fit the others.

    Attributes:
        limb: its name, as `parent-child`.
        length_mm: its measured length.
        least_mm: the shortest usual length at this stature.
        most_mm: the longest usual length at this stature.
        is_of_the_frame: True for trunk, arms, legs and the widths of hips and shoulders; False for head, hands, feet.
    """

    limb: str
    length_mm: float
    least_mm: float
    most_mm: float
    is_of_the_frame: bool = True

    @property
    def factor(self) -> float:
        """The factor by which the limb is too long or too short, 1 or more."""
        if self.length_mm <= 0:
            return math.inf
        return max(self.length_mm / self.most_mm, self.least_mm / self.length_mm)

    @property
    def is_long(self) -> bool:
        """True if it is too long, False if too short."""
        return self.length_mm > self.most_mm


@dataclass(frozen=True)
class BodyFit:
    """How well the lengths of some limbs agree with those of a person.

    Attributes:
        stature_mm: stature of the person that fits best.
        misfits: the limbs outside the usual range for this stature, the worst first.
    """

    stature_mm: float
    misfits: tuple[Misfit, ...]


@lru_cache(maxsize=4096)
def whole_over_part(skeleton: Skeleton, known: tuple[bool, ...]) -> float:
    """Return the size of the whole body divided by that of a part, 1 to 3.

    Sizes are the longest sides of the boxes around the joints of the upright adult. 1 if the skeleton is not that of a
    person.

    Args:
        skeleton: J joints.
        known: for each of the J joints, whether it belongs to the part.
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
    """Return whether every joint is a joint of a person, so that the proportions apply."""
    return all(joint in PLACES for joint in skeleton.joints)


def fit_body(lengths_mm: Mapping[Limb, float]) -> BodyFit | None:
    """Return how well the limbs of one body fit; None if fewer than three are long limbs of a person.

    The stature minimises the sum of the logarithms of the factors by which long limbs lie outside their ranges. So a
    few wrong limbs do not change it. If several statures are equally good, it is the middle one.

    Args:
        lengths_mm: measured lengths, mm; limbs that are not those of a person are left out.
    """
    known = {limb: length for limb, length in lengths_mm.items() if limb_range(limb) is not None}
    if sum(is_long(limb) for limb in known) < _LEAST_LONG_LIMBS:
        return None
    long = [(limb, math.log(max(length, 1e-3))) for limb, length in known.items() if is_long(limb)]
    sums = sum(np.abs(log_length - _log_middles(limb)) for limb, log_length in long)
    best = np.flatnonzero(sums <= sums.min() + _ALIKE)
    stature = math.sqrt(_STATURES[best[0]] * _STATURES[best[-1]])
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
    return Misfit(limb.name, length, middle / spread, middle * spread, is_of_the_frame(limb))


@lru_cache(maxsize=512)
def _log_middles(limb: Limb) -> FloatArray:
    """Return the log of the middle length of a limb, mm, for each of `_STATURES`."""
    return np.log([_middle(limb, stature) for stature in _STATURES])


def _middle(limb: Limb, stature: float) -> float:
    return (usual_share(limb.parent, limb.child) or 1.0) * _range(limb).middle(stature) * stature
