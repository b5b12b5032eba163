"""Judge the enlarged shells (choice D5) on simulated captures whose truth is known.

python benchmarks/shell_study.py

Of every limb: its true length, the length learned from the footage, and the median distance between the posterior
means of its ends when the shell has the learned length ("plain") and when it is enlarged ("matched"); for the first
seed, clean heatmaps of 32 x 32.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from poseharvest.harvesting.subject import Subject, SubjectLearner
from poseharvest.localization.follow.one_person import Tracker
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation import CLEAN, REALISTIC, DetectorErrors, simulate
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton

SEEDS = (911, 912)


@dataclass(frozen=True)
class Subjects:
    """One simulated person, seen and learned.

    Attributes:
        truth: (F, J, 3) mm.
        sightings: of the F frames.
        learner: of the skeleton.
        subject: what it learned.
    """

    truth: Tensor
    sightings: list[Sighting]
    learner: SubjectLearner
    subject: Subject

    def means(self, shells: LimbLengths) -> Tensor:
        """Return the posterior means (F, J, 3) under the given shells."""
        posteriors = self.learner.model(shells).infer_many([s.evidence for s in self.sightings])
        return torch.stack([posterior.mean for posterior in posteriors]).double()


def learn(num_frames: int, seed: int, errors: DetectorErrors, map_px: int) -> Subjects:
    """Return a simulated person, learned from square heatmaps of `map_px` alone."""
    simulation = simulate(num_frames, seed, errors=errors, render=False)
    tracker = Tracker(replace(simulation.detector, heatmap_size=(map_px, map_px)), simulation.capture.rig)
    sightings = [sighting for frame in simulation.capture.frames() for sighting in tracker.observe([frame])]
    learner = SubjectLearner(simulation.detector.skeleton, InferenceOptions())
    truth = simulation.truth.positions[[s.frame for s in sightings]]
    return Subjects(truth, sightings, learner, learner.learn(sightings))


def limb_vectors(skeleton: Skeleton, points: Tensor) -> Tensor:
    """Return the vectors (F, E, 3) from parents to children."""
    ends = [(skeleton.index(limb.parent), skeleton.index(limb.child)) for limb in skeleton.limbs]
    return torch.stack([points[:, child] - points[:, parent] for parent, child in ends], 1)


def errors_mm(persons: list[Subjects], means: list[Tensor]) -> str:
    """Return the mean and the median error of all joints."""
    error = torch.cat([(m - p.truth).norm(dim=-1).flatten() for m, p in zip(means, persons, strict=True)])
    return f"{float(error.mean()):.1f} ({float(error.median()):.1f})"


def print_limbs(person: Subjects, plain: Tensor, matched: Tensor) -> None:
    """Print a row a limb; the sides share their lengths, so the right one is left out."""
    skeleton = person.learner.skeleton
    true, short, full = (
        limb_vectors(skeleton, points).norm(dim=-1).median(0).values for points in (person.truth, plain, matched)
    )
    print("\n| limb | true, mm | learned | radius | plain | matched |")
    print("|---|---:|---:|---:|---:|---:|")
    for i, limb in enumerate(skeleton.limbs):
        if limb.child.startswith("right"):
            continue
        key = (limb.parent, limb.child)
        learned, radius = person.subject.lengths.mm[key], person.subject.shells.mm[key]
        columns = (float(true[i]), learned, radius, float(short[i]), float(full[i]))
        print(f"| {limb.name} | " + " | ".join(f"{value:.0f}" for value in columns) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print("| detector's errors | heatmaps | plain: mean (median) error, mm | matched |\n|---|---|---:|---:|")
    for name, errors in (("clean", CLEAN), ("realistic", REALISTIC)):
        for map_px in (64, 32):
            persons = [learn(arguments.frames, seed, errors, map_px) for seed in arguments.seeds]
            plain = [p.means(p.subject.lengths) for p in persons]
            matched = [p.means(p.subject.shells) for p in persons]
            columns = f"{errors_mm(persons, plain)} | {errors_mm(persons, matched)}"
            print(f"| {name} | {map_px} x {map_px} | {columns} |", flush=True)
            if (name, map_px) == ("clean", 32):
                shown = (persons[0], plain[0], matched[0])
    print_limbs(*shown)


if __name__ == "__main__":
    main()
