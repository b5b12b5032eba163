"""People in frames that do not follow one another: is everybody found whom two views show, and how well?

The simulated people of `benchmarks/people.py`, three cameras around them, their frames shuffled. "in order" is the same
footage unshuffled, harvested frame by frame as it is. Somebody is shown where two views have at least four joints of
them; found where an estimate lies within 500 mm of them in the mean over the joints; an estimate of nobody is false.
Errors are means over the joints of those who are found, supported joints alone.

    python benchmarks/moments.py --people 2 3 --frames 100
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from people import DETECTORS, true_tracks
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector
from poseharvest.evaluation.identity import Identities, find_identities
from poseharvest.evaluation.tracks import PoseTracks, harvest_tracks
from poseharvest.geometry.crop import Crop
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.simulation.crowd import CrowdDetector, CrowdKeypoints, CrowdSimulation, simulate_crowd

NUM_VIEWS = 3
LEAST_JOINTS = 4
SEEN_HEIGHT = 0.12


@dataclass(frozen=True, eq=False)
class ShuffledNetwork:
    """A `HeatmapDetector` that is shown other frames than it is told."""

    inner: CrowdDetector | CrowdKeypoints
    order: tuple[int, ...]
    name: str = field(default="shuffled", init=False)
    needs_images: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "skeleton", self.inner.skeleton)
        object.__setattr__(self, "heatmap_size", self.inner.heatmap_size)

    def detect(self, views: list[CroppedView]) -> Tensor:
        """Return the heatmaps of the frames that these stand for."""
        return self.inner.detect([replace(view, frame=self.order[view.frame]) for view in views])


@dataclass(frozen=True, eq=False)
class ShuffledKeypoints(ShuffledNetwork):
    """The same of a `KeypointSource`."""

    def people(self, view: str, frame: int) -> list[Tensor]:
        """Return the people of the frame that this stands for."""
        return self.inner.people(view, self.order[frame])

    def draw(self, people: list[Tensor], crop: Crop) -> Tensor:
        """Return the heatmaps of some people in a window."""
        return self.inner.draw(people, crop)


def shuffled(simulation: CrowdSimulation, kind: str, order: tuple[int, ...]) -> HeatmapDetector:
    """Return a detector to which the frames come in another order."""
    if kind == "keypoints":
        return ShuffledKeypoints(simulation.keypoints, order)  # type: ignore[return-value]
    return ShuffledNetwork(simulation.detector, order)  # type: ignore[return-value]


def shown(simulation: CrowdSimulation, kind: str, num_frames: int) -> set[tuple[int, int]]:
    """Return (frame, person) of everybody of whom two views have four joints."""
    found = set()
    for frame, person in product(range(num_frames), range(len(simulation.truth))):
        views = [simulation.detector.each[person].observer.observe(view, frame) for view in range(NUM_VIEWS)]
        counts = sorted((int((one.heights[:, 0] >= SEEN_HEIGHT).sum()) for one in views), reverse=True)
        if counts[1] >= LEAST_JOINTS:
            found.add((frame, person))
    return found


def judged(
    simulation: CrowdSimulation, detector: HeatmapDetector, order: tuple[int, ...], moments: bool | None
) -> Identities:
    """Harvest, and return who is whom."""
    truth, options = true_tracks(simulation), HarvestOptions(people=None, moments=moments, num_previews=0)
    moved = PoseTracks(truth.joints, np.argsort(order)[truth.frames], truth.persons, truth.positions)
    with tempfile.TemporaryDirectory() as folder:
        made = harvest(simulation.capture, detector, Path(folder) / "harvest", options=options)
        return find_identities(harvest_tracks(made), moved)


def show(kind: str, num_people: int, seed: int, frames: int, asked: bool | None) -> None:
    """Print a row."""
    start = time.perf_counter()
    simulation = simulate_crowd(num_people, frames, seed, num_views=NUM_VIEWS)
    order = tuple(np.random.default_rng(seed).permutation(frames).tolist())
    there = shown(simulation, kind, frames)
    unshuffled = simulation.keypoints if kind == "keypoints" else simulation.detector
    alone = judged(simulation, shuffled(simulation, kind, order), order, asked)
    in_order = judged(simulation, unshuffled, tuple(range(frames)), False)
    met = {(order[f], p) for f, p in zip(alone.frames.tolist(), alone.true.tolist(), strict=True)}
    num_estimated = len(alone.frames) + alone.num_superfluous
    error, before = float(alone.distance_mm.mean()), float(in_order.distance_mm.mean())
    print(
        f"| {kind} | {num_people} | {seed} | {len(there)} | {100 * len(met & there) / max(1, len(there)):.1f} % | "
        f"{100 * alone.num_superfluous / max(1, num_estimated):.1f} % | {error:.1f} | {before:.1f} | "
        f"{error / before:.2f} | {time.perf_counter() - start:.0f} |",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--detectors", choices=DETECTORS, nargs="+", default=list(DETECTORS))
    parser.add_argument("--notice", action="store_true", help="say nothing of moments: the harvest finds out")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{arguments.frames} frames, {NUM_VIEWS} views, mean joint error in mm; goal: >= 90 %, <= 3 %, <= 1.30")
    print("| detector | people | seed | shown | found | false | error | in order | ratio | s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind, num_people, seed in product(arguments.detectors, arguments.people, arguments.seeds):
        show(kind, num_people, seed, arguments.frames, None if arguments.notice else True)


if __name__ == "__main__":
    main()
