"""Sizes, shares and heights that decide what counts as a joint or a person, for finding and for following."""

from __future__ import annotations

CROP_SCALE = 1.25
"""Window side over the larger extent of the joints, as the networks were trained."""

CLOSING_SCALES = (1.6, 1.4, CROP_SCALE)
"""The same while a search closes in on a person, wide first."""

MIN_SIDE_PX = 16.0
"""Side of the smallest window; a person who is smaller in a picture cannot be seen anyway."""

MIN_JOINTS = 4
"""Number of joints needed to know a person's extent."""

MIN_CONFIDENCE = 0.2
"""Mean height of the peaks from which a window shows a person."""

CONFIDENT_PEAK = 0.2
"""Height from which a single peak counts as a joint."""

MIN_KNOWN = 0.3
"""Share of the joints that must be known in a frame for the person to count as seen."""

PERSON_MM = (500.0, 2800.0)
"""Longest side of the box around a person's joints: from a sitting child to an adult with raised arms."""

CONFIRMED_FRAMES = 5
"""Number of frames in which two views must agree on a person before the track is confirmed."""

NEW_PERSON_MM = 200.0
"""Median distance of the joints from those of all known people; from here on, the joints are a new person's."""
