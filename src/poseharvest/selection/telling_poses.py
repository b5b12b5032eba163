"""Which poses tell most: sure ones, and unlike each other. Pictures of one posture in a row tell hardly more than one.

A pose shows another one as far as both are alike and it is sure. The value of some poses is the sum, over all poses of
the footage, of how well the best of them shows each. That sum is submodular, so taking the pose that adds most, again
and again, comes to 63 % of the best value of as many poses at least (G. L. Nemhauser, L. A. Wolsey, M. L. Fisher, "An
analysis of approximations for maximizing submodular set functions", 1978), and in practice far nearer to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SAME_POSTURE_MM: Final = 60.0
"""Root mean square distance of the joints at which two postures count as half alike."""

SURE_MM: Final = 50.0
"""About the error of a network that sees one picture: a joint as unsure counts half."""

ENOUGH: Final = 0.95
"""Share of the value of all poses that counts as enough."""

MOST_COMPARED: Final = 1500
"""Poses that are compared with each other, spread evenly over longer footage."""


@dataclass(frozen=True, eq=False)
class Postures:
    """Poses without their places.

    Attributes:
        places: (N, J, 3) mm from the middle of the known joints; 0 where not known.
        known: (N, J) bool.
    """

    places: Floats
    known: Flags

    @classmethod
    def of(cls, mean: Floats, known: Flags) -> Postures:
        """Return the postures of poses (N, J, 3), mm, whose joints are known (N, J)."""
        count = np.maximum(known.sum(1), 1)[:, None]
        middle = np.where(known[..., None], mean, 0).sum(1) / count
        return cls(np.where(known[..., None], mean - middle[:, None], 0.0), known)

    def thinned_out(self, step: int) -> Postures:
        """Return every `step`-th one."""
        return Postures(self.places[::step], self.known[::step])

    def likeness(self, others: Postures) -> Floats:
        """Return (N, M) how alike postures are, 0 to 1: a Gaussian of the distance of the joints known in both."""
        own, own_known = self.places.reshape(len(self.places), -1), np.repeat(self.known, 3, axis=1).astype(float)
        their, their_known = others.places.reshape(len(others.places), -1), np.repeat(others.known, 3, axis=1)
        squares = own**2 @ their_known.T + own_known @ (their**2).T - 2 * own @ their.T
        both = self.known.astype(float) @ others.known.T.astype(float)
        alike = np.exp2(-np.maximum(squares, 0) / np.maximum(both, 1) / SAME_POSTURE_MM**2)
        return np.where(both > 0, alike, 0.0)


def certainties(sigma_mm: Floats, known: Flags) -> Floats:
    """Return how sure poses are (N,), 0 to 1: the mean over joints of s0^2 / (s0^2 + sigma^2), s0 being `SURE_MM`.

    Args:
        sigma_mm: (N, J) standard deviations; not finite where nothing is known.
        known: (N, J) bool; others count nothing.
    """
    counts = known & np.isfinite(sigma_mm)
    weight = SURE_MM**2 / (SURE_MM**2 + np.where(counts, sigma_mm, 0.0) ** 2)
    return np.asarray(np.where(counts, weight, 0.0).mean(1))


@dataclass(frozen=True, eq=False)
class TellingPoses:
    """Poses in the order in which they tell most.

    Attributes:
        order: indices of poses.
        value: what that many of them tell, share of what all do, 0 to 1; ascending.
    """

    order: NDArray[np.int64]
    value: Floats

    @property
    def num_enough(self) -> int:
        """How many tell 95 % of what all do."""
        return min(int(np.searchsorted(self.value, ENOUGH)) + 1, len(self.value))


def telling_poses(postures: Postures, certainty: Floats, most: int | None = None) -> TellingPoses:
    """Return the poses that tell most, until the rest adds nothing.

    Of more than `MOST_COMPARED` poses, those are compared that lie evenly over all.

    Args:
        postures: N.
        certainty: (N,) 0 to 1, how sure each pose is.
        most: how many to return at most; all of those compared if None.
    """
    step = max(1, -(-len(certainty) // MOST_COMPARED))
    compared = postures.thinned_out(step)
    shows = compared.likeness(compared) * certainty[None, ::step]
    best = shows.max(1, initial=0.0)
    total = float(best.sum())
    shown, order, value = np.zeros(len(best)), list[int](), list[float]()
    while total > 0 and len(order) < min(len(best), most or len(best)):
        chosen = int(np.argmax(np.maximum(shows, shown[:, None]).sum(0)))
        improved = np.maximum(shown, shows[:, chosen])
        if improved.sum() <= shown.sum():
            break
        shown = improved
        order.append(chosen * step)
        value.append(min(float(shown.sum()) / total, 1.0))
    return TellingPoses(np.array(order, dtype=np.int64), np.array(value))
