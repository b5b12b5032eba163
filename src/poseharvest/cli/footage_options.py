"""Help of the options that say how footage differs from the pictures of its calibration."""

from __future__ import annotations

ROTATE = "Degrees clockwise by which the footage is turned against the calibration: 90, or cam01=90,cam02=270."
SCALE = "Size of the footage over that of the calibration: 0.5, or cam01=0.5,cam02=1/3."
