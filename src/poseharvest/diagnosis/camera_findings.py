"""Findings about cameras: moved, not synchronous, in disagreement, absent, or too close together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from poseharvest.calibration.depth_error import depth_finding
from poseharvest.diagnosis.agreement import DISAGREE_MM, ViewSummary
from poseharvest.diagnosis.cross_check import ViewCheck
from poseharvest.diagnosis.sampled_moments import SampledMoment
from poseharvest.diagnosis.wording import percent
from poseharvest.findings import Finding
from poseharvest.geometry.rig import PixelError, Rig, pixel_error

MAX_OFFSET_MM = 45.0
"""Largest constant offset of the joints of a camera, mm. A larger one means a moved or exchanged camera."""

MAX_DELAY_S = 0.03
"""Largest delay of a synchronous camera, in both directions, seconds."""

DISAGREE_WARNING, DISAGREE_RATIO = 0.25, 2.0
"""A finding needs more than this share of disagreeing peaks, and this multiple of the median of the other views."""

ABSENT_WARNING = 0.02
"""A view gets a warning if it is absent in more than this share of the moments."""

_AS_NEAR = 1.5  # multiple of the lower quartile of the other views
_SHARED = 0.5  # cameras above this share of the worst number are also named
_MAX_MOMENTS = 32


def about_places_and_timing(checks: Sequence[ViewCheck], frame_rate: float) -> list[Finding]:
    """Return at most one finding about places and one about timing, each for the worst camera.

    Args:
        checks: the comparison of every view with the others.
        frame_rate: frames per second of the capture.
    """
    candidates = [_about_offset(checks), _about_delay(checks, frame_rate)]
    return [finding for finding in candidates if finding is not None]


def about_people(people: Mapping[int, Sequence[ViewCheck]], cameras: Sequence[ViewCheck]) -> list[Finding]:
    """Return a finding for each person in whom the cameras disagree although they agree in other people.

    Args:
        people: by person, the comparison of every view with the others.
        cameras: the comparison over all people.
    """
    if len(people) < 2 or _about_offset(cameras) is not None:
        return []
    worst = {person: _ranked(views, [view.offset_mm for view in views])[0] for person, views in people.items()}
    return [
        Finding(
            "warning",
            "person",
            f'person {person}: camera "{view.name}" sees the joints {view.offset_mm:.0f} mm from where the others see '
            f"them (expected at most {MAX_OFFSET_MM:.0f} mm), though the cameras agree about others: is it one real "
            "person, and the same one in every view? look at the report's pictures",
        )
        for person, view in worst.items()
        if view.offset_mm > MAX_OFFSET_MM
    ]


def about_peaks(views: Sequence[ViewSummary], *, cameras_are_judged: bool = False) -> list[Finding]:
    """Return a finding for each view with many peaks far from the pose, and many more than the other views.

    If all views are similar, the cause is the person or the detector, and not a camera. If the lower quartile of the
    distance is as small as in the other views, the calibration is right and the view of the person is bad. Examples are
    hands before the face, a table, or the border of the picture.

    Args:
        views: the statistics of every view.
        cameras_are_judged: `camera_faults` looked for faults of cameras, so that here only the view can be meant.
    """
    findings = []
    for view in views:
        others = [other for other in views if other is not view and math.isfinite(other.disagree_share)]
        usual = median(other.disagree_share for other in others) if others else 0.0
        if not view.disagree_share > max(DISAGREE_WARNING, DISAGREE_RATIO * usual):
            continue
        what = (
            f'"{view.name}": {percent(view.disagree_share)} of its heatmap peaks lie more than '
            f"{DISAGREE_MM:.0f} mm from the pose that the cameras agreed on (of the others {percent(usual)})"
        )
        if others and view.best_quarter_mm < _AS_NEAR * median(other.best_quarter_mm for other in others):
            why = "its other peaks agree as well as theirs: it sees the person badly, in part or now and then"
            findings.append(Finding("note", f"view {view.name}", f"view {what}; {why}"))
        elif cameras_are_judged:
            why = "no fault of the camera explains that: look at what it shows of the person"
            findings.append(Finding("note", f"view {view.name}", f"view {what}; {why}"))
        else:
            remedy = "look at its view of the person, its timing and its calibration, or leave it out with --views"
            findings.append(Finding("warning", f"camera {view.name}", f"camera {what}: {remedy}"))
    return findings


def about_absence(views: Sequence[ViewSummary]) -> list[Finding]:
    """Return a finding for each view that is often absent."""
    return [
        Finding(
            "warning",
            f"camera {view.name}",
            f'camera "{view.name}": absent in {view.num_absent} of {view.num} moments, at most {view.longest_gap} in a '
            "row; expected it in all: look whether its footage is whole and shows the person",
        )
        for view in views
        if view.num_absent > ABSENT_WARNING * view.num
    ]


def about_depth(rig: Rig, moments: Sequence[SampledMoment]) -> list[Finding]:
    """Return a finding if an error of one pixel means a large error in depth at the places of the people."""
    some = moments[:: max(1, len(moments) // _MAX_MOMENTS)]
    errors = [error for moment in some if (error := pixel_error(rig.at(moment.frame), moment.center)) is not None]
    if not errors:
        return []
    typical = PixelError(
        worst_mm=median(error.worst_mm for error in errors),
        best_mm=median(error.best_mm for error in errors),
        widest_angle_deg=median(error.widest_angle_deg for error in errors),
        views=max(error.views for error in errors),
    )
    finding = depth_finding(typical, "where the person is")
    return [] if finding is None else [finding]


def _about_offset(checks: Sequence[ViewCheck]) -> Finding | None:
    ranked = _ranked(checks, [check.offset_mm for check in checks])
    if not ranked or ranked[0].offset_mm <= MAX_OFFSET_MM:
        return None
    worst, likewise = (
        ranked[0],
        [c for c in ranked[1:] if c.offset_mm > max(MAX_OFFSET_MM, _SHARED * ranked[0].offset_mm)],
    )
    beside = _beside([f"{check.name} {check.offset_mm:.0f} mm" for check in likewise])
    message = (
        f'camera "{worst.name}": its joints lie {worst.offset_mm:.0f} mm from where the other cameras see them, always '
        f"to the same side (expected at most {MAX_OFFSET_MM:.0f} mm){beside}: was a camera moved or turned after "
        "calibration, or are names exchanged? calibrate anew, or leave it out with --views"
    )
    return Finding("warning", f"camera {worst.name}", message)


def _about_delay(checks: Sequence[ViewCheck], frame_rate: float) -> Finding | None:
    ranked = _ranked(checks, [abs(check.delay_s) for check in checks])
    if not ranked or abs(ranked[0].delay_s) <= MAX_DELAY_S:
        return None
    worst = ranked[0]
    likewise = [c for c in ranked[1:] if abs(c.delay_s) > max(MAX_DELAY_S, _SHARED * abs(worst.delay_s))]
    beside = _beside([f"{check.name} {check.delay_s:+.2f} s" for check in likewise])
    way = "behind" if worst.delay_s > 0 else "ahead of"
    message = (
        f'camera "{worst.name}": its joints move about {abs(worst.delay_s):.2f} s '
        f"({abs(worst.delay_s) * frame_rate:.0f} frames) {way} those of the other cameras "
        f"(expected at most {MAX_DELAY_S:.2f} s){beside}: are the recordings synchronous? give [offsets] in "
        "capture.toml, or leave it out with --views"
    )
    return Finding("warning", f"camera {worst.name}", message)


def _ranked(checks: Sequence[ViewCheck], sizes: Sequence[float]) -> list[ViewCheck]:
    """Return the checks with a finite size, the largest first."""
    known = [(size, i) for i, size in enumerate(sizes) if math.isfinite(size)]
    return [checks[i] for _, i in sorted(known, key=lambda pair: (-pair[0], pair[1]))]


def _beside(others: Sequence[str]) -> str:
    return f"; so do {', '.join(others)}, which the fault of one camera may explain" if others else ""
