"""Several simulated people who cross and touch: do they keep their numbers, and is each as good as harvested alone?

Two to four people walk to and fro through the middle of a stage, where neighbours pass at 0.4 m, five cameras around
them. "keypoints" are lists of people a picture: those who are hidden lack joints, two who stand behind each other are
taken for one in 30 % of the frames, 3 % are not found at all, and 5 % of the pictures hold a stray. "network" are
heatmaps in which everybody in the window leaves peaks. Alone means: the same person, motion and detector errors, with
nobody else there, harvested as one person.

    python benchmarks/people.py --people 2 3 4 --frames 300
    python benchmarks/people.py --people 3 --frames 300 --cost              # of the harvest of everybody from keypoints
    python benchmarks/people.py --people 3 --frames 348 --cost --visits 6   # the same, while new people come and go
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch

from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.evaluation.identity import Identities, find_identities
from poseharvest.evaluation.tracks import PoseTracks, harvest_tracks
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.progress import Progress
from poseharvest.simulation.crowd import CrowdKeypoints, CrowdSimulation, simulate_crowd

DETECTORS = ("keypoints", "network")


@dataclass(frozen=True, eq=False)
class Outcome:
    """One harvest of everybody beside one harvest of each alone.

    Attributes:
        found: who is whom in the harvest of everybody.
        together_mm: mean joint error by true person.
        alone_mm: likewise, of each harvested alone.
        num_people: numbers given out.
        num_uncertain: frames of people whose number the harvest calls uncertain.
    """

    found: Identities
    together_mm: dict[int, float]
    alone_mm: dict[int, float]
    num_people: int
    num_uncertain: int


def true_tracks(simulation: CrowdSimulation) -> PoseTracks:
    """Return the true poses of everybody."""
    positions = torch.stack([truth.positions for truth in simulation.truth]).numpy()  # (P, F, J, 3)
    num_people, num_frames, num_joints, _ = positions.shape
    frames, persons = np.tile(np.arange(num_frames), num_people), np.repeat(np.arange(num_people), num_frames)
    joints = simulation.truth[0].skeleton.joints
    return PoseTracks(joints, frames, persons, positions.reshape(-1, num_joints, 3))


def run(simulation: CrowdSimulation, kind: str, folder: Path) -> Outcome:
    """Harvest everybody together and each alone."""
    truth = true_tracks(simulation)

    def judged(detector: HeatmapDetector, people: int | None, person: int | None) -> tuple[Identities, int, int]:
        options = HarvestOptions(people=people, num_previews=0)
        made = harvest(simulation.capture, detector, folder / "harvest", options=options, overwrite=True)
        kept = np.ones(len(truth.frames), bool) if person is None else truth.persons == person
        known = PoseTracks(truth.joints, truth.frames[kept], truth.persons[kept], truth.positions[kept])
        uncertain = sum(last - first + 1 for one in made.info.people for first, last in one.uncertain_frames)
        return find_identities(harvest_tracks(made), known), made.info.counts.persons, uncertain

    everybody = simulation.keypoints if kind == "keypoints" else simulation.detector
    found, num_people, num_uncertain = judged(everybody, None, None)
    together = {i: float(found.distance_mm[found.true == i].mean()) for i in range(len(simulation.truth))}
    alone = {}
    for person in together:
        detector = simulation.alone(person)[DETECTORS.index("network") - DETECTORS.index(kind)]
        alone[person] = float(judged(detector, 1, person)[0].distance_mm.mean())
    return Outcome(found, together, alone, num_people, num_uncertain)


def show(kind: str, num_people: int, seed: int, outcome: Outcome, seconds: float) -> None:
    """Print a row."""
    together, alone = (np.mean(list(errors.values())) for errors in (outcome.together_mm, outcome.alone_mm))
    print(
        f"| {kind} | {num_people} | {seed} | {outcome.num_people} | {len(outcome.found.switches)} | "
        f"{outcome.found.num_missed} | {outcome.found.num_superfluous} | {outcome.num_uncertain} | {together:.1f} | "
        f"{alone:.1f} | {100 * (together / alone - 1):+.1f} % | "
        + ", ".join(f"{outcome.together_mm[i]:.1f}/{outcome.alone_mm[i]:.1f}" for i in outcome.alone_mm)
        + f" | {seconds:.0f} |",
        flush=True,
    )


@dataclass(frozen=True, eq=False)
class Visitors(CrowdKeypoints):
    """Keypoints of people who are there for `stay` of every `period` frames: the trackers take them for new ones."""

    stay: int = 24
    period: int = 58

    def people(self, view: str, picture: int) -> list[torch.Tensor]:
        """Return everybody in a picture, nobody while all are away."""
        moment = picture % self.period
        return super().people(view, moment + 20) if moment < self.stay else []


@dataclass(frozen=True, eq=False)
class Listed(CrowdKeypoints):
    """Keypoints of people in memory, as files on a disk hold them: simulating them is no part of a harvest's cost.

    Attributes:
        known: everybody by view and picture.
    """

    known: dict[tuple[str, int], list[torch.Tensor]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: CrowdKeypoints, num_pictures: int) -> Listed:
        """Return the keypoints of the first pictures of every view."""
        pictures = list(product(source.rig.names, range(num_pictures)))
        return cls(source.crowd, source.rig, source.seed, known={one: source.people(*one) for one in pictures})

    def people(self, view: str, picture: int) -> list[torch.Tensor]:
        """Return everybody in a picture."""
        return self.known[view, picture]


def show_cost(num_people: int, num_frames: int, seed: int, visits: int) -> None:
    """Print what a harvest of everybody from keypoints costs; memory is the most that this process ever held."""
    simulation = simulate_crowd(num_people, num_frames if visits == 1 else Visitors.period + 20, seed)
    source = simulation.keypoints
    if visits > 1:
        source = Visitors(source.crowd, source.rig, source.seed, period=num_frames // visits)
    source = Listed.of(source, num_frames)
    reports, start = [time.perf_counter()], time.process_time()

    def listen(_: Progress) -> None:
        reports.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        capture = replace(simulation.capture, num_frames=num_frames)
        options = HarvestOptions(people=None, num_previews=0)
        made = harvest(capture, source, Path(folder) / "harvest", options=options, on_progress=listen)
    cpu_ms = 1000 * (time.process_time() - start) / num_frames
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{made.info.counts.persons} people in {num_frames} frames, seed {seed}: {cpu_ms:.0f} CPU ms a frame, "
        f"{memory_gb:.2f} GB, longest silence {np.diff(reports).max():.1f} s",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--detectors", choices=DETECTORS, nargs="+", default=list(DETECTORS))
    parser.add_argument("--cost", action="store_true", help="harvest everybody only, and print what that costs")
    parser.add_argument("--visits", type=int, default=1, help="with --cost: how often new people come and leave")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.cost:
        for num_people, seed in product(arguments.people, arguments.seeds):
            show_cost(num_people, arguments.frames, seed, arguments.visits)
        return
    print(f"{arguments.frames} frames at 25 a second, 5 views, MPJPE of all joints, alignment none, mm")
    print(
        "| detector | people | seed | numbers | switches | missed | extra | uncertain | together | alone | | each | s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind, num_people, seed in product(arguments.detectors, arguments.people, arguments.seeds):
            start = time.perf_counter()
            outcome = run(simulate_crowd(num_people, arguments.frames, seed), kind, Path(folder))
            show(kind, num_people, seed, outcome, time.perf_counter() - start)


if __name__ == "__main__":
    main()
