"""Sizes, shares and heights that decide what counts as a joint or a person, shared by all that finds and follows."""

from __future__ import annotations

CROP_SCALE = 1.25
"""Window side over the larger extent of the joints, as the networks were trained."""

CLOSING_SCALES = (1.6, 1.4, CROP_SCALE)
"""The same while closing in on somebody, wide first."""

MIN_SIDE_PX = 16.0
"""Side of the smallest window; a person who is smaller in a picture cannot be seen anyway."""

MIN_JOINTS = 4
"""Joints that it takes to know a person's extent."""

MIN_CONFIDENCE = 0.2
"""Mean height of the peaks from which a window shows somebody."""

CONFIDENT_PEAK = 0.2
"""Height from which a single peak counts as a joint."""

MIN_SEEN = 0.3
"""Share of the joints; in a frame with fewer the person was not really seen."""

PERSON_MM = (500.0, 2800.0)
"""Longest side of the box around a person's joints, from that of a child who sits to that of raised arms."""

CONFIRMED_FRAMES = 5
"""Frames in which two views must agree on a person before they are one."""

NOT_NEW_MM = 200.0
"""Median distance of the joints from those of anybody who is known, below which they are nobody new."""
