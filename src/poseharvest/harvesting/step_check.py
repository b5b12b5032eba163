"""Are the cameras in step? Offsets between the views, from the first frames, before anything is learned.

One camera that is late beside two or more others is a fault of that camera (`diagnosis.camera_faults`), and the harvest
can do without it. Where several were started at other moments, or where there are two cameras alone, only offsets help.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poseharvest.diagnosis.shown_joints import Floats, ShownJoints
from poseharvest.findings import CameraFault
from poseharvest.geometry.camera import Camera
from poseharvest.synchronisation.capture_clocks import OUT_OF_STEP, USUAL_SHARE
from poseharvest.synchronisation.clock_search import ClocksFound, find_clocks
from poseharvest.synchronisation.view_joints import ViewJoints, ViewRays

_LEAST_FRAMES = 40
_MAX_OFFSET = 30  # frames
_MAX_SHARE = 0.4  # of the frames
_LEAST_SIGMAS = 3.0


def find_out_of_step(cameras: Sequence[Camera], shown: ShownJoints, frame_rate: float) -> CameraFault | None:
    """Return the views that show other moments than the rest; None if there are none, or if only one of many does.

    Args:
        cameras: V cameras.
        shown: what they show of one person; the frames in a row at its start are compared.
        frame_rate: frames per second.
    """
    count = _num_in_a_row(shown)
    if count < _LEAST_FRAMES:
        return None
    times_s = shown.frames[:count] / frame_rate
    views = [
        ViewRays.of(camera, ViewJoints(camera.name, times_s, pixels[:count, None]).smoothed(), USUAL_SHARE)
        for camera, pixels in zip(cameras, shown.pixels, strict=True)
    ]
    max_offset_s = min(_MAX_OFFSET, _MAX_SHARE * count) / frame_rate
    found = find_clocks(views, [(float(times_s[0]), float(times_s[-1]))], max_offset_s=max_offset_s)
    if not found.are_sure:
        return None
    offsets = np.array([clock.offset_s for clock in found.clocks]) * frame_rate
    late = _out_of_step(offsets, found, frame_rate)
    if not late or (len(late) == 1 and len(cameras) > 2):
        return None
    names = tuple(cameras[view].name for view in late)
    reference = next(view for view in range(len(cameras)) if view not in late)
    listed = ", ".join(
        f"{cameras[view].name} {abs(later):.1f} frames {'late' if later > 0 else 'early'}"
        for view in late
        for later in [offsets[reference] - offsets[view]]
    )
    text = f"out of step with {cameras[reference].name}: {listed}: --sync harvests with offsets, or set [offsets]"
    moved_px = max(_moved_px(shown.pixels[view, :count], offsets[view] - offsets[reference]) for view in late)
    return CameraFault(names, "delay", moved_px, text, names, is_plain=False)


def _num_in_a_row(shown: ShownJoints) -> int:
    gaps = np.flatnonzero(np.diff(shown.frames) != 1)
    return int(gaps[0]) + 1 if len(gaps) else len(shown.frames)


def _out_of_step(offsets: Floats, found: ClocksFound, frame_rate: float) -> list[int]:
    """Return the numbers of the views that are not in step with most others."""
    apart = np.abs(offsets[:, None] - offsets[None])
    in_step = apart < OUT_OF_STEP
    reference = int(np.argmax(in_step.sum(1)))
    sigmas = np.array([clock.sigma_s for clock in found.clocks]) * frame_rate
    both = np.hypot(sigmas, sigmas[reference])
    return [int(view) for view in np.flatnonzero(~in_step[reference] & (apart[reference] > _LEAST_SIGMAS * both))]


def _moved_px(pixels: Floats, offset: float) -> float:
    """Return how far the person moves in a view, (T, J, 2) pixels, during an offset in frames."""
    step = max(1, round(abs(offset)))
    moved = np.linalg.norm(pixels[step:] - pixels[:-step], axis=-1)
    known = moved[np.isfinite(moved)]
    return float(np.median(known)) if len(known) else 0.0
