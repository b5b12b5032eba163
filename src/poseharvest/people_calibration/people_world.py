"""Which world a calibration from people may have."""

from __future__ import annotations

from typing import Literal

PeopleWorld = Literal["camera", "person"]
"""The world of the result: that of the first camera, or that of a person who stands upright."""
