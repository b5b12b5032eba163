"""What the film of a harvest costs: its time against that of a harvest without it, and its bytes a frame.

    python benchmarks/film_cost.py CAPTURE --calibration FILE --weights FILE [--stop N]

Both are processor time of this process. The film is made of decoded pictures, as a harvest by network has them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2

from poseharvest.annotations.film import FilmWriter, film_part_path, film_picture, plan_film
from poseharvest.capture.capture import Capture
from poseharvest.detectors.registry import load_detector
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("capture", type=Path)
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--stop", type=int)
    asked = parser.parse_args()
    capture = Capture.open(asked.capture, calibration=asked.calibration)
    stop = min(asked.stop or capture.num_frames, capture.num_frames)
    with tempfile.TemporaryDirectory() as folder:
        film_s, num_bytes = film_cost(capture, stop, Path(folder))
        detector = load_detector("efficientpose", weights=asked.weights)
        warm_up = HarvestOptions(stop=min(8, stop), film_px=0)
        harvest(capture, detector, Path(folder) / "warm_up", options=warm_up)  # what is compiled is not measured
        began = time.process_time()
        harvest(capture, detector, Path(folder) / "harvest", options=HarvestOptions(stop=stop, film_px=0))
        harvest_s = time.process_time() - began
    print(f"{stop} frames of {len(capture.views)} views")
    print(f"harvest without film: {1000 * harvest_s / stop:.0f} ms a frame")
    print(f"film: {1000 * film_s / stop:.1f} ms a frame, {film_s / harvest_s:.2%} of that")
    print(f"film: {num_bytes / stop:.0f} bytes a frame")


def film_cost(capture: Capture, stop: int, folder: Path) -> tuple[float, int]:
    """Return the seconds and the bytes of a film of the first frames, without decoding the footage."""
    writer = FilmWriter(folder, plan_film(capture.rig, range(stop), capture.frame_rate))
    film_s, num_threads = 0.0, cv2.getNumThreads()
    cv2.setNumThreads(1)  # all of its time is then that of this thread
    for frame in capture.frames(0, stop):
        if frame.index not in writer.info.frames:
            continue
        began = time.thread_time()
        writer.add(frame.index, film_picture(writer.info, frame.images))
        film_s += time.thread_time() - began
    cv2.setNumThreads(num_threads)
    parts = [film_part_path(folder, index) for index in range(writer.info.num_parts)]
    return film_s, sum(part.stat().st_size for part in parts)


if __name__ == "__main__":
    main()
