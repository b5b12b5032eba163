"""Following people from moment to moment: one, one among many, all of them, or one in the pictures of a single view.

It uses `find` for everything that concerns a single moment. Start with `one_person`, then `people_tracker`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.localization.follow.one_of_many import one_person_tracker
    from poseharvest.localization.follow.one_person import OnePersonTracker, Tracker, batch_length
    from poseharvest.localization.follow.one_view import OneViewTracker
    from poseharvest.localization.follow.people_tracker import PeopleTracker
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["OnePersonTracker", "OneViewTracker", "PeopleTracker", "Tracker", "batch_length", "one_person_tracker"]
