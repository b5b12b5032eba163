"""What of a joint's marginal may be dropped."""

from __future__ import annotations

import math
from typing import NamedTuple


class Rule(NamedTuple):
    """What may be dropped of a joint in a frame.

    A block's worth is its share of the marginal, times 1 + a third of its squared Mahalanobis distance from the mean:
    across a thin marginal, a few voxels away is far. The blocks of least worth go, as many as the budget allows. One
    threshold decides about all blocks of a joint in a frame. It is read from a histogram of worth.

    Attributes:
        budget: of worth.
        wide: deviation, in blocks, beyond which the budget shrinks as the variance grows: the poses that a wide
            marginal loses are far apart, and so are their other joints.
        spread_in_block: variance along the three axes together, of a block's edge.
        always_kept: blocks: so few cost nothing, and where they are all there is, a rough belief would choose badly.
        bin_shift: lowest bits of a worth, a float of 32 bits, that the histogram ignores: with 22 a bin is half an
            octave. The other bits but the sign are the number of the bin.
    """

    budget: float
    wide: float = math.inf
    spread_in_block: float = 0.25
    always_kept: int = 100
    bin_shift: int = 22
