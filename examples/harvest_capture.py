"""Harvest a capture from Python and use what comes out.

python examples/harvest_capture.py CAPTURE DETECTOR OUT

CAPTURE is a folder with footage and calibration, DETECTOR "efficientpose" or whatever else `load_detector` takes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from poseharvest import Capture, Harvest, harvest, load_detector
from poseharvest.export.registry import export
from poseharvest.report import report


def make_harvest(folder: Path, detector_name: str, out: Path) -> Harvest:
    # Footage and calibration are found in the folder, checked against each other and matched by time stamp.
    capture = Capture.open(folder)
    # A network gets its weights from the cache; a folder of keypoint files needs none.
    detector = load_detector(detector_name)
    # Frames stream through detector and inference; `out` appears when it is complete.
    return harvest(capture, detector, out)


def use_harvest(result: Harvest) -> None:
    # One frame and person at a time, so that a capture of any length fits into memory.
    for row in result.iter_selected():
        wrist = result.skeleton.index("right_wrist")
        if row.selected[wrist]:
            x, y, z = row.annotations.mean[wrist].tolist()
            sigma = row.annotations.cov[wrist].diagonal().mean().sqrt()
            print(f"frame {row.annotations.frame}: right wrist at ({x:.0f}, {y:.0f}, {z:.0f}) +- {sigma:.0f} mm")
    # What a 2D detector is trained with: unreliable joints are masked.
    export(result, "coco", result.path.with_name(result.path.name + "-coco"))
    print(f"report: {report(result.path)}")


if __name__ == "__main__":
    use_harvest(make_harvest(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
