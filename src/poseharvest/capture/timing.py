"""The clock of a capture, and findings about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poseharvest.capture.common_clock import Timeline, synchronise
from poseharvest.capture.picture_folder import ImageFolder
from poseharvest.capture.settings import CaptureSettings
from poseharvest.capture.view import DEFAULT_IMAGE_RATE, View
from poseharvest.errors import CaptureError
from poseharvest.findings import Finding

_SAME_RATE = 0.01  # relative: 59.94 and 60 count as one rate with a drift; 50 and 60 are two rates
_MIN_DRIFT_MS_PER_S = 0.1  # at this drift, a third of a frame at 60 Hz takes a minute
_MAX_PHASE = 0.25  # share of a frame period: above this, the cameras were not triggered together


def make_timeline(views: Sequence[View], settings: CaptureSettings) -> Timeline:
    """Return the frames of the capture, at the times and by default at the rate of the reference view.

    By default the reference is the slowest view: at its rate, every view has a picture in every frame. At a higher
    rate, the slow views would have no picture in some frames. The settings can name another reference or rate.

    Raises:
        CaptureError: the reference does not exist, or at no time do two views overlap.
    """
    reference = min(views, key=lambda view: view.frame_rate)
    if settings.reference is not None:
        named = [view for view in views if view.name == settings.reference]
        if not named:
            names = ", ".join(view.name for view in views)
            raise CaptureError(f'reference: expected a view of {names}, got "{settings.reference}"')
        reference = named[0]
    return synchronise(
        [view.times_s for view in views],
        frame_rate=settings.frame_rate or reference.frame_rate,
        phase_s=float(reference.times_s[0]),
    )


def audit_timing(views: Sequence[View], timeline: Timeline, settings: CaptureSettings) -> list[Finding]:
    """Return findings about the timing: assumed or unequal rates, missing pictures, and constant time errors."""
    messages = _rate_messages(views, timeline, settings)
    for number, view in enumerate(views):
        messages += _drop_out_messages(view, timeline, number) + _phase_messages(view, timeline, number)
    return [Finding("warning", "timing", message) for message in messages]


def _rate_messages(views: Sequence[View], timeline: Timeline, settings: CaptureSettings) -> list[str]:
    messages = []
    is_assumed = settings.image_rate is None and settings.frame_rate is None
    if is_assumed and timeline.num_frames > 1 and any(_is_rate_assumed(view) for view in views):
        messages.append(
            f"image folders tell no frame rate: {DEFAULT_IMAGE_RATE:g} frames per second are assumed; "
            "say image_rate in capture.toml. Had they been taken at 25, their times would drift by "
            f"{_drift_ms_per_s(25, DEFAULT_IMAGE_RATE):.0f} ms in every second"
        )
    rates = [view.frame_rate for view in views]
    if max(rates) > min(rates) * (1 + _SAME_RATE):
        listed = ", ".join(f"{view.name} {view.frame_rate:.2f}" for view in views)
        messages.append(
            f"the views have different frame rates ({listed}): the capture runs at {timeline.frame_rate:.2f}"
        )
    return messages + _drift_messages(views, timeline)


def _drift_messages(views: Sequence[View], timeline: Timeline) -> list[str]:
    """Return one message for each rate that is not a multiple of the rate of the capture."""
    of_rate: dict[float, list[int]] = {}
    for number, view in enumerate(views):
        of_rate.setdefault(view.frame_rate, []).append(number)
    return [
        _drift_message(rate, [(number, views[number]) for number in numbers], timeline)
        for rate, numbers in of_rate.items()
        if _drift_ms_per_s(rate, timeline.frame_rate) > _MIN_DRIFT_MS_PER_S
    ]


def _drift_message(rate: float, views: Sequence[tuple[int, View]], timeline: Timeline) -> str:
    duration_s = timeline.num_frames / timeline.frame_rate
    drift_ms = _drift_ms_per_s(rate, timeline.frame_rate) * duration_s
    errors_s = [np.abs(timeline.time_errors_s(number, view.times_s)).max(initial=0) for number, view in views]
    names = ", ".join(view.name for _, view in views)
    return (
        f"{names}: {rate:.5g} pictures per second in a capture of {timeline.frame_rate:.5g} frames: they drift by "
        f"{drift_ms:.1f} ms in {duration_s:.1f} s; each frame takes the nearest picture, which lies up to "
        f"{1000 * max(errors_s):.1f} ms beside it. Film all views at one rate, or say frame_rate in capture.toml; "
        "where all cameras ran at one rate and a file states another, convert that file"
    )


def _drift_ms_per_s(rate: float, frame_rate: float) -> float:
    """Return the drift, ms per s, of pictures relative to frames; the rate may be a multiple of the frame rate."""
    times = max(1, round(rate / frame_rate))
    return 1000 * abs(rate / (times * frame_rate) - 1)


def _is_rate_assumed(view: View) -> bool:
    return isinstance(view.footage, ImageFolder) and view.footage.reading != "clock"


def _drop_out_messages(view: View, timeline: Timeline, number: int) -> list[str]:
    missing = np.flatnonzero(~timeline.present[number])
    if not len(missing):
        return []
    first_s = missing[0] / timeline.frame_rate
    return [
        f'view "{view.name}" has no picture in {len(missing)} of {timeline.num_frames} frames, first at {first_s:.3f} s'
    ]


def _phase_messages(view: View, timeline: Timeline, number: int) -> list[str]:
    errors_s = np.abs(timeline.time_errors_s(number, view.times_s))
    if not len(errors_s) or np.median(errors_s) <= _MAX_PHASE / timeline.frame_rate:
        return []
    return [
        f'view "{view.name}": its pictures lie {1000 * np.median(errors_s):.1f} ms beside the frames (a frame lasts '
        f"{1000 / timeline.frame_rate:.1f} ms): the cameras were not triggered together, or an offset is missing"
    ]
