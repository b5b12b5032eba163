"""Stretches of a take in which one view stands still while the person moves, or shows nobody where the person is.

Every record is compared with an earlier one of the same person, in a memory that does not grow with the take. What is
found is a suspicion: a network may also see the person in a thing that stands there. Pictures or keypoint files decide
(`harvesting.stretch_check`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.diagnosis.shown_joints import Floats
from poseharvest.localization.limits import CONFIDENT_PEAK

LEAST_FRAMES, LEAST_S = 10, 0.5
"""A shorter stretch is not looked at: a camera may store every picture several times."""

SAME_KEYPOINTS = 0.0
"""Share of the person's extent by which keypoints of one and the same file may move."""

SAME_PICTURE = 0.008
"""The same for a network, which looks at one picture through windows that move with the person."""

_ROUNDING_PX = 0.01
_LEAST_MOVED_PX, _LEAST_MOVED_SHARE = 10.0, 0.02  # of a person who moves; the share is of the extent in the picture
_LEAST_MOVED_FRAMES = 5
_LEAST_JOINTS = 4
_SEES_NOTHING = 0.15  # share of the joints, at most
_MAX_PEOPLE = 50

Bools = NDArray[np.bool_]
StretchKind = Literal["still", "blind"]


@dataclass(frozen=True)
class ViewStretch:
    """Frames in a row in which something seems wrong with a view.

    Attributes:
        view: its number.
        kind: "still": its joints stand still although the person moves; "blind": it shows nobody although the person is
            within its picture.
        first: the first of the frames.
        last: the last of them.
        from_frame: the same as `first`; None if the person's first frame is among them.
        before_frame: the first frame after them; None if the person's last frame is among them.
        moved_px: how far the person moves in the picture meanwhile, pixels.
    """

    view: int
    kind: StretchKind
    first: int
    last: int
    from_frame: int | None
    before_frame: int | None
    moved_px: float

    @property
    def num_frames(self) -> int:
        """The number of its frames."""
        return self.last - self.first + 1


class StretchTally:
    """Looks for such stretches in a stream of records, in order of frame.

    Args:
        num_views: number of views.
        still_share: by what share of the person's extent joints that stand still may move.
    """

    def __init__(self, num_views: int, still_share: float) -> None:
        self._num_views, self._still_share = num_views, still_share
        self._people: dict[int, tuple[_Runs, _Runs]] = {}

    def add(self, record: FrameAnnotations) -> None:
        """Add one person in one frame."""
        if record.person not in self._people:
            if len(self._people) == _MAX_PEOPLE:
                return
            self._people[record.person] = (
                _StillRuns(record, self._num_views, self._still_share),
                _BlindRuns(record, self._num_views, self._still_share),
            )
        for runs in self._people[record.person]:
            runs.add(record)

    def stretches(self) -> tuple[ViewStretch, ...]:
        """Return the longest stretch of each kind in each view."""
        longest: dict[tuple[int, StretchKind], ViewStretch] = {}
        for runs in (one for both in self._people.values() for one in both):
            for stretch in runs.finished():
                key = stretch.view, stretch.kind
                if key not in longest or longest[key].num_frames < stretch.num_frames:
                    longest[key] = stretch
        return tuple(longest[key] for key in sorted(longest))


