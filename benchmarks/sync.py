"""How exactly are offsets between cameras found by motion, on footage with planted shifts of its views?

    python benchmarks/sync.py CAPTURE --calibration FILE --keypoints FOLDER --frame-offset 1
    python benchmarks/sync.py CAPTURE --calibration FILE --weights FILE

The footage as it is counts as in step. Each trial shifts every view by a number drawn from -15 to 15 frames, and
looks at as many frames as all shifts leave.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from poseharvest.capture.capture import Capture
from poseharvest.detectors.registry import load_detector
from poseharvest.geometry.camera import Camera
from poseharvest.synchronisation.capture_clocks import USUAL_SHARE
from poseharvest.synchronisation.clock_search import find_clocks
from poseharvest.synchronisation.people_in_views import people_in_views
from poseharvest.synchronisation.view_joints import ViewRays

_MOST = 15


def main() -> None:
    """Print shares of offsets that are found, and of those that are called sure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--calibration", type=Path)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--keypoints", type=Path)
    source.add_argument("--weights", type=Path, help="of EfficientPose")
    parser.add_argument("--frame-offset", type=int, default=0)
    parser.add_argument("--views", nargs="*", help="these alone")
    parser.add_argument("--trials", type=int, default=25)
    parser.add_argument("--one", action="store_true", help="shift one view only")
    options = parser.parse_args()
    capture = Capture.open(options.capture, calibration=options.calibration, views=options.views)
    if options.keypoints:
        detector = load_detector(options.keypoints, frame_offset=options.frame_offset)
    else:
        detector = load_detector("efficientpose", weights=options.weights)
    shown = people_in_views(detector, capture, 0, capture.num_frames)
    cameras = [camera for camera in capture.rig if isinstance(camera, Camera)]
    length, rate = capture.num_frames - 2 * _MOST, capture.frame_rate
    generator = np.random.default_rng(0)
    errors, sure = [], []
    for _ in range(options.trials):
        shifts = generator.integers(-_MOST, _MOST + 1, len(cameras))
        if options.one:
            shifts[np.arange(len(cameras)) != generator.integers(len(cameras))] = 0
        views = []
        for camera, joints, shift in zip(cameras, shown, shifts, strict=True):
            part = slice(_MOST + shift, _MOST + shift + length)
            cut = replace(joints, times_s=np.arange(length) / rate, pixels=joints.pixels[part])
            views.append(ViewRays.of(camera, cut.smoothed(), USUAL_SHARE))
        found = find_clocks(views, [(0.0, (length - 1) / rate)], max_offset_s=2 * _MOST / rate + 1 / rate)
        errors += [clock.offset_s * rate - (s - shifts[0]) for clock, s in zip(found.clocks, shifts, strict=True)][1:]
        sure += [clock.is_sure for clock in found.clocks][1:]
    distance, known = np.abs(errors), np.array(sure)
    print(
        f"{len(distance)} offsets of {length} frames at {rate:g} Hz: {(distance <= 0.5).mean():.1%} within half a frame"
    )
    print(
        f"not sure: {1 - known.mean():.1%}; of the sure ones {(distance[known] <= 0.5).mean():.1%} within half a frame"
    )
    worst, num_wrong = distance[known].max(initial=0), (distance[known] > 1).sum()
    print(f"largest error of a sure one: {worst:.2f} frames; {num_wrong} over one")


if __name__ == "__main__":
    main()
