"""Proportions of people: how long a limb between two joints usually is, as a share of the stature.

The adult stands upright, arms hanging, one unit tall; a limb's usual length is the distance of its ends there. Long
limbs follow de Leva, "Adjustments to Zatsiorsky-Seluyanov's segment inertia parameters" (1996), between joint centres;
heights of joints follow Drillis and Contini, "Body segment parameters" (1966), as Winter's book prints them. Where
detectors mark something else than anatomy, as at the hips and in the face, the places are those of the detectors'
training data, roughly. A joint that has no place here has no proportions, as an animal's.
"""

from __future__ import annotations

import math

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
    for side, sign in (("left", 1), ("right", -1))
}
"""Where every joint of an upright adult is: to the left, forward, up, as shares of the stature."""


def usual_share(start: str, end: str) -> float | None:
    """Return the length of the limb of an adult as a share of the stature, None where a joint has no place."""
    if start not in PLACES or end not in PLACES:
        return None
    return math.dist(PLACES[start], PLACES[end])
