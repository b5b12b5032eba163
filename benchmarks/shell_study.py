"""Judge the enlarged shells (choice D5) on simulated captures whose truth is known.

python benchmarks/shell_study.py

Of every limb: its true length, the length learned from the footage, and the median distance between the posterior
means of its ends when the shell has the learned length ("plain") and when it is enlarged ("matched"). "derived" is
what docs/method.md derives for the change by a plain shell, from the widths of the two ends' unaries alone.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import torch
from scipy.stats import truncnorm
from torch import Tensor

from poseharvest.geometry.grid import cube
from poseharvest.harvesting.subject import Subject, SubjectLearner
from poseharvest.localization.track import Sighting, Tracker
from poseharvest.pictorial.infer import InferenceOptions
from poseharvest.pictorial.pairwise import LimbLengths
from poseharvest.pictorial.posterior import grid_moments
from poseharvest.pictorial.unary import back_project
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.synthetic import CLEAN, REALISTIC, DetectorErrors, simulate

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
        model = self.learner.model(shells)
        return torch.stack([model.infer(s.heatmaps, s.cameras, s.center).mean for s in self.sightings]).double()


def learn(num_frames: int, seed: int, errors: DetectorErrors) -> Subjects:
    """Return a simulated person, learned from the heatmaps alone."""
    simulation = simulate(num_frames, seed, errors=errors, render=False)
    tracker = Tracker(simulation.detector, simulation.capture.rig)
    seen = [tracker.observe(frame) for frame in simulation.capture.frames()]
    sightings = [sighting for sighting in seen if sighting is not None]
    learner = SubjectLearner(simulation.detector.skeleton, InferenceOptions())
    truth = simulation.truth.positions[[s.frame for s in sightings]]
    return Subjects(truth, sightings, learner, learner.learn(sightings))


def limb_vectors(skeleton: Skeleton, points: Tensor) -> Tensor:
    """Return the vectors (F, E, 3) from parents to children."""
    ends = [(skeleton.index(limb.parent), skeleton.index(limb.child)) for limb in skeleton.limbs]
    return torch.stack([points[:, child] - points[:, parent] for parent, child in ends], 1)


def derived_change(person: Subjects) -> Tensor:
    """Return (E,) the change of length by plain shells that two joints alone would show, the median over frames."""
    skeleton = person.learner.skeleton
    model = person.learner.model(person.subject.lengths)
    changes = []
    for sighting, truth in zip(person.sightings, person.truth, strict=True):
        volume = cube(sighting.center.float(), model.edge_mm, model.options.resolution)
        unaries = back_project(sighting.heatmaps, sighting.cameras, volume, floor=0.0)
        peak = unaries.log_values.flatten(1).amax(1)[:, None, None, None]
        weights = torch.exp(unaries.log_values - peak)
        cov = grid_moments(weights / weights.sum((1, 2, 3), keepdim=True), volume).cov
        vectors = limb_vectors(skeleton, truth[None])[0]
        length = vectors.norm(dim=-1)
        axis = vectors / length[:, None]
        both = torch.stack([cov[skeleton.index(m.parent)] + cov[skeleton.index(m.child)] for m in skeleton.limbs])
        along = torch.einsum("ei,eij,ej->e", axis, both, axis)
        across = (torch.einsum("eii->e", both) - along) / 2
        changes.append((cut_variance(along, model.tolerance_mm) - across) / length)
    return torch.stack(changes).median(0).values


def cut_variance(variance: Tensor, limit: float) -> Tensor:
    """Return the variance of normal numbers, of mean 0, that lie within `limit`."""
    sigma = variance.sqrt().numpy()
    return torch.from_numpy(sigma**2 * truncnorm.var(-limit / sigma, limit / sigma))


def print_study(name: str, persons: list[Subjects]) -> None:
    """Print the errors, and the limbs of the first person."""
    plain = [p.means(p.subject.lengths) for p in persons]
    matched = [p.means(p.subject.shells) for p in persons]
    for kind, means in (("plain", plain), ("matched", matched)):
        error = torch.cat([(m - p.truth).norm(dim=-1).flatten() for m, p in zip(means, persons, strict=True)])
        print(f"{name}, {kind} shells: mean error {float(error.mean()):.1f} mm, median {float(error.median()):.1f} mm")
    first = persons[0]
    skeleton = first.learner.skeleton
    true, short, full = (
        limb_vectors(skeleton, points).norm(dim=-1).median(0).values for points in (first.truth, plain[0], matched[0])
    )
    print("\n| limb | true | learned | plain | matched | plain - learned | derived | radius - learned |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for i, (limb, derived) in enumerate(zip(skeleton.limbs, derived_change(first), strict=True)):
        if limb.child.startswith("right"):
            continue  # the sides share their lengths
        key = (limb.parent, limb.child)
        learned, radius = first.subject.lengths.mm[key], first.subject.shells.mm[key]
        lengths = " | ".join(f"{value:.0f}" for value in (float(true[i]), learned, float(short[i]), float(full[i])))
        print(f"| {limb.name} | {lengths} | {short[i] - learned:+.1f} | {derived:+.1f} | {radius - learned:+.1f} |")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name, errors in (("clean", CLEAN), ("realistic", REALISTIC)):
        print_study(name, [learn(arguments.frames, seed, errors) for seed in arguments.seeds])


if __name__ == "__main__":
    main()
