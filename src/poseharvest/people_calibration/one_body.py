"""One body in all views: which of a view's people it is at each moment, and what lengths its limbs have."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poseharvest.people_calibration.joint_sightings import Bools, Floats, JointSightings
from poseharvest.skeleton.proportions import usual_share
from poseharvest.skeleton.skeleton import Limb, Skeleton

USUAL_STATURE_MM = 1700.0
"""The stature that is assumed where nothing is known of it."""

_LEAST_JOINTS = 4
_OTHER_PERSON = 0.25  # median distance of the joints from where the other views put them, over the person's extent


@dataclass(frozen=True, eq=False)
class BodySightings:
    """The joints of one body before V cameras.

    Attributes:
        pixels: (V, T, J, 2) x, y; NaN where a view does not show the joint.
        weights: (V, T, J) how sure the detector is, 0 to 1; 0 where a view does not show the joint.
        extents_px: (V, T) longer side of the box around the body, pixels; 0 where it is not shown.
    """

    pixels: Floats
    weights: Floats
    extents_px: Floats

    @property
    def shown(self) -> Bools:
        """(V, T, J) bool, whether a view shows the joint."""
        return self.weights > 0

    def of_views(self, views: Sequence[int]) -> BodySightings:
        """Return the sightings of some views alone."""
        chosen_views = list(views)
        return replace(
            self,
            pixels=self.pixels[chosen_views],
            weights=self.weights[chosen_views],
            extents_px=self.extents_px[chosen_views],
        )

    def at(self, moments: NDArray[np.int64]) -> BodySightings:
        """Return the sightings of some moments (M,) alone."""
        return replace(
            self,
            pixels=self.pixels[:, moments],
            weights=self.weights[:, moments],
            extents_px=self.extents_px[:, moments],
        )

    @property
    def usual_extents_px(self) -> Floats:
        """(V,) median extent of the body, pixels; NaN for views that never show it."""
        known = np.where(self.extents_px > 0, self.extents_px, np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a view that never shows the body
            return np.asarray(np.nanmedian(known, 1), dtype=np.float64)


def most_visible(sightings: JointSightings) -> BodySightings:
    """Return in each view the person who is shown largest and longest, through all moments."""
    total = (sightings.extents_px() * sightings.weights.mean(-1)).sum(1)  # (V, P)
    return chosen(sightings, np.broadcast_to(total.argmax(1)[:, None], sightings.weights.shape[:2]))


def nearest_to(sightings: JointSightings, expected: Floats) -> BodySightings:
    """Return in each picture the person nearest to where the other views put the body; none if nobody is near.

    Args:
        sightings: of everybody.
        expected: (V, T, J, 2) where the joints are expected, pixels; NaN where that is not known.
    """
    apart = np.linalg.norm(sightings.pixels - expected[:, :, None], axis=-1)
    enough = np.isfinite(apart).sum(-1) >= _LEAST_JOINTS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # people with no joint to compare
        distance = np.nanmedian(np.where(enough[..., None], apart, np.nan), -1)
    relative = np.where(enough, distance / np.maximum(sightings.extents_px(), 1.0), np.inf)
    people = relative.argmin(-1)
    is_near = np.take_along_axis(relative, people[..., None], -1)[..., 0] < _OTHER_PERSON
    return chosen(sightings, np.where(is_near, people, -1))


def chosen(sightings: JointSightings, people: NDArray[np.int64]) -> BodySightings:
    """Return the joints of the people (V, T) with these places in each view; -1 for none."""
    place = np.maximum(people, 0)[:, :, None, None]
    is_there = (people >= 0)[:, :, None]
    weights = np.where(is_there, np.take_along_axis(sightings.weights, place, 2)[:, :, 0], 0.0)
    pixels = np.take_along_axis(sightings.pixels, place[..., None], 2)[:, :, 0]
    extents = np.take_along_axis(sightings.extents_px(), np.maximum(people, 0)[..., None], 2)[..., 0]
    return BodySightings(np.where(weights[..., None] > 0, pixels, np.nan), weights, np.where(people >= 0, extents, 0.0))


def limb_joints(skeleton: Skeleton) -> NDArray[np.int64]:
    """Return (L, 2) the numbers of the two joints of each limb."""
    pairs = [(skeleton.index(limb.parent), skeleton.index(limb.child)) for limb in skeleton.limbs]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def lengths_of(points: Floats, limbs: NDArray[np.int64]) -> Floats:
    """Return (L,) the median lengths of limbs in points (T, J, 3); NaN for a limb that is never known."""
    lengths = np.linalg.norm(points[:, limbs[:, 0]] - points[:, limbs[:, 1]], axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(lengths, 0), dtype=np.float64)


def usual_lengths(skeleton: Skeleton) -> Floats:
    """Return (L,) the lengths of the limbs of an adult of the assumed stature, mm; NaN where they are not known."""
    return np.array([_usual_length(limb) for limb in skeleton.limbs])


def _usual_length(limb: Limb) -> float:
    share = usual_share(limb.parent, limb.child)
    return USUAL_STATURE_MM * share if share else float("nan")
