"""A 2D network adapted to the person and the place of a harvest (Sec. 3.4, 4.4).

Start with `personalize_detector`; `labels` has the paper's four label sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.learning.personalize.label_set import LabelSet
    from poseharvest.learning.personalize.personalize_detector import personalize
    from poseharvest.learning.personalize.personalize_options import PersonalizationOptions
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["LabelSet", "PersonalizationOptions", "personalize"]
