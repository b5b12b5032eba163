"""A 2D network adapted to the person and the place of a harvest (Sec. 3.4, 4.4).

Start with `personalize_detector`; `labels` has the paper's four label sets.
"""

from __future__ import annotations

from poseharvest.learning.personalize.labels import LabelSet
from poseharvest.learning.personalize.personalize_detector import personalize
from poseharvest.learning.personalize.personalize_options import PersonalizationOptions

__all__ = ["LabelSet", "PersonalizationOptions", "personalize"]
