"""What of a joint's marginal may be dropped."""

from __future__ import annotations

import math
from typing import NamedTuple


class Rule(NamedTuple):
    """What may be dropped of a joint in a frame.

    Attributes:
        budget: of worth.
        wide: deviation, in blocks, beyond which the budget shrinks as the variance grows: the poses that a wide
            marginal loses are far apart, and so are their other joints.
        spread_in_block: variance along the three axes together, of a block's edge.
        always_kept: blocks: so few cost nothing, and where they are all there is, a rough belief would choose badly.
    """

    budget: float
    wide: float = math.inf
    spread_in_block: float = 0.25
    always_kept: int = 100
