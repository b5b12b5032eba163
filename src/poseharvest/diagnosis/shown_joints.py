"""Where each view shows one person's joints over some frames, whatever the calibration says."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

_LONGEST_GAP = 3  # frames between which positions are interpolated

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ShownJoints:
    """One person's joints in the pictures of V views.

    Attributes:
        frames: (T,) increasing numbers of the frames.
        pixels: (V, T, J, 2) x, y in the pictures; NaN where a view does not show the joint.
    """

    frames: NDArray[np.int64]
    pixels: Floats

    def at(self, frames: NDArray[np.int64] | slice) -> ShownJoints:
        """Return these frames alone, as places 0 to T - 1 among the frames."""
        return ShownJoints(self.frames[frames], self.pixels[:, frames])

    def few(self, count: int) -> ShownJoints:
        """Return at most so many frames, spread evenly."""
        places = np.linspace(0, len(self.frames) - 1, min(count, len(self.frames))).round().astype(np.int64)
        return self.at(places)

    def beside(self, other: ShownJoints) -> ShownJoints:
        """Return both as if they were one person: the joints of this one, then those of the other one."""
        frames = np.union1d(self.frames, other.frames)
        pixels = [one.pixels_at(frames) for one in (self, other)]
        return ShownJoints(frames, np.concatenate(pixels, axis=2))

    def pixels_at(self, frames: NDArray[np.int64]) -> Floats:
        """Return the pixels (V, N, J, 2) at increasing numbers of frames that include its own; NaN in the others."""
        views, _, joints, _ = self.pixels.shape
        found = np.full((views, len(frames), joints, 2), np.nan)
        found[:, np.searchsorted(frames, self.frames)] = self.pixels
        return found

    def with_view(self, view: int, pixels: Floats) -> ShownJoints:
        """Return the same with other (T, J, 2) pixels in one view."""
        changed = self.pixels.copy()
        changed[view] = pixels
        return replace(self, pixels=changed)

    def with_exchanged(self, view: int, other: int) -> ShownJoints:
        """Return the same with the pixels of two views exchanged."""
        changed = self.pixels.copy()
        changed[[view, other]] = changed[[other, view]]
        return replace(self, pixels=changed)

    def in_time(self, view: int, times: Floats) -> Floats:
        """Return what a view shows at other times, interpolated between its frames.

        Args:
            view: its number.
            times: (T,) in frames.

        Returns:
            (T, J, 2) pixels; NaN where the frames around a time are not among those that are known.
        """
        after = np.searchsorted(self.frames, times).clip(1, len(self.frames) - 1)
        first, second = self.frames[after - 1], self.frames[after]
        part = (times - first) / np.maximum(second - first, 1)
        is_near = (part >= 0) & (part <= 1) & (second - first <= _LONGEST_GAP)
        pixels = self.pixels[view]
        part = part[:, None, None]
        # A neighbour that does not count may be unknown.
        between = np.where(part == 0, pixels[after - 1], pixels[after - 1] * (1 - part) + pixels[after] * part)
        return np.where(is_near[:, None, None], np.where(part == 1, pixels[after], between), np.nan)
