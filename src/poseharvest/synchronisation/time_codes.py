"""Offsets between videos from the time codes that cameras write, such as 10:02:31:12."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import av

from poseharvest.errors import CaptureError
from poseharvest.synchronisation.clock_search import ClocksFound, ViewClock

_TIME_CODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.])(\d{2,3})")
_DAY_S = 24 * 3600.0
_SIGMA_PICTURES = 0.3  # cameras of one time code need not open their shutters together


def read_time_code(path: Path) -> str | None:
    """Return the time code of a video's first picture as it is written in the file; None if there is none.

    Raises:
        CaptureError: the file is no video.
    """
    try:
        with av.open(str(path)) as container:
            notes = [container.metadata, *(stream.metadata for stream in container.streams)]
    except av.error.FFmpegError as error:
        raise CaptureError(f"{path}: expected a video, got {error}") from error
    return next((note["timecode"] for note in notes if "timecode" in note), None)


def time_code_s(text: str, frame_rate: float) -> float:
    """Return the time of a time code since midnight, seconds.

    A code with ";" before the frames leaves numbers out (the drop-frame codes of 29.97 and 59.94 Hz): the first two of
    every minute but every tenth, or four at the double rate.

    >>> time_code_s("00:00:01:15", 30)
    1.5

    Raises:
        CaptureError: the text is no time code.
    """
    match = _TIME_CODE.fullmatch(text.strip())
    nominal = max(1, round(frame_rate))
    if match is None or int(match[5]) >= nominal:
        raise CaptureError(
            f'time code: expected hours:minutes:seconds:frames, with frames below {nominal}, got "{text}"'
        )
    hours, minutes, seconds, frames = (int(match[number]) for number in (1, 2, 3, 5))
    number = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if match[4] == ";":
        all_minutes = 60 * hours + minutes
        number -= round(nominal / 15) * (all_minutes - all_minutes // 10)
    return number / frame_rate


def clocks_by_time_code(
    views: Sequence[str], codes: Sequence[str | None], first_pictures_s: Sequence[float], frame_rates: Sequence[float]
) -> ClocksFound:
    """Return the clocks of views by their time codes.

    Args:
        views: names of the views; the first is the reference.
        codes: time code of the first picture of each.
        first_pictures_s: time stamp of the first picture of each, seconds.
        frame_rates: pictures per second of each.

    Raises:
        CaptureError: a view has no time code, or one that cannot be read.
    """
    without = [view for view, code in zip(views, codes, strict=True) if code is None]
    if without:
        raise CaptureError(f"time codes: expected one in every video, got none in those of {', '.join(without)}")
    starts_s = [time_code_s(code or "", rate) for code, rate in zip(codes, frame_rates, strict=True)]
    period_s = 1 / min(frame_rates)
    clocks = [ViewClock(views[0], 0.0, 0.0)]
    for number in range(1, len(views)):
        since_s = (starts_s[number] - starts_s[0] + _DAY_S / 2) % _DAY_S - _DAY_S / 2  # a take may pass midnight
        offset_s = since_s - (first_pictures_s[number] - first_pictures_s[0])
        clocks.append(ViewClock(views[number], offset_s, _SIGMA_PICTURES * period_s))
    return ClocksFound(tuple(clocks), 0.0, period_s)
