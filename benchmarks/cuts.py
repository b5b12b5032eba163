"""How many frames does a cut cost? Keypoint files or footage of one person, a stretch of it repeated over and over.

    python benchmarks/cuts.py CAPTURE --calibration FILE --keypoints FOLDER --cuts 100
    python benchmarks/cuts.py CAPTURE --calibration FILE --weights FILE --cuts 10 --length 30

Each repetition of the stretch, from its last frame to its first, is a cut: the person is elsewhere at once. With a
network the pictures of the stretch are held in memory.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np

from poseharvest.capture.capture import Capture
from poseharvest.detectors.registry import load_detector
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from study.repeated import Repeated


def repeat(source: Path, target: Path, first: int, length: int, count: int) -> None:
    """Write the keypoint files of a stretch over and over: copies of those of the source, numbered from 0."""
    for folder in sorted(path for path in source.iterdir() if path.is_dir()):
        files = sorted(folder.glob("*.json"))[first : first + length]
        (target / folder.name).mkdir(parents=True)
        for number in range(count):
            shutil.copyfile(
                files[number % length], target / folder.name / f"{folder.name}_{number:012d}_keypoints.json"
            )


def main() -> None:
    """Print how many frames were harvested, and how many were lost at each cut."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--calibration", type=Path)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--keypoints", type=Path)
    source.add_argument("--weights", type=Path, help="of EfficientPose")
    parser.add_argument("--scratch", type=Path, help="folder on the disk of the keypoint files")
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--first", type=int, default=10)
    parser.add_argument("--length", type=int, default=50)
    options = parser.parse_args()
    capture = Capture.open(options.capture, calibration=options.calibration)
    num_frames = options.length * (options.cuts + 1)
    pictures = [] if options.keypoints else list(capture.frames(options.first, options.first + options.length))
    footage = Repeated(capture.rig, capture.frame_rate, num_frames, pictures)
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        if options.keypoints:
            keypoints = Path(folder) / "keypoints"
            repeat(options.keypoints, keypoints, options.first, options.length, num_frames)
            detector = load_detector(str(keypoints))
        else:
            detector = load_detector("efficientpose", weights=options.weights)
        result = harvest(footage, detector, Path(folder) / "h", options=HarvestOptions(num_previews=0))
        frames = np.array([row.frame for row in result.iter_frames()])
    lost = np.setdiff1d(np.arange(num_frames), frames)
    by_cut = np.bincount(lost // options.length, minlength=options.cuts + 1)
    print(f"{num_frames} frames with {options.cuts} cuts: {len(frames)} harvested")
    print(f"lost a cut: {by_cut[1:].mean():.2f} on average, {by_cut[1:].max()} at most")


if __name__ == "__main__":
    main()
