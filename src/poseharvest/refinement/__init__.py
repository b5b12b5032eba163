"""The last centimetre: poses between the voxels, with covariances that the footage itself calibrates (choice D17).

The sums on the grid find where a joint is and how many places it may have. Where it has one place, a least-squares fit
of the whole pose to the peaks of the views ends the estimate: how exact the detector is, and how rigid each limb, is
learned from the footage. It never sees a picture or the truth. Start with `refine`, then read `learn` and `pose_fit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.refinement.learn import learn_refinement
    from poseharvest.refinement.refine import Refinement
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["Refinement", "learn_refinement"]
