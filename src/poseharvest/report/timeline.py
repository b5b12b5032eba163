"""Per joint over time: its uncertainty and its selection, in a bounded number of columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.report.ellipses import sigma_mm

MAX_COLUMNS = 600

_BYTES_A_COLUMN = 20  # of a joint: its numbers and its colour


@dataclass(frozen=True, eq=False)
class Timeline:
    """One person's joints over time; a column is one frame or several neighbours.

    Attributes:
        person: the person.
        first_frame: (C,) first frame of every column.
        last_frame: (C,) its last frame.
        sigma_mm: (J, C) geometric mean over the column's frames of det^(1/6); NaN where no camera sees the joint.
        selected_share: (J, C) share of the column's frames in which the joint was selected; NaN without frames.
    """

    person: int
    first_frame: NDArray[np.int64]
    last_frame: NDArray[np.int64]
    sigma_mm: NDArray[np.float64]
    selected_share: NDArray[np.float64]


def timeline_bytes(num_joints: int) -> int:
    """Return how much of a page one person's joints over time take at most."""
    return _BYTES_A_COLUMN * MAX_COLUMNS * num_joints


class TimelineTally:
    """Sums one person's frames into columns.

    Args:
        person: the person.
        frames: first and last frame of the harvest.
        num_joints: J.
    """

    def __init__(self, person: int, frames: tuple[int, int], num_joints: int) -> None:
        self._person = person
        self._start = frames[0]
        num_frames = frames[1] - frames[0] + 1
        self._per_column = max(1, -(-num_frames // MAX_COLUMNS))
        self._last = frames[1]
        num_columns = -(-num_frames // self._per_column)
        self._log_sum, self._num_seen, self._num_selected = (np.zeros((num_joints, num_columns)) for _ in range(3))
        self._num_frames = np.zeros(num_columns)

    def add(self, frame: FrameAnnotations, selected: NDArray[np.bool_]) -> None:
        """Add one frame of this person; `selected` is (J,)."""
        column = (frame.frame - self._start) // self._per_column
        sigma = sigma_mm(frame.cov).numpy()
        visible = frame.supported.numpy() & (sigma > 0)
        self._log_sum[visible, column] += np.log(sigma[visible])
        self._num_seen[:, column] += visible
        self._num_selected[:, column] += selected
        self._num_frames[column] += 1

    def summary(self) -> Timeline:
        """Return the columns."""
        first = self._start + np.arange(len(self._num_frames)) * self._per_column
        with np.errstate(invalid="ignore", divide="ignore"):
            sigma = np.exp(self._log_sum / self._num_seen)
            share = self._num_selected / self._num_frames
        last = np.minimum(first + self._per_column - 1, self._last)
        return Timeline(self._person, first, last, sigma, share)
