"""How far EfficientPose-I's peaks lie to one side, on videos of one person (see docs/detectors.md).

    python benchmarks/detector_bias.py --weights EfficientPoseI.h5 capture/videos/*.mp4

The person is found by the network itself: a sweep of windows, then a window around the joints it sees. Every window is
jittered, so that joints fall on every part of a heatmap pixel.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import torch

from poseharvest.arrays import Image
from poseharvest.detectors.bias import measure_side_bias
from poseharvest.detectors.efficientpose import load_efficientpose
from poseharvest.detectors.network import RunOptions
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.heatmaps.maps import Peaks, heatmap_peaks

_SEEN = 0.3
_MIN_JOINTS_SEEN = 9
_MIN_SUM_OF_SCORES = 8.0


def pictures(video: Path, every: int) -> Iterator[Image]:
    with av.open(str(video)) as file:
        for index, frame in enumerate(file.decode(video=0)):
            if index % every == 0:
                yield frame.to_ndarray(format="rgb24")


def peaks_in(detector: HeatmapDetector, image: Image, crops: Sequence[Crop]) -> Peaks:
    views = [CroppedView("view", 0, crop, image) for crop in crops]
    return heatmap_peaks(detector.detect(views), crops)


def sweep(detector: HeatmapDetector, image: Image) -> Crop:
    """Return the window of a grid over places and sizes whose peaks are highest."""
    height, width = image.shape[:2]
    crops = [
        Crop((float(x), float(y)), side)
        for side in (0.25 * height, 0.4 * height, 0.6 * height)
        for y in np.arange(0.3 * height, 0.75 * height, side / 3)
        for x in np.arange(0.15 * width, 0.9 * width, side / 3)
    ]
    return crops[int(peaks_in(detector, image, crops).score.clamp(min=0).sum(1).argmax())]


def follow(detector: HeatmapDetector, image: Image, crop: Crop | None) -> Crop | None:
    """Return the window around the person, or None if the network is not sure of one."""
    for _ in range(4):
        crop = crop or sweep(detector, image)
        peaks = peaks_in(detector, image, [crop])
        seen = peaks.score[0] > _SEEN
        enough = int(seen.sum()) >= _MIN_JOINTS_SEEN
        crop = crop_around(peaks.pixels[0][seen], 1.3, min_side=64.0) if enough else None
    sure = crop is not None and float(peaks.score.clamp(min=0).sum()) >= _MIN_SUM_OF_SCORES
    return crop if sure else None


def jittered(image: Image, crop: Crop, count: int, random: np.random.Generator) -> Iterator[CroppedView]:
    for _ in range(count):
        x, y = np.array(crop.center) + random.uniform(-0.05, 0.05, 2) * crop.side
        yield CroppedView("view", 0, Crop((float(x), float(y)), crop.side * random.uniform(0.9, 1.1)), image)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--every", type=int, default=12, help="use every so manieth frame")
    parser.add_argument("--jitter", type=int, default=3, help="windows a frame")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    detector, random = load_efficientpose(arguments.weights, RunOptions()), np.random.default_rng(0)
    views: list[CroppedView] = []
    for video in arguments.videos:
        crop = None
        for image in pictures(video, arguments.every):
            crop = follow(detector, image, crop)
            if crop is not None:
                views.extend(jittered(image, crop, arguments.jitter, random))
    bias = measure_side_bias(detector, views)
    stride = 8
    print(
        f"{len(views)} windows, {bias.num_joints} joints: {bias.mean_px:+.3f} +- {bias.standard_error_px:.3f} px "
        f"of the heatmap, {stride * bias.mean_px:+.2f} +- {stride * bias.standard_error_px:.2f} px of the 256 px window"
    )


if __name__ == "__main__":
    main()
