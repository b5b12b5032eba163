"""Times of the pictures of all views from their names: by index, number or clock, the same for all views."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poseharvest.capture.picture_names import Numbers, clock_ns, number_columns
from poseharvest.errors import CaptureError

Reading = Literal["index", "number", "clock"]

_MAX_SPARSITY = 100  # ticks per picture: above this, most frames of the capture would be empty
_ALONE_TICKS = 8  # pictures with larger gaps are separate moments
_PAUSE_S = 2.0  # a longer pause is shortened to this
_SAME_RATE = 0.01
_MAX_JITTER = 0.45  # share of a period, for most intervals of a regular clock
_MAX_STAMP_JITTER = 0.25  # the same, if regularity is the only sign that numbers are times
_MOST_INTERVALS = 0.9
_MAX_SMOOTHED = 0.25  # share of a period: a time with a larger deviation from a regular clock is not changed
_FRAME_MS = (2, 200)  # range of the interval of a film, for names in milliseconds
_MIN_SHARED = 0.5  # share of the pictures whose number occurs in another view


@dataclass(frozen=True, eq=False)
class PictureTimes:
    """The order and the times of the pictures of all views.

    Attributes:
        reading: the interpretation of the names: index, number or clock.
        order: by view, (N,) indices of the pictures in the input, in order of time.
        ticks: by view, (N,) increasing times in picture periods; the first picture of all views is at 0.
        frame_rate: by view, pictures per second where none is missing.
        note: the interpretation as a text for the user.
    """

    reading: Reading
    order: Mapping[str, NDArray[np.int64]]
    ticks: Mapping[str, NDArray[np.float64]]
    frame_rate: Mapping[str, float]
    note: str


def read_picture_times(files: Mapping[str, Sequence[Path]], frame_rate: float) -> PictureTimes:
    """Return the times of pictures from their names.

    Args:
        files: by view, at least one picture each, in natural order.
        frame_rate: pictures per second, used if the names contain no times.

    Raises:
        CaptureError: no interpretation fits the names of all views; the message shows some names.
    """
    stems = {view: [path.stem for path in paths] for view, paths in files.items()}
    has_digits = [any(char.isdigit() for char in stem) for of_view in stems.values() for stem in of_view]
    if not any(has_digits) or all(len(of_view) == 1 for of_view in stems.values()):
        return _by_index(files, frame_rate)
    clocks = {view: clock_ns(of_view) for view, of_view in stems.items()}
    times = {view: time for view, time in clocks.items() if time is not None}
    if len(times) == len(stems):
        return _by_clock(times, "the time in their names", files)
    if not all(has_digits):
        without = next(path for paths in files.values() for path in paths if not any(map(str.isdigit, path.stem)))
        raise CaptureError(f"{without.parent}: expected a number in every picture's name, got none in {without.name}")
    numbers = _numbers(files, stems)
    unit_ns = _stamp_unit_ns(numbers)
    if unit_ns is not None:
        unit = {10**6: "milliseconds", 10**3: "microseconds", 1: "nanoseconds"}[unit_ns]
        stamps = {view: of_view * unit_ns for view, of_view in numbers.items()}
        return _by_clock(stamps, f"the numbers in their names, taken as {unit}", files)
    return _by_number(numbers, files, frame_rate)


def _by_index(files: Mapping[str, Sequence[Path]], frame_rate: float) -> PictureTimes:
    counts = {view: len(paths) for view, paths in files.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{view} {count}" for view, count in counts.items())
        raise CaptureError(
            "pictures without numbers or times in their names are matched by their order: expected as many in every "
            f"view, got {listed}; number them by frame"
        )
    order = {view: np.arange(count, dtype=np.int64) for view, count in counts.items()}
    ticks = {view: places.astype(np.float64) for view, places in order.items()}
    note = "pictures are matched by index: the order of their names"
    return PictureTimes("index", order, ticks, dict.fromkeys(files, frame_rate), note)


def _numbers(files: Mapping[str, Sequence[Path]], stems: Mapping[str, Sequence[str]]) -> dict[str, Numbers]:
    """Return the number of every picture by view, from the place in the names that the views share most."""
    columns = {view: number_columns(of_view) for view, of_view in stems.items()}
    places = range(1, max(1, min(map(len, columns.values()))) + 1)
    best: dict[str, Numbers] = {}
    for place in places:
        candidate = {view: of_view[-place] for view, of_view in columns.items() if of_view}
        unique = len(candidate) == len(stems) and all(len(set(n.tolist())) == len(n) for n in candidate.values())
        changes = any(len(n) > 1 for n in candidate.values())
        if unique and changes and (not best or _share_shared(candidate) > _share_shared(best)):
            best = candidate
    if best:
        return best
    raise _no_reading(files, columns)


def _no_reading(files: Mapping[str, Sequence[Path]], columns: Mapping[str, list[Numbers]]) -> CaptureError:
    for view, paths in files.items():
        numbers = columns[view][-1].tolist() if columns[view] else []
        twice = next((number for number in numbers if numbers.count(number) > 1), None)
        if twice is not None:
            first, second = [path.name for path, number in zip(paths, numbers, strict=True) if number == twice][:2]
            return CaptureError(f"{paths[0].parent}: two pictures of number {twice}: {first} and {second}")
    paths = next((paths for view, paths in files.items() if not columns[view]), next(iter(files.values())))
    examples = ", ".join(path.name for path in paths[:3])
    return CaptureError(
        f"{paths[0].parent}: expected names with a number or a time of each picture at one place, got {examples}: "
        "neither index, number nor clock fits; rename them by frame"
    )


def _share_shared(numbers: Mapping[str, Numbers]) -> float:
    """Return the share of the pictures whose number occurs in another view; 1 for a single view."""
    if len(numbers) < 2:
        return 1.0
    values, counts = np.unique(np.concatenate(list(numbers.values())), return_counts=True)
    del values
    return float(counts[counts > 1].sum() / counts.sum())


def _share_near(numbers: Mapping[str, Numbers], tolerance: float) -> float:
    """Return the share of the pictures with a picture of another view within the tolerance."""
    near = []
    for view, own in numbers.items():
        others = np.sort(np.concatenate([n for other, n in numbers.items() if other != view]))
        after = np.searchsorted(others, own).clip(max=len(others) - 1)
        apart = np.minimum(np.abs(others[after] - own), np.abs(others[(after - 1).clip(min=0)] - own))
        near.append(apart <= tolerance)
    return float(np.concatenate(near).mean())


def _stamp_unit_ns(numbers: Mapping[str, Numbers]) -> int | None:
    """Return the unit, ns, of numbers that are times: similar in all views but not equal, or regular as in a film."""
    steps = np.concatenate([np.diff(np.sort(of_view)) for of_view in numbers.values()]).astype(np.float64)
    if not len(steps):
        return None
    step = float(np.median(steps))
    unit = _likely_unit_ns(step)
    if len(numbers) > 1 and step >= 4 and _share_near(numbers, step / 4) > _share_shared(numbers) + 0.05:
        return unit
    common = int(np.gcd.reduce(steps.astype(np.int64)))
    film = _is_film(step)
    off = np.abs(steps - step * np.maximum(np.round(steps / step), 1))
    is_regular = bool((off <= max(1.0, _MAX_STAMP_JITTER * step)).mean() >= _MOST_INTERVALS)
    return unit if common < step and film and step > _ALONE_TICKS and is_regular else None


def _likely_unit_ns(step: float) -> int:
    """Return the unit, ns, of times that are a step apart, if they are those of a film."""
    return 10**6 if step <= 1000 * 2 else 10**3 if step <= 1e6 * 2 else 1


def _is_film(step: float) -> bool:
    """Return True if a step could be the time between pictures of a film, in ms, us or ns."""
    return any(_FRAME_MS[0] <= step / scale <= _FRAME_MS[1] for scale in (1, 10**3, 10**6))


def _by_number(numbers: Mapping[str, Numbers], files: Mapping[str, Sequence[Path]], frame_rate: float) -> PictureTimes:
    every = np.unique(np.concatenate(list(numbers.values())))
    first, step = int(every[0]), math.gcd(*np.diff(every).tolist()) or 1
    ticks = {view: (of_view - first) // step for view, of_view in numbers.items()}
    dense = [np.median(np.diff(np.sort(n))) <= 2 if len(n) > 1 else True for n in ticks.values()]
    if _share_shared(numbers) < _MIN_SHARED and not all(dense):
        raise _nothing_shared(numbers, files)
    span = f"{len(every)} numbers from {first} to {int(every[-1])}"
    note = f"pictures are matched by number: {_example(files, numbers)}; {span}"
    gaps = np.diff((every - first) // step)
    rate = frame_rate
    if len(gaps) and float(np.median(gaps)) > _ALONE_TICKS:
        rank = {int(number): place for place, number in enumerate(every)}
        ticks = {view: np.asarray([rank[int(n)] for n in of_view]) for view, of_view in numbers.items()}
        rate = frame_rate / (step * float(np.median(gaps)))
        note += f", far apart: every number is a moment of its own, frame 0 is number {first}"
    elif len(gaps) and float(gaps.sum()) > _MAX_SPARSITY * len(every):
        pause = round(_PAUSE_S * frame_rate)
        shortened = np.concatenate(([0], np.cumsum(np.where(gaps > _MAX_SPARSITY, np.minimum(gaps, pause), gaps))))
        ticks = {view: shortened[np.searchsorted(every, of_view)] for view, of_view in numbers.items()}
        note += f", with long gaps: of each {_PAUSE_S:g} s are left"
    elif step > 1:
        note += f", {step} apart: that step is one picture"
        if step > _ALONE_TICKS and _is_film(step):  # an exact clock and every 40th picture have the same names
            note += f" of {1 / frame_rate:.3g} s; if the numbers are times, give --frame-rate {_rate_of(step):.4g}"
    order = {view: np.argsort(of_view, kind="stable") for view, of_view in numbers.items()}
    rising = {view: np.sort(of_view).astype(np.float64) for view, of_view in ticks.items()}
    return PictureTimes("number", order, rising, dict.fromkeys(files, rate), note)


def _rate_of(step: float) -> float:
    """Return the pictures per second of times that are a step apart."""
    return 1e9 / (step * _likely_unit_ns(step))


def _nothing_shared(numbers: Mapping[str, Numbers], files: Mapping[str, Sequence[Path]]) -> CaptureError:
    folder = next(iter(files.values()))[0].parent.parent
    listed = ", ".join(f"{view} {n.min()} to {n.max()}" for view, n in numbers.items())
    return CaptureError(
        f"{folder}: expected pictures of one moment to have the same number in all views, or times near each other, "
        f"got {listed}: neither number nor clock fits; rename the pictures by frame"
    )


def _by_clock(times_ns: Mapping[str, Numbers], what: str, files: Mapping[str, Sequence[Path]]) -> PictureTimes:
    first = min(int(times.min()) for times in times_ns.values())
    order = {view: np.argsort(times, kind="stable") for view, times in times_ns.items()}
    times_s = {view: (np.sort(times) - first) / 1e9 for view, times in times_ns.items()}
    even = {view: _evenly(times) for view, times in times_s.items()}
    common = 1 / float(np.median([one.period_s for one in even.values() if math.isfinite(one.period_s)]))
    note = f"pictures are matched by clock: {what} ({_example(files, None)})"
    every = np.concatenate(list(times_s.values()))
    if all(one.is_regular for one in even.values()) and np.ptp(every) * common < _MAX_SPARSITY * len(every):
        # One rate for cameras whose clocks agree, so that the remaining jitter does not look like a drift.
        own = {view: 1 / one.period_s if math.isfinite(one.period_s) else common for view, one in even.items()}
        shared = {view: common if abs(rate / common - 1) < _SAME_RATE else rate for view, rate in own.items()}
        ticks = {view: one.times_s * shared[view] for view, one in even.items()}
        return PictureTimes("clock", order, ticks, shared, f"{note}; {common:.4g} pictures per second")
    moments = _moments(times_s)
    places = np.concatenate(list(moments.values()))
    rate_hz = float(places.max()) / max(float(np.ptp(every)), 1e-9) if places.max() > 0 else common
    note += "; they are not regular: times near each other are one moment, and the moments follow in order"
    ticks = {view: of_view.astype(np.float64) for view, of_view in moments.items()}
    return PictureTimes("clock", order, ticks, dict.fromkeys(files, rate_hz), note)


@dataclass(frozen=True, eq=False)
class _Evenly:
    """Times of a clock with jitter.

    Attributes:
        times_s: times in seconds, without the jitter if they are regular.
        period_s: time between pictures, seconds; infinite for a single picture.
        is_regular: True if nine of ten intervals are multiples of the period.
    """

    times_s: NDArray[np.float64]
    period_s: float
    is_regular: bool


def _evenly(times_s: NDArray[np.float64]) -> _Evenly:
    """Return times without jitter: names contain the time of writing, some milliseconds after the exposure."""
    if len(times_s) < 2:
        return _Evenly(times_s, math.inf, is_regular=True)
    intervals = np.diff(times_s)
    median_s = float(np.median(intervals))
    periods = np.maximum(np.round(intervals / median_s), 1)
    if (np.abs(intervals / median_s - periods) <= _MAX_JITTER).mean() < _MOST_INTERVALS:
        return _Evenly(times_s, median_s, is_regular=False)
    numbers = np.concatenate(([0.0], np.cumsum(periods)))
    period_s, start_s = (float(one) for one in np.polyfit(numbers, times_s, 1))
    even_s = start_s + period_s * numbers
    if np.abs(even_s - times_s).max() < _MAX_SMOOTHED * period_s:
        return _Evenly(even_s, period_s, is_regular=True)
    return _Evenly(times_s, float(times_s[-1] - times_s[0]) / float(periods.sum()), is_regular=True)


def _moments(times_s: Mapping[str, NDArray[np.float64]]) -> dict[str, Numbers]:
    """Return the moment of every picture by view; a moment spans less than half the shortest interval."""
    intervals = np.concatenate([np.diff(times) for times in times_s.values()])
    tolerance = float(intervals.min()) / 2 if len(intervals) else math.inf
    pictures = sorted((time, view) for view, times in times_s.items() for time in times.tolist())
    moments: dict[str, list[int]] = {view: [] for view in times_s}
    number, start, present = -1, -math.inf, set[str]()
    for time, view in pictures:
        if number < 0 or view in present or time - start > tolerance:
            number, start, present = number + 1, time, set()
        present.add(view)
        moments[view].append(number)
    return {view: np.asarray(of_view, dtype=np.int64) for view, of_view in moments.items()}


def _example(files: Mapping[str, Sequence[Path]], numbers: Mapping[str, Numbers] | None) -> str:
    view, paths = next(iter(files.items()))
    name = f"{view}/{paths[0].name}"
    return name if numbers is None else f"{name} is number {int(numbers[view][0])}"
