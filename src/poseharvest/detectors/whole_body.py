"""Networks of whole bodies: the joints of the body for the harvest, and those of both hands in the same windows.

A network gives every joint a peak in every window. A joint of a hand counts as found from the score on that publishers
of such networks draw joints from; what is called found wrongly is left out by the views that see the hand elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from poseharvest.detectors.network import WindowDetector
from poseharvest.detectors.protocol import CroppedView
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.skeleton.hands import HAND21, HAND_ROOTS, of_side
from poseharvest.skeleton.human import SIDES
from poseharvest.skeleton.skeleton import Limb, Skeleton

LEAST_SCORE = 0.3
"""Score from which a joint of a hand is found, as MMPose and AlphaPose draw joints."""


def _joint(joint: str, side: str) -> str:
    return HAND_ROOTS[SIDES.index(side)] if joint == HAND21.joints[0] else of_side(joint, side)


_PAIRS = tuple((_joint(joint, "left"), _joint(joint, "right")) for joint in HAND21.joints)

BOTH_HANDS = Skeleton(
    "both hands",
    tuple(_joint(joint, side) for side in SIDES for joint in HAND21.joints),
    (
        Limb(*HAND_ROOTS),  # a tree has one root; nothing is inferred on this one
        *(Limb(_joint(limb.parent, side), _joint(limb.child, side)) for side in SIDES for limb in HAND21.limbs),
    ),
    _PAIRS,
)
"""The joints of the left hand and of the right one, each with its own wrist, as whole-body layouts list them."""


class WholeBodyDetector(WindowDetector):
    """A `WindowDetector` that finds the joints of both hands as well.

    Attributes:
        holds_hands: True.
    """

    holds_hands = True

    def __init__(self, hand_windows: WindowDetector, **of_body: Any) -> None:
        """Take the detector of `BOTH_HANDS`, and what `WindowDetector` takes for the body."""
        super().__init__(**of_body)
        self._hand_windows = hand_windows

    def hands_in(self, views: Sequence[CroppedView]) -> list[Tensor]:
        """Return (2, 21, 3) float64 x, y, score of the left and the right hand in each window, pixels of its picture.

        The score is 0 for a joint that is not found.

        Raises:
            DetectorError: a view comes without its picture.
        """
        if not views:
            return []
        peaks = heatmap_peaks(self._hand_windows.detect(views).cpu(), [view.crop for view in views])
        found = peaks.score >= LEAST_SCORE
        score = torch.where(found, peaks.score, 0.0).double()
        rows = torch.cat((peaks.pixels.double(), score[..., None]), -1)
        return list(rows.reshape(len(views), len(SIDES), len(HAND21), 3))
