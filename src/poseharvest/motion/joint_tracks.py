"""One person's joints over time, before and after smoothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import ShapeError
from poseharvest.motion.error_times import ErrorTimes
from poseharvest.motion.motion_options import MotionOptions

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_NEXT = 1.5  # steps: a pause up to this is no gap


@dataclass(frozen=True, eq=False)
class JointTrack:
    """One person's measured joints in T frames, evenly numbered; frames without the person are among them.

    Attributes:
        times_s: (T,) seconds, ascending.
        mean: (T, J, 3) positions, mm; ignored where not known.
        cov: (T, J, 3, 3) their covariances, mm^2, positive definite where known; only ratios count if not
            `is_calibrated`.
        known: (T, J) bool, True where the position was measured.
        errors: how long the errors last.
        is_calibrated: the covariances are as large as the errors; if not, a factor is learned from the track.
    """

    times_s: Floats
    mean: Floats
    cov: Floats
    known: Flags
    errors: ErrorTimes = field(default_factory=ErrorTimes)
    is_calibrated: bool = False

    def __post_init__(self) -> None:
        frames, joints = self.known.shape
        wanted = ((frames,), (frames, joints, 3), (frames, joints, 3, 3))
        got = (self.times_s.shape, self.mean.shape, self.cov.shape)
        if wanted != got:
            raise ShapeError(f"track: expected times, means and covariances of shapes {wanted}, got {got}")
        if np.any(np.diff(self.times_s) <= 0):
            raise ShapeError("track: expected times that ascend, got others")

    @property
    def step_s(self) -> float:
        """The median time between frames, s; 1 for a single frame."""
        return float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 1.0

    def runs(self, joint: int, options: MotionOptions) -> list[slice]:
        """Return the stretches of frames that begin and end with a known position and hold no long gap."""
        frames = np.flatnonzero(self.known[:, joint])
        longest = max(options.longest_gap_s * (1 + 1e-9), _NEXT * self.step_s)
        breaks = np.flatnonzero(np.diff(self.times_s[frames]) > longest) + 1
        return [slice(int(part[0]), int(part[-1]) + 1) for part in np.split(frames, breaks) if len(part)]


@dataclass(frozen=True, eq=False)
class SmoothTrack:
    """The same joints after smoothing.

    Attributes:
        mean: (T, J, 3) positions, mm; NaN where there is none.
        sigma_mm: (T, J) det^(1/6) of their covariances; NaN where there is none.
        filled: (T, J) bool, True where the position was not measured.
        cutoff_hz: (T, J) the local cut-off frequency: motion that is much faster is taken for noise.
        noise_factor: (J,) the measurements' covariances must be multiplied by it to match the errors that do not stay.
        process_noise: (J,) median power of the noise in the third derivative, mm^2 / s^5.
    """

    mean: Floats
    sigma_mm: Floats
    filled: Flags
    cutoff_hz: Floats
    noise_factor: Floats
    process_noise: Floats
