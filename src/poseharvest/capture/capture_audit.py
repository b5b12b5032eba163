"""Check of a capture before a harvest: a summary of every view, and all findings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poseharvest.arrays import ImageSize
from poseharvest.calibration.depth_error import audit_depth, depth_finding
from poseharvest.capture.capture import Capture
from poseharvest.findings import Finding
from poseharvest.geometry.rig import PixelError


@dataclass(frozen=True)
class ViewSummary:
    """Numbers that describe the footage of one view.

    Attributes:
        name: the view's name.
        path: its video or folder of pictures.
        image_size: (height, width) of its pictures, pixels.
        frame_rate: pictures per second of this view.
        num_pictures: pictures in the footage.
        start_s: time of its first picture on the clock of the capture, seconds; frame 0 is at 0.
        end_s: time of its last picture, seconds.
        shift_s: time added to its time stamps, seconds.
        num_missing: number of frames without a picture of this view.
        longest_gap_s: longest time without a picture, seconds.
        median_error_ms: median time between its pictures and their frames, milliseconds; NaN without pictures.
        max_error_ms: largest such time; NaN without pictures.
        damage: description of the damage of the file; None if none was found.
    """

    name: str
    path: Path
    image_size: ImageSize
    frame_rate: float
    num_pictures: int
    start_s: float
    end_s: float
    shift_s: float
    num_missing: int
    longest_gap_s: float
    median_error_ms: float
    max_error_ms: float
    damage: str | None


@dataclass(frozen=True)
class CaptureAudit:
    """The result of the audit of a capture.

    Attributes:
        name: the capture's name.
        num_frames: number of frames.
        frame_rate: frames per second.
        calibration: the calibration file; None if a rig was given.
        views: a summary of each.
        findings: findings about footage, timing, calibration and the places of the cameras.
        depth: uncertainty at the place where the cameras look; None if fewer than two cameras see it.
    """

    name: str
    num_frames: int
    frame_rate: float
    calibration: Path | None
    views: tuple[ViewSummary, ...]
    findings: tuple[Finding, ...]
    depth: PixelError | None

    @property
    def is_fit(self) -> bool:
        """True if there is no error that would make results wrong."""
        return all(finding.severity != "error" for finding in self.findings)


def audit_capture(capture: Capture) -> CaptureAudit:
    """Return the audit of a capture, without decoding pictures."""
    depth = audit_depth(capture.rig)
    close = None if depth is None else depth_finding(depth, "where the cameras look")
    return CaptureAudit(
        name=capture.name,
        num_frames=capture.num_frames,
        frame_rate=capture.frame_rate,
        calibration=capture.calibration,
        views=tuple(_summary(capture, number) for number in range(len(capture.views))),
        findings=capture.findings if close is None else (*capture.findings, close),
        depth=depth,
    )


def _summary(capture: Capture, number: int) -> ViewSummary:
    view, timeline = capture.views[number], capture.timeline
    times_s = view.times_s - timeline.start_s
    errors_ms = 1000 * np.abs(timeline.time_errors_s(number, view.times_s))
    present = timeline.present[number]
    return ViewSummary(
        name=view.name,
        path=view.footage.path,
        image_size=view.image_size,
        frame_rate=view.frame_rate,
        num_pictures=len(times_s),
        start_s=float(times_s[0]),
        end_s=float(times_s[-1]),
        shift_s=view.shift_s,
        num_missing=int((~present).sum()),
        longest_gap_s=_longest_run(~present) / timeline.frame_rate,
        median_error_ms=float(np.median(errors_ms)) if len(errors_ms) else float("nan"),
        max_error_ms=float(errors_ms.max()) if len(errors_ms) else float("nan"),
        damage=view.footage.damage,
    )


def _longest_run(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """Return the length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
