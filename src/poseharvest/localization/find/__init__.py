"""Finding people in one moment, independently of the moments before it.

`scan` finds candidates in each view, `match_views` finds out which of them are the same person, `look_again` looks
closer. `assign` gives candidates to people who are known. Nothing here knows how people move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.localization.find.look_again import locate
    from poseharvest.localization.find.moment_finder import MomentFinder
    from poseharvest.localization.find.picture_turns import find_upright
    from poseharvest.localization.find.scan import Candidate, find_candidates
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["Candidate", "MomentFinder", "find_candidates", "find_upright", "locate"]
