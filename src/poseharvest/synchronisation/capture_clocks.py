"""The clocks of a capture's views: found by motion, sound or time code, and written where the capture keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import tomlkit
from tomlkit.items import Table

from poseharvest.capture.capture import Capture
from poseharvest.capture.frames import FrameSource
from poseharvest.capture.settings import SETTINGS_NAME, CaptureSettings, Offset
from poseharvest.capture.video import Video
from poseharvest.detectors.keypoint_capture import open_capture
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.errors import CaptureError
from poseharvest.findings import Finding
from poseharvest.geometry.camera import Camera
from poseharvest.progress import OnProgress, Progress
from poseharvest.synchronisation.clock_search import ClocksFound, ViewClock, Window, find_clocks
from poseharvest.synchronisation.people_in_views import people_in_views
from poseharvest.synchronisation.sound import clocks_by_sound, read_sound
from poseharvest.synchronisation.time_codes import clocks_by_time_code, read_time_code
from poseharvest.synchronisation.view_joints import ViewJoints, ViewRays

USUAL_SHARE = 0.01
"""A detector's usual error over the person's extent in the picture."""

OUT_OF_STEP = 0.75
"""Frames from which a view is out of step; pictures that are nearest in time may be half a frame apart."""

MAX_OFFSET_S = 2.0
"""The largest offset that motion is searched for by default."""

_MAX_OFFSET_OF_SOUND_S = 60.0
_WINDOW_S, _WINDOW_OF_NETWORK_S = 20.0, 6.0
_NUM_WINDOWS, _NUM_WINDOWS_OF_NETWORK = 6, 3
_LONG_S = 120.0  # from here on clocks may drift apart
_LEAST_PICTURES = 12
_MAX_SHARE = 0.5  # of a window that may be an offset
_LEAST_RATE = 3.0  # standard deviations from which a rate is written


def clocks_by_motion(
    capture: FrameSource,
    detector: HeatmapDetector,
    *,
    max_offset_s: float = MAX_OFFSET_S,
    on_progress: OnProgress | None = None,
) -> ClocksFound:
    """Return the clocks of the views by the motion of the people whom they show.

    Args:
        capture: the footage. Its offsets stand; what is found is to be added to them.
        detector: the 2D network, or keypoint files.
        max_offset_s: the largest offset between two views, seconds.
        on_progress: called while pictures are looked at.

    Raises:
        CaptureError: a camera moves or is not a perspective one, or there are too few frames.
    """
    cameras = _still_cameras(capture)
    if capture.num_frames < _LEAST_PICTURES:
        raise CaptureError(
            f"{capture.name}: expected at least {_LEAST_PICTURES} frames to find offsets by motion, got "
            f"{capture.num_frames}"
        )
    windows = _windows(capture, is_network=not isinstance(detector, KeypointSource))
    frames = [
        (round(start_s * capture.frame_rate), round(stop_s * capture.frame_rate) + 1) for start_s, stop_s in windows
    ]
    total = sum(stop - start for start, stop in frames)
    parts: list[tuple[ViewJoints, ...]] = []
    done = 0
    for start, stop in frames:

        def report(frame: int, before: int = done - start) -> None:
            if on_progress is not None:
                on_progress(Progress(before + frame + 1, total, "looking for the clocks of the views"))

        parts.append(people_in_views(detector, capture, start, stop, on_frame=report))
        done += stop - start
    joined = [_joined(part) for part in zip(*parts, strict=True)]
    _check_pictures(capture, joined)
    views = [ViewRays.of(camera, one, USUAL_SHARE) for camera, one in zip(cameras, joined, strict=True)]
    shortest_s = min(stop_s - start_s for start_s, stop_s in windows)
    return find_clocks(views, windows, max_offset_s=min(max_offset_s, _MAX_SHARE * shortest_s))


def synchronised(capture: Capture, detector: HeatmapDetector, on_progress: OnProgress | None = None) -> Capture:
    """Return a capture opened anew with the offsets that motion shows; findings say what was taken and what not.

    Raises:
        CaptureError: as `clocks_by_motion`, or with the offsets at no time do two views overlap.
    """
    found = clocks_by_motion(capture, detector, on_progress=on_progress)
    opened = open_capture(capture.folder, detector, settings_with(capture, found))
    taken = [
        f"{clock.view} {clock.offset_s / found.period_s:+.2f} frames" for clock in found.clocks[1:] if clock.is_sure
    ]
    findings = [
        Finding("note", "timing", f"offsets by motion beside {found.clocks[0].view}: {', '.join(taken) or 'none'}")
    ]
    findings += [
        Finding(
            "warning",
            "timing",
            f'view "{clock.view}": its offset is not sure and was not taken: {clock.doubt} (--sync)',
        )
        for clock in found.clocks
        if not clock.is_sure
    ]
    return replace(opened, findings=(*opened.findings, *findings))


def step_findings(found: ClocksFound) -> list[Finding]:
    """Return an error for each view that is out of step with the first, and a note for each that may be."""
    reference, *others = found.clocks
    findings = []
    for clock in others:
        later = -clock.offset_s / found.period_s
        if not clock.is_sure:
            message = f'view "{clock.view}": whether it is in step is not sure: {clock.doubt}'
            findings.append(Finding("note", "timing", message))
        elif abs(later) >= OUT_OF_STEP:
            message = (
                f'view "{clock.view}": {abs(later):.1f} frames {"late" if later > 0 else "early"} beside '
                f"{reference.view}: --sync harvests with offsets; sync --write puts them into {SETTINGS_NAME}"
            )
            findings.append(Finding("error", "timing", message))
    return findings


def capture_by_sound(capture: Capture, max_offset_s: float | None = None) -> ClocksFound:
    """Return the clocks of a capture's videos by their sound.

    Args:
        capture: the footage.
        max_offset_s: the largest offset, seconds; a minute if None.

    Raises:
        CaptureError: a view is no video, or has no sound.
    """
    names, videos = capture.rig.names, _videos(capture)
    sounds = [read_sound(video.path) for video in videos]
    shifted = [
        type(sound)(sound.samples, sound.start_s + view.shift_s)
        for sound, view in zip(sounds, capture.views, strict=True)
    ]
    limit_s = _MAX_OFFSET_OF_SOUND_S if max_offset_s is None else max_offset_s
    return clocks_by_sound(names, shifted, period_s=1 / capture.frame_rate, max_offset_s=limit_s)


def capture_by_time_code(capture: Capture) -> ClocksFound:
    """Return the clocks of a capture's videos by their time codes.

    Raises:
        CaptureError: a view is no video, or has no time code.
    """
    videos = _videos(capture)
    first_s = [float(view.times_s[0]) for view in capture.views]
    codes = [read_time_code(video.path) for video in videos]
    return clocks_by_time_code(capture.rig.names, codes, first_s, [view.frame_rate for view in capture.views])


def settings_with(capture: Capture, found: ClocksFound) -> CaptureSettings:
    """Return the capture's settings with the clocks of the views that are sure; the others keep theirs.

    The new time of a picture is the old one plus what was found: its offset and, over a long take, its rate.
    """
    offsets, rates = dict(capture.settings.offsets), dict(capture.settings.clock_rates)
    for view, clock in zip(capture.views, found.clocks, strict=True):
        if not clock.is_sure or clock.view == found.clocks[0].view:
            continue
        rate = written_rate(clock)
        since_s = found.middle_s + capture.timeline.start_s
        before_s = offsets.get(clock.view, Offset(0.0)).seconds(view.frame_rate)
        offset_s = (1 + rate) * before_s + clock.offset_s - rate * since_s
        offsets[clock.view] = Offset(round(offset_s, 6))
        if rate:
            rates[clock.view] = round((1 + rate) * rates.get(clock.view, 1.0), 9)
    return capture.settings.model_copy(update={"offsets": offsets, "clock_rates": rates})


def written_rate(clock: ViewClock) -> float:
    """Return the rate of a clock; 0 if it may as well be none."""
    return clock.rate if abs(clock.rate) > _LEAST_RATE * clock.rate_sigma else 0.0


def write_clocks(folder: Path, settings: CaptureSettings) -> Path:
    """Write the offsets and clock rates of settings into `capture.toml`; whatever else stands there stays as it is.

    Returns:
        The file.
    """
    path = folder / SETTINGS_NAME
    document = tomlkit.parse(path.read_text("utf-8")) if path.is_file() else tomlkit.document()
    seconds = {view: f"{offset.value:g} {offset.unit}" for view, offset in settings.offsets.items()}
    for key, values in (("offsets", seconds), ("clock_rates", dict(settings.clock_rates))):
        if not values:
            continue
        table = document.get(key)
        if not isinstance(table, Table):
            table = tomlkit.table()
            document[key] = table
        for view, value in values.items():
            table[view] = value
    part = path.with_name(f".{path.name}.partial")
    part.write_text(tomlkit.dumps(document), "utf-8")
    part.replace(path)
    return path


def _still_cameras(capture: FrameSource) -> list[Camera]:
    cameras = [camera for camera in capture.rig if isinstance(camera, Camera)]
    others = [camera.name for camera in capture.rig if not isinstance(camera, Camera)]
    if others:
        raise CaptureError(
            f"{capture.name}: expected perspective cameras that stand still to find offsets by motion, got others: "
            f"{', '.join(others)}; use sound or time codes (--by)"
        )
    return cameras


def _windows(capture: FrameSource, *, is_network: bool) -> list[Window]:
    """Return the stretches to look at: the whole of a short take, some of a long one."""
    last_s = (capture.num_frames - 1) / capture.frame_rate
    window_s = _WINDOW_OF_NETWORK_S if is_network else _WINDOW_S
    if last_s <= window_s:
        return [(0.0, last_s)]
    if last_s < _LONG_S:
        start_s = (last_s - window_s) / 2
        return [(start_s, start_s + window_s)]
    starts_s = np.linspace(0, last_s - window_s, _NUM_WINDOWS_OF_NETWORK if is_network else _NUM_WINDOWS)
    return [(float(start_s), float(start_s) + window_s) for start_s in starts_s]


def _check_pictures(capture: FrameSource, views: Sequence[ViewJoints]) -> None:
    few = [view.view for view in views if len(view.times_s) < _LEAST_PICTURES]
    if few:
        raise CaptureError(
            f"{capture.name}: expected {_LEAST_PICTURES} pictures or more in every view to find offsets by motion, "
            f"got fewer in {', '.join(few)}"
        )


def _joined(parts: Sequence[ViewJoints]) -> ViewJoints:
    """Return one view's joints of several stretches, smoothed within each."""
    smooth = [part.smoothed() for part in parts]
    num_places = max(part.pixels.shape[1] for part in smooth)
    wide = [
        np.pad(part.pixels, ((0, 0), (0, num_places - part.pixels.shape[1]), (0, 0), (0, 0)), constant_values=np.nan)
        for part in smooth
    ]
    return ViewJoints(parts[0].view, np.concatenate([part.times_s for part in smooth]), np.concatenate(wide))


def _videos(capture: Capture) -> list[Video]:
    videos = [view.footage for view in capture.views if isinstance(view.footage, Video)]
    if len(videos) < len(capture.views):
        others = [view.name for view in capture.views if not isinstance(view.footage, Video)]
        raise CaptureError(f"expected a single video for each view, got none for {', '.join(others)}")
    return videos
