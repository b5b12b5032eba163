"""Do memory and speed of a long harvest stay what they were, and does its report open?

    python benchmarks/long_run.py --frames 36000 --views 8
    python benchmarks/long_run.py --frames 1000 --capture CAPTURE --calibration FILE --weights FILE
    python benchmarks/long_run.py --frames 1000 --views 4 --estimate grid

Without a capture: OpenPose's files of a simulated person, with errors and lost joints, a file a picture. With one: its
frames by EfficientPose, forwards and backwards in turn. Memory is what the process holds; the time is that of the
processor, all threads together, so that other programs do not count. The first tenth, in which the person is found and
the limbs are learned, is left out of the comparison.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from poseharvest.annotations.reader import Harvest
from poseharvest.capture.capture import Capture
from poseharvest.detectors.registry import load_detector
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.progress import Progress
from poseharvest.report.html import report
from study.long_keypoints import write_long_keypoints
from study.repeated import Repeated

PAGE = resource.getpagesize()
NUM_STRETCHES = 10


@dataclass
class Watch:
    """Notes memory and processor time while a harvest goes on.

    Attributes:
        num_frames: of the harvest.
        marks: (frames done, MB held, s of processor time), about a hundred of them a stretch.
    """

    num_frames: int
    marks: list[tuple[int, float, float]] = field(default_factory=list)
    started: float = field(default_factory=time.process_time)

    def __call__(self, progress: Progress) -> None:
        """Take in one step."""
        last = self.marks[-1][0] if self.marks else 0
        if progress.stage == "harvesting" and progress.done - last >= self.num_frames / (100 * NUM_STRETCHES):
            held = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 2**20
            self.marks.append((progress.done, held, time.process_time() - self.started))

    def stretches(self) -> list[tuple[int, float, float]]:
        """Return for each stretch its last frame, the MB held (median) and the ms of processor time a frame."""
        found = []
        for number in range(NUM_STRETCHES):
            low, high = (self.num_frames * place // NUM_STRETCHES for place in (number, number + 1))
            marks = [mark for mark in self.marks if low < mark[0] <= high]
            if len(marks) > 1:
                cost = (marks[-1][2] - marks[0][2]) / (marks[-1][0] - marks[0][0])
                found.append((marks[-1][0], median(mark[1] for mark in marks), 1e3 * cost))
        return found


def run(arguments: argparse.Namespace, folder: Path) -> tuple[Harvest, Watch]:
    """Make the footage and harvest it."""
    if arguments.capture is None:
        rig = write_long_keypoints(folder / "keypoints", arguments.frames, arguments.views)
        footage = Repeated(rig, 50.0, arguments.frames)
        detector = load_detector(str(folder / "keypoints"))
    else:
        capture = Capture.open(arguments.capture, calibration=arguments.calibration)
        pictures = list(capture.frames())
        footage = Repeated(capture.rig, capture.frame_rate, arguments.frames, pictures, swings=True)
        detector = load_detector("efficientpose", weights=arguments.weights)
    watch = Watch(arguments.frames)
    options = HarvestOptions(num_previews=0, estimate=arguments.estimate)
    return harvest(footage, detector, folder / "h", options=options, on_progress=watch), watch


def main() -> None:
    """Print memory and speed by tenths, and the report's size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=36_000)
    parser.add_argument("--views", type=int, default=8)
    parser.add_argument("--capture", type=Path)
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--estimate", choices=["continuous", "grid"], default="continuous")
    parser.add_argument("--scratch", type=Path, help="folder on the disk of keypoint files and harvest")
    parser.add_argument("--keep-report", type=Path, help="folder to copy the report into")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as name:
        made, watch = run(arguments, Path(name))
        print(
            f"{time.process_time() - watch.started:.1f} s of CPU, all threads, from the first picture to the last file"
        )
        stretches = watch.stretches()
        print("up to frame   MB held   ms of CPU a frame")
        for frame, held, cost in stretches:
            print(f"{frame:11d} {held:9.0f} {cost:19.1f}")
        (_, first_mb, first_ms), (_, last_mb, last_ms) = stretches[1], stretches[-1]
        memory, cost = last_mb / first_mb - 1, last_ms / first_ms - 1
        print(f"from the second tenth to the last: memory {memory:+.1%}, time {cost:+.1%}")
        begun = time.process_time()
        page = report(made.path)
        took_s = time.process_time() - begun
        print(f"{sum(1 for _ in made.iter_frames())} of {arguments.frames} frames harvested")
        page_mb, all_mb = (sum(map(_size_mb, paths)) for paths in ([page], page.parent.rglob("*")))
        print(f"report in {took_s:.0f} s of CPU: page {page_mb:.1f} MB, {all_mb - page_mb:.1f} MB beside it")
        if arguments.keep_report is not None:
            shutil.copytree(page.parent, arguments.keep_report)


def _size_mb(path: Path) -> float:
    return path.stat().st_size / 2**20 if path.is_file() else 0.0


if __name__ == "__main__":
    main()