class _Runs(ABC):
    """The run of each view that is not over yet, and the longest one that is.

    Args:
        record: the first one of the person.
        num_views: number of views.
        still_share: see `StretchTally`.
    """

    kind: StretchKind
    _num_of_first: int  # is the record with which others are compared one of the run?

    def __init__(self, record: FrameAnnotations, num_views: int, still_share: float) -> None:
        self._still_share, self._begin = still_share, record.frame
        self._longest: dict[int, ViewStretch] = {}
        self._first, self._last = (np.full(num_views, record.frame, dtype=np.int64) for _ in range(2))
        self._first_s, self._last_s = (np.full(num_views, record.time_s) for _ in range(2))
        self._num = np.zeros(num_views, dtype=np.int64)
        self._num_moved = np.zeros(num_views, dtype=np.int64)
        self._moved_px = np.zeros(num_views)
        self._pose = np.full(record.pixels.shape, np.nan)
        self._peaks = np.full(record.pixels.shape, np.nan)
        self._apart_px = np.full(num_views, np.nan)
        self._restart(np.ones(num_views, dtype=bool), record)
        self._num[:] = 0  # it is added once more

    def add(self, record: FrameAnnotations) -> None:
        """Go on with the runs, or end them and begin anew."""
        goes_on, breaks = self._judged(record)
        for view in np.flatnonzero(breaks):
            self._keep(int(view), record.frame)
        self._restart(breaks, record)
        moved_px = _median_apart(record.pixels.numpy(), self._pose, record.supported.numpy())
        begins = goes_on & (self._num == 0)
        self._first[begins], self._first_s[begins] = record.frame, record.time_s
        self._last[~breaks], self._last_s[~breaks] = record.frame, record.time_s
        self._num += goes_on
        far = np.nan_to_num(moved_px) > _least_moved_px(self._pose)
        self._num_moved += goes_on & far
        self._moved_px = np.where(goes_on, np.fmax(self._moved_px, moved_px), self._moved_px)

    def finished(self) -> tuple[ViewStretch, ...]:
        """Return the longest run of each view, those that are not over included; those that show nothing are not."""
        for view in range(len(self._first)):
            self._keep(view, None)
        return tuple(self._longest.values())

    @abstractmethod
    def _judged(self, record: FrameAnnotations) -> tuple[Bools, Bools]:
        """Return in which views (V,) the run certainly goes on, and in which it ends before this record."""

    @abstractmethod
    def _is_stretch(self, view: int) -> bool:
        """Return whether the run of a view that is long enough shows a fault."""

    def _restart(self, views: Bools, record: FrameAnnotations) -> None:
        known = _known(record)
        self._first[views] = self._last[views] = record.frame
        self._first_s[views] = self._last_s[views] = record.time_s
        self._num[views], self._num_moved[views], self._moved_px[views] = self._num_of_first, 0, 0.0
        self._pose[views] = record.pixels.numpy()[views]
        self._peaks[views] = np.where(known[..., None], record.peak_pixels.numpy(), np.nan)[views]
        self._apart_px[views] = _median_apart(self._peaks, self._pose, known)[views]

    def _keep(self, view: int, before_frame: int | None) -> None:
        first, last = int(self._first[view]), int(self._last[view])
        is_long = self._num[view] >= LEAST_FRAMES and self._last_s[view] - self._first_s[view] >= LEAST_S
        earlier = self._longest.get(view)
        if not is_long or not self._is_stretch(view) or (earlier and earlier.num_frames > last - first):
            return
        begins = None if first == self._begin else first
        moved_px = float(self._moved_px[view])
        self._longest[view] = ViewStretch(view, self.kind, first, last, begins, before_frame, moved_px)


class _StillRuns(_Runs):
    """Frames in which the joints of a view stay where they were; a frame without any says nothing."""

    kind, _num_of_first = "still", 1

    def _judged(self, record: FrameAnnotations) -> tuple[Bools, Bools]:
        known = _known(record)
        both = (known & np.isfinite(self._peaks).all(-1)).sum(-1) >= _LEAST_JOINTS
        shows = known.sum(-1) >= _LEAST_JOINTS
        apart_px = _median_apart(record.peak_pixels.numpy(), self._peaks, known)
        stays = both & (np.nan_to_num(apart_px) <= np.fmax(_ROUNDING_PX, self._still_share * _extent_px(self._pose)))
        return stays, shows & ~stays

    def _is_stretch(self, view: int) -> bool:
        # At first the view shows the person where the others do: a thing in the room does not.
        return bool(self._num_moved[view] >= _LEAST_MOVED_FRAMES and self._apart_px[view] < self._moved_px[view] / 2)


class _BlindRuns(_Runs):
    """Frames in which a view shows next to no joint of a person who is within its picture."""

    kind, _num_of_first = "blind", 0

    def _judged(self, record: FrameAnnotations) -> tuple[Bools, Bools]:
        present = np.asarray([crop is not None for crop in record.crops])
        is_blind = (_known(record).mean(-1) <= _SEES_NOTHING) & present & (record.inside.numpy().mean(-1) > 0.5)
        return is_blind, ~is_blind

    def _is_stretch(self, view: int) -> bool:
        return True


def _known(record: FrameAnnotations) -> Bools:
    """Return (V, J) whether a view shows a joint."""
    known: Bools = (record.peak_score.numpy() > CONFIDENT_PEAK) & np.isfinite(record.peak_pixels.numpy()).all(-1)
    return known


def _median_apart(pixels: Floats, others: Floats, known: Bools) -> Floats:
    """Return (V,) the median distance of known joints; NaN where none is known in both."""
    apart = np.sort(np.where(known, np.linalg.norm(pixels - others, axis=-1), np.nan), axis=-1)  # NaN last
    num = np.isfinite(apart).sum(-1)
    middle = np.stack((np.maximum(num - 1, 0) // 2, np.minimum(num // 2, apart.shape[-1] - 1)), axis=-1)
    return np.asarray(np.take_along_axis(apart, middle, axis=-1).mean(-1))


def _extent_px(pose: Floats) -> Floats:
    """Return (V,) the diagonal of the box around the joints; 0 where none is known."""
    known = np.isfinite(pose)
    highest = np.where(known, pose, -np.inf).max(-2)
    lowest = np.where(known, pose, np.inf).min(-2)
    return np.asarray(np.linalg.norm(np.where(highest >= lowest, highest - lowest, 0.0), axis=-1))


def _least_moved_px(pose: Floats) -> Floats:
    return np.asarray(np.fmax(_LEAST_MOVED_PX, _LEAST_MOVED_SHARE * _extent_px(pose)))
