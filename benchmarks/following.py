"""Following people in keypoint files: many frames together against one by one, beside the inference of what is found.

The simulated people of `benchmarks/people.py`, as keypoints. Both ways and the inference run in this process in turns,
so that their ratios hold on a busy machine too. Times are those of the processor; each is the best of the turns.

    python benchmarks/following.py --people 1 3
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import CroppedView
from poseharvest.geometry.crop import Crop
from poseharvest.harvesting.annotate import batched
from poseharvest.localization.follow.people_tracker import PeopleTracker
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation.crowd import CrowdKeypoints, CrowdSimulation, simulate_crowd
from poseharvest.skeleton.limb_lengths import LimbLengths

TOGETHER = 16
NUM_TURNS = 3


@dataclass(frozen=True, eq=False)
class StoredKeypoints:
    """The keypoints of a simulation, made once: files would give them as quickly."""

    source: CrowdKeypoints
    stored: dict[tuple[str, int], list[Tensor]] = field(default_factory=dict)
    name: str = field(default="stored keypoints", init=False)
    needs_images: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "skeleton", self.source.skeleton)
        object.__setattr__(self, "heatmap_size", self.source.heatmap_size)

    def people(self, view: str, picture: int) -> list[Tensor]:
        """Return everybody in a picture."""
        if (view, picture) not in self.stored:
            self.stored[view, picture] = self.source.people(view, picture)
        return self.stored[view, picture]

    def draw(self, people: Sequence[Tensor], crop: Crop) -> Tensor:
        """Return the heatmaps of some people."""
        return self.source.draw(people, crop)

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps of everybody."""
        return torch.stack([self.draw(self.people(view.view, view.frame), view.crop) for view in views])


def follow(simulation: CrowdSimulation, source: StoredKeypoints, num_frames: int, together: int) -> list[Sighting]:
    """Return everybody's sightings, followed from the first frame on."""
    views = simulation.capture.rig.names
    rate = simulation.capture.frame_rate
    frames = [MultiViewFrame(number, number / rate, (None,) * len(views)) for number in range(num_frames)]
    tracker = PeopleTracker(source, simulation.capture.rig)
    moments = [moment for some in batched(frames, together) for moment in tracker.observe(some)]
    return [one.sighting for moment in moments for one in moment.sightings]


def true_lengths(simulation: CrowdSimulation) -> LimbLengths:
    skeleton, positions = simulation.keypoints.skeleton, simulation.truth[0].positions
    lengths = {}
    for limb in skeleton.limbs:
        ends = positions[:, [skeleton.index(limb.parent), skeleton.index(limb.child)]]
        lengths[limb.parent, limb.child] = float(torch.linalg.vector_norm(ends[:, 0] - ends[:, 1], dim=-1).median())
    return LimbLengths(lengths)


def best_ms(ways: Sequence[Callable[[], object]], num_frames: int) -> list[float]:
    """Return the processor's milliseconds a frame of each way, after one run that fills memories."""
    times = [float("inf")] * len(ways)
    for turn in range(NUM_TURNS + 1):
        for number, way in enumerate(ways):
            start = time.process_time()
            way()
            taken = 1000 * (time.process_time() - start) / num_frames
            times[number] = min(times[number], taken) if turn else times[number]
    return times


def measure(num_people: int, num_views: int, num_frames: int) -> list[str]:
    simulation = simulate_crowd(num_people, num_frames, 1, num_views=num_views)
    source = StoredKeypoints(simulation.keypoints)
    fast = follow(simulation, source, num_frames, TOGETHER)
    slow = follow(simulation, source, num_frames, 1)
    off = max(float((a.pose.points - b.pose.points).abs().max()) for a, b in zip(fast, slow, strict=True))
    inferred = fast[:: max(1, len(fast) // TOGETHER)]
    model = PictorialStructures(source.skeleton, true_lengths(simulation), InferenceOptions())
    together, alone, inference = best_ms(
        [
            lambda: follow(simulation, source, num_frames, TOGETHER),
            lambda: follow(simulation, source, num_frames, 1),
            lambda: model.infer_many([one.evidence for one in inferred]),
        ],
        num_frames,
    )
    inference *= len(fast) / len(inferred)
    numbers = [f"{together:.1f}", f"{alone:.1f}", f"{inference:.1f}"]
    ratios = [f"{alone / together:.2f}", f"{together / inference:.2f}", f"{off:.1e}"]
    return [str(num_people), str(num_views), f"{len(fast) / num_frames:.1f}", *numbers, *ratios]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="*", default=[1, 3])
    parser.add_argument("--views", type=int, nargs="*", default=[4])
    parser.add_argument("--frames", type=int, default=48)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(title=f"CPU ms a frame, {TOGETHER} frames together, torch {torch.__version__}, one thread")
    for column in (
        "people",
        "views",
        "seen",
        "following",
        "one by one",
        "inference",
        "quicker by",
        "following /",
        "mm",
    ):
        table.add_column(column)
    for num_people in arguments.people:
        for num_views in arguments.views:
            table.add_row(*measure(num_people, num_views, arguments.frames))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
