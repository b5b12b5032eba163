"""Is this capture fit to be harvested? A summary of every view and all that is odd."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poseharvest.arrays import ImageSize
from poseharvest.calibration.depth_error import audit_depth, depth_finding
from poseharvest.capture.capture import Capture
from poseharvest.findings import Finding
from poseharvest.geometry.pixel_size import PixelError


@dataclass(frozen=True)
class ViewSummary:
    """One view's footage in numbers.

    Attributes:
        name: the view's name.
        path: its video or folder of pictures.
        image_size: (height, width) of its pictures, pixels.
        frame_rate: its own pictures per second.
        num_pictures: pictures in the footage.
        start_s: time of the first one on the capture's clock, where frame 0 is at 0.
        end_s: time of the last one.
        shift_s: what was added to its time stamps.
        num_missing: frames of the capture in which it has no picture.
        longest_gap_s: the longest time without one.
        median_error_ms: how far its pictures lie from their frames in time; NaN if it has none.
        max_error_ms: the farthest; NaN if it has none.
        damage: what is wrong with the file; None if nothing was found.
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
    """What an audit of a capture found.

    Attributes:
        name: the capture's name.
        num_frames: number of frames.
        frame_rate: frames per second.
        calibration: the calibration file; None if a rig was given.
        views: a summary of each.
        findings: all that is odd about footage, timing, calibration and the places of the cameras.
        depth: what a pixel means in depth where the cameras look; None if fewer than two see that place.
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
        """Nothing was found that would make results wrong."""
        return all(finding.severity != "error" for finding in self.findings)


def audit_capture(capture: Capture) -> CaptureAudit:
    """Return the summary of a capture. Decodes nothing."""
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
    """Number of the most neighbouring True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
