"""Finding people in one moment, whatever the moments before it hold.

`scan` finds candidates in each view, `match_views` says which of them are one person, `look_again` looks closer.
Nothing here remembers anybody.
"""

from __future__ import annotations

from poseharvest.localization.find.look_again import locate
from poseharvest.localization.find.moment_finder import MomentFinder
from poseharvest.localization.find.picture_turns import find_upright
from poseharvest.localization.find.scan import Candidate, find_candidates

__all__ = ["Candidate", "MomentFinder", "find_candidates", "find_upright", "locate"]
