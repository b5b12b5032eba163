"""Which cameras, and where: error and sigma of a simulated person by many rigs (docs/cameras_and_where.md).

    python benchmarks/camera_placement.py                    # all tables but the last, a quarter of an hour
    python benchmarks/camera_placement.py --table number     # one of them
    python benchmarks/camera_placement.py --table pixels     # drawn pictures of several sizes, by the shipped network

A person of the simulation walks about before 1920 x 1080 cameras 4.5 m away and 1.6 m high, seen by a detector with the
errors that were measured of EfficientPose-I (docs/synthetic.md). Every line is the mean over the seeds; the default is
one walk of 40 frames. `error` is the mean distance of the supported joints from the truth without any alignment,
`sigma` the median that the harvest states itself.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from poseharvest.detectors.registry import load_detector
from poseharvest.geometry.rig import Rig
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.tables.studio.filming import Filming, film
from study.placement import Fault, Outcome, arc, judge, outcome, ring

Rows = Iterator[tuple[str, list[Outcome]]]
HEADINGS = ("", "error, mm", "median, mm", "sigma, mm", "supported", "verdict", "left out by itself")


class Study:
    """Harvests of one size, in a folder that is thrown away."""

    def __init__(self, seeds: int, frames: int, folder: Path) -> None:
        self.seeds, self.frames, self.folder = range(seeds), frames, folder
        self.count = 0

    def place(self) -> Path:
        """Return a new place for a harvest."""
        self.count += 1
        return self.folder / str(self.count)

    def of(self, make_rig, fault: Fault = Fault(), **options: bool) -> list[Outcome]:  # noqa: B008 - frozen
        """Return the outcome of every seed."""
        return [
            outcome(make_rig, self.place(), seed=seed, num_frames=self.frames, fault=fault, **options)
            for seed in self.seeds
        ]

    def number(self) -> Rows:
        """How many cameras."""
        for number in (2, 3, 4, 6, 8):
            where = "at 90°" if number == 2 else f"all round, {360 / number:.0f}° apart"
            yield f"{number} cameras {where}", self.of(ring(number))

    def angle(self) -> Rows:
        """How far apart neighbours stand."""
        for angle in (10, 20, 40, 60, 90, 120, 150):
            yield f"2 cameras, {angle}° apart", self.of(arc(2, angle))
        for angle in (10, 20, 45, 90):
            yield f"4 cameras in an arc, neighbours {angle}° apart", self.of(arc(4, angle))

    def height(self) -> Rows:
        """How high they stand."""
        for height in (300, 1600, 3000):
            yield f"4 cameras all round, {height / 1000:.1f} m high", self.of(ring(4, height_mm=height))
        low, high = ring(4, height_mm=1000), ring(4, height_mm=2500)
        mixed = Rig(tuple((low, high)[index % 2].cameras[index] for index in range(4)))
        yield "4 cameras all round, 1.0 and 2.5 m in turn", self.of(mixed)

    def offset(self) -> Rows:
        """One camera that was started late."""
        for late in (0, 1, 2, 3, 5):
            yield f"4 cameras, one {late} frames ({late * 40} ms) late, kept", self.of(ring(4), Fault(late_frames=late))
        for late in (2, 5):
            found = self.of(ring(4), Fault(late_frames=late), keep_cameras=False)
            yield f"4 cameras, one {late} frames late, as harvested by default", found

    def calibration(self) -> Rows:
        """Cameras that are not where the calibration says."""
        for turn in (0.1, 0.2, 0.5):
            yield f"4 cameras, directions off by {turn}° about each axis", self.of(ring(4), Fault(turn_deg=turn))
        for shift in (10, 20, 50):
            yield f"4 cameras, places off by {shift} mm along each axis", self.of(ring(4), Fault(shift_mm=shift))

    def pixels(self) -> Rows:
        """The other tables' detector errs by a share of the person; what few pixels do needs pictures and a network."""
        detector = load_detector("hourglass")
        for scale in (0.1, 0.2, 0.4, 0.8):
            found = []
            for seed in self.seeds:
                filming = Filming(num_frames=16, frame_rate=5.0, scale=scale)
                take = film(1, "Walking", seed, self.place(), filming=filming)
                found.append(judge(harvest(take.capture, detector, self.place()), take.truth.positions))
            yield f"a person about {480 * scale:.0f} pixels tall", found


TABLES: dict[str, Callable[[Study], Rows]] = {
    name: getattr(Study, name) for name in ("number", "angle", "height", "offset", "calibration", "pixels")
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", choices=TABLES, action="append", help="may be given several times")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--frames", type=int, default=40)
    arguments = parser.parse_args()
    for name in arguments.table or [name for name in TABLES if name != "pixels"]:
        print(f"\n{name}\n\n| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            for label, found in TABLES[name](Study(arguments.seeds, arguments.frames, Path(folder))):
                print(line(label, found), flush=True)


def line(label: str, found: list[Outcome]) -> str:
    """Return one row of a table."""
    means = [float(np.mean([getattr(one, name) for one in found])) for name in ("error_mm", "median_mm", "sigma_mm")]
    supported = float(np.mean([one.supported for one in found]))
    verdicts = ", ".join(sorted({one.verdict for one in found}))
    left_out = ", ".join(",".join(one.left_out) or "none" for one in found) if any(f.left_out for f in found) else ""
    cells = [label, *(f"{mean:.1f}" for mean in means), f"{100 * supported:.0f} %", verdicts, left_out]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
