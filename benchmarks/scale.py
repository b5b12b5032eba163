"""What a frame costs on its way through a harvest of one person, and what a billion of them need.

OMP_NUM_THREADS=1 python benchmarks/scale.py CAPTURE --calibration FILE --weights FILE
python benchmarks/scale.py CAPTURE --calibration FILE --weights FILE --trackers 30

Times are those of the processor, all threads together, so that other programs do not count. A first harvest of a few
frames comes before, since loops are compiled at their first use. With --trackers, a second tracker begins so many
frames after the first, and their largest difference is printed.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch

from poseharvest.capture.capture import Capture
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.detectors.registry import load_detector
from poseharvest.harvesting.annotate import batched
from poseharvest.harvesting.chunks import CHUNK_FRAMES, HarvestedChunk, follow_chunk, infer_chunk
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.sighting_streams import Position
from poseharvest.harvesting.subject import Subject
from poseharvest.localization.follow.one_person import Tracker, batch_length

T = TypeVar("T")
BILLION = 10**9
SECONDS_A_DAY = 86_400


@dataclass
class Meter:
    """Workers of this process that measure what they do."""

    chunk_frames: int = CHUNK_FRAMES
    seconds: dict[str, float] = field(default_factory=dict)
    num_bytes: dict[str, int] = field(default_factory=dict)

    def timed(self, what: str, work: Callable[[], T]) -> T:
        """Do something, and count its processor time."""
        begun = time.process_time()
        done = work()
        self.seconds[what] = self.seconds.get(what, 0.0) + time.process_time() - begun
        return done

    def check(self, job: Job) -> None:
        """Nothing can be missing here."""

    @contextmanager
    def open(self, job: Job, subject: Subject, position: Position | None) -> Iterator[_Pool]:
        """Give the harvest to this process."""
        yield _Pool(self, job, subject, position)


@dataclass
class _Pool:
    meter: Meter
    job: Job
    subject: Subject
    position: Position | None
    most_pending: int = 1

    def submit(self, frames: range) -> Callable[[], HarvestedChunk]:
        def wait() -> HarvestedChunk:
            meter = self.meter
            followed, self.position = meter.timed("follow", lambda: follow_chunk(self.job, frames, self.position))
            done = meter.timed("infer", lambda: infer_chunk(self.job, self.subject, followed))
            for what, sent in (("heatmaps", followed.sightings), ("records", done.records)):
                meter.num_bytes[what] = meter.num_bytes.get(what, 0) + len(pickle.dumps(sent))
            return done

        return wait


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--detector", default="efficientpose")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--trackers", type=int)
    arguments = parser.parse_args()
    capture = Capture.open(arguments.capture, calibration=arguments.calibration)
    detector = load_detector(arguments.detector, weights=arguments.weights, device=arguments.device)
    if arguments.trackers is not None:
        compare_trackers(capture, detector, arguments.trackers)
        return
    stop = min(arguments.frames, capture.num_frames)
    with tempfile.TemporaryDirectory() as folder:
        options = HarvestOptions(stop=6, warm_up_frames=6, num_previews=0, device=arguments.device)
        harvest(capture, detector, Path(folder) / "first", options=options)
        meter = Meter(seconds={"decode": 0.0})
        if detector.needs_images:
            meter.timed("decode", lambda: sum(1 for _ in capture.frames(0, stop)))
        options = HarvestOptions(stop=stop, num_previews=0, device=arguments.device)
        made = meter.timed(
            "all", lambda: harvest(capture, detector, Path(folder) / "h", options=options, workers=meter)
        ).path
        stored = sum(path.stat().st_size for kind in ("annotations", "frames") for path in (made / kind).glob("*"))
    show(meter, stop, len(capture.rig), stored, footage_bytes(capture) / capture.num_frames)


def show(meter: Meter, num_frames: int, num_views: int, stored: int, footage: float) -> None:
    spent = {what: 1000 * seconds / num_frames for what, seconds in meter.seconds.items()}
    network = spent["follow"] - spent["decode"]
    rest = spent["all"] - spent["follow"] - spent["infer"]
    print(f"{num_frames} frames of {num_views} views; CPU ms a frame:")
    print(f"  decoding {spent['decode']:.1f}, network and following {network:.1f}, inference {spent['infer']:.1f}")
    print(f"  learning of the subject, selection, smoothing, writing {rest:.1f} (learning is done once a capture)")
    sent = {what: num / num_frames for what, num in meter.num_bytes.items()}
    print(
        f"bytes a frame: footage {footage:.3g}, heatmaps {sent['heatmaps']:.3g}, records {sent['records']:.3g}, ",
        end="",
    )
    print(f"harvest {stored / num_frames:.3g}")
    per_frame_ms = spent["decode"] + network + spent["infer"]
    print(f"a billion frames: {per_frame_ms / 1000 * BILLION / SECONDS_A_DAY / 365:.0f} years of one core, ", end="")
    print(f"{footage * BILLION / 1e12:.3g} TB of footage, {stored / num_frames * BILLION / 1e12:.3g} TB of harvests")


def footage_bytes(capture: Capture) -> int:
    """Return the size of all files of a capture."""
    return sum(int(view.get("bytes", 0)) for view in capture.fingerprints.values())


def compare_trackers(capture: Capture, detector: HeatmapDetector, later: int) -> None:
    """Print how far two trackers are apart, of which one begins some frames after the other."""
    together = batch_length(capture.frame_rate)
    first, second = Tracker(detector, capture.rig), Tracker(detector, capture.rig)
    begin = later - later % together
    for frames in batched(capture.frames(), together):
        first.observe(frames)
        if frames[0].index < begin:
            continue
        second.observe(frames)
        one, other = first.state.belief, second.state.belief
        if one is None or other is None:
            print(f"frame {frames[-1].index}: at least one knows nobody")
            continue
        both = one.known & other.known
        apart = torch.linalg.vector_norm((one.points - other.points)[both], dim=-1).max()
        same = "the same" if torch.equal(one.known, other.known) else "other"
        print(f"frame {frames[-1].index}: {same} joints, at most {float(apart):.2g} mm apart")


if __name__ == "__main__":
    main()
