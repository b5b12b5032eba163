"""Poses between the voxels against the means of the grid, and do the ellipsoids hold the truth?

    python benchmarks/refined.py --errors measured --sequences 24
    python benchmarks/refined.py --errors network --sequences 24 --frames 200 --beside   # drawn pictures
    python benchmarks/refined.py --errors measured --sequences 40 --frames 100 --every 1   # smooth positions too

Everything is learned from each sequence's own frames; the truth only judges. Joints that two views support count. Each
sequence is one draw of the intervals. `--beside` adds two baselines of `benchmarks/baselines.py` from the same
heatmaps, in pairs of sequences over the joints that the baseline places. Where every frame is judged (50 a second),
the positions smoothed over time are judged too, beside Butterworth filters of fourth order, forwards and backwards.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import chi2, spearmanr
from torch import Tensor

from drawn import NETWORK, network
from motion import FRAME_RATE, butterworth
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.smoothing import joint_groups
from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.evaluation.bootstrap import BootstrapOptions, bootstrap
from poseharvest.harvesting.annotate import annotate, infer_each
from poseharvest.harvesting.subject import Subject, SubjectLearner
from poseharvest.localization.sighting import Sighting
from poseharvest.motion import JointTrack, MotionOptions, smooth
from poseharvest.motion.error_times import learn_error_times
from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.simulation import simulate
from poseharvest.simulation.scene import GroundTruth
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.studio import ACTIONS
from poseharvest.tables.studio.filming import Filming, shoot
from simulated import ERRORS, single_thread, track
from studies import inference_of, parser
from study.baselines import BASELINES

BESIDE = ("robust triangulation", "double-counting messages")
LEVELS = tuple(level / 10 for level in range(1, 10))
CUTOFFS_HZ = (2.0, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0)
FEW = BootstrapOptions(num_draws=500)


@dataclass(frozen=True, eq=False)
class Judged:
    """One sequence: errors (N,) mm and squared Mahalanobis distances (N,) of each way, and sigma (N,) of the fit.

    `smooth` has what smoothing over time gives, by us and at each of `CUTOFFS_HZ`, if every frame is judged; `beside`
    has for each baseline its mean error and that of the fit on the same joints.
    """

    grid: Tensor
    fit: Tensor
    grid_squares: Tensor
    fit_squares: Tensor
    sigma: Tensor
    smooth: dict[str, float]
    beside: dict[str, tuple[float, float]]


class Estimates(NamedTuple):
    """What is learned of a subject, and what the judged frames show and both ways estimate."""

    subject: Subject
    frames: list[FrameEvidence]
    grid: list[JointPosterior]
    fit: list[JointPosterior]


def estimate(seen: list[Sighting], judged: list[Sighting], learner: SubjectLearner) -> Estimates:
    """Return the estimates of the judged frames, from what all frames teach."""
    subject = learner.learn(seen)
    assert subject.refinement is not None
    grid = [posterior for _, posterior in infer_each(learner.model(subject.shells), judged, subject.support)]
    frames = [subject.support.without_background(one).evidence for one in judged]
    return Estimates(subject, frames, grid, subject.refinement.refine(frames, grid))


def judge(
    seen: list[Sighting], learner: SubjectLearner, truth: Tensor, every: int, beside: Sequence[str] = ()
) -> Judged:
    """Return how far both ways, and some baselines, are from the truth, (F, J, 3)."""
    judged = seen[::every]
    subject, frames, grid, fit = estimate(seen, judged, learner)
    known = torch.stack([subject.support.supported(one, p) for one, p in zip(judged, fit, strict=True)])
    right = truth[[one.frame for one in judged]].double()
    (grid_error, grid_squares), (fit_error, fit_squares) = (_errors(way, right, known) for way in (grid, fit))
    sigma = torch.stack([posterior.cov for posterior in fit]).double().det()[known] ** (1 / 6)
    of_fit = torch.linalg.vector_norm(torch.stack([one.mean for one in fit]).double() - right, dim=-1)
    model, errors = learner.model(subject.shells), dict[str, tuple[float, float]]()
    for name in beside:
        placed = torch.stack([BASELINES[name](frame, model).double() for frame in frames])
        error = torch.linalg.vector_norm(placed - right, dim=-1)
        both = known & torch.isfinite(error)
        errors[name] = float(error[both].mean()), float(of_fit[both].mean())
    records = [annotate(one, p, support=subject.support) for one, p in zip(judged, fit, strict=True)]
    smooth_error = smoothed(records, right, learner.skeleton) if every == 1 else {}
    return Judged(grid_error, fit_error, grid_squares, fit_squares, sigma, smooth_error, errors)


def smoothed(records: Sequence[FrameAnnotations], truth: Tensor, skeleton: Skeleton) -> dict[str, float]:
    """Return what smoothing over time gives in frames that follow each other: mean errors, mm, and shares held.

    How long errors last is learned from the distances of the views' peaks, as a harvest does.
    """
    mean, cov, known, peaks, pixels, score, inside = (
        torch.stack([getattr(one, name) for one in records]).numpy()
        for name in ("mean", "cov", "supported", "peak_pixels", "pixels", "peak_score", "inside")
    )
    counts = known[:, None] & inside & (score > 0)
    apart = np.where(counts[..., None], peaks - pixels, np.nan).transpose(0, 2, 1, 3)
    errors = learn_error_times([apart.reshape(*known.shape, -1)], 1 / FRAME_RATE)
    track = JointTrack(np.arange(len(mean)) / FRAME_RATE, mean, cov, known, errors, is_calibrated=True)
    ours = smooth(track, joint_groups(skeleton), MotionOptions())
    ways = {"smooth": ours.mean}
    for cutoff in CUTOFFS_HZ:
        ways[f"{cutoff:g} Hz"] = butterworth(mean, cutoff, order=4)
    distances = {name: np.linalg.norm(way - truth.numpy(), axis=-1)[known] for name, way in ways.items()}
    means = {f"mean error, {name}, mm": float(distance.mean()) for name, distance in distances.items()}
    sigma = {"fit": np.linalg.det(cov) ** (1 / 6), "smooth": ours.sigma_mm}
    distances["fit"] = np.linalg.norm(mean - truth.numpy(), axis=-1)[known]
    within = {name: (distances[name] / sigma[name][known]) ** 2 < chi2.ppf(0.9, 3) for name in sigma}
    return means | {f"within 90 % by sigma, {name}, %": 100 * float(held.mean()) for name, held in within.items()}


class Footage(NamedTuple):
    """A capture with the detector that looks at it, and the truth to judge by."""

    capture: FrameSource
    detector: HeatmapDetector
    truth: GroundTruth


def footage_of(arguments: argparse.Namespace, seed: int) -> Footage:
    """Return the sequence of a seed: a simulated detector, or a network that looks at drawn pictures."""
    if arguments.errors == NETWORK:
        take = shoot(seed, tuple(ACTIONS)[seed % len(ACTIONS)], seed, Filming(num_frames=arguments.frames))
        return Footage(take.capture, network(), take.truth)
    simulation = simulate(arguments.frames, seed, errors=ERRORS[arguments.errors], render=False)
    return Footage(simulation.capture, simulation.detector, simulation.truth)


def _errors(posteriors: list[JointPosterior], truth: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    mean = torch.stack([posterior.mean for posterior in posteriors]).double()
    cov = torch.stack([posterior.cov for posterior in posteriors]).double()
    error = (mean - truth)[known]
    solved = torch.linalg.solve(cov[known], error[..., None]).squeeze(-1)
    return error.norm(dim=-1), (error * solved).sum(-1)


def held(squares: Tensor, level: float) -> float:
    """Return the share, per cent, of truths within the ellipsoids of a level."""
    return 100 * float((squares < chi2.ppf(level, 3)).double().mean())


def say(name: str, values: list[float], unit: str) -> None:
    """Print a mean over sequences with its interval."""
    numbers = np.array(values)
    found = bootstrap(len(numbers), lambda draw: float(numbers[draw].mean()), FEW)
    print(f"{name:34} {numbers.mean():7.2f} {unit} ({found.low:.2f} to {found.high:.2f})", flush=True)


def main() -> None:
    """Simulate, learn, infer, judge and print."""
    options = parser(__doc__)
    options.add_argument("--sequences", type=int, default=24)
    options.add_argument("--first-seed", type=int, default=700)
    options.add_argument("--beside", action="store_true", help="baselines too")
    arguments = options.parse_args()
    single_thread()
    all_judged = []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.sequences):
        footage = footage_of(arguments, seed)
        learner = SubjectLearner(footage.detector.skeleton, inference_of(arguments), refines=True)
        seen = track(footage.capture, footage.detector)
        beside = BESIDE if arguments.beside else ()
        all_judged.append(judge(seen, learner, footage.truth.positions, arguments.every, beside))
        print(
            f"  sequence {seed}: grid {all_judged[-1].grid.mean():.2f}, fit {all_judged[-1].fit.mean():.2f} mm",
            flush=True,
        )
    print(f"errors {arguments.errors}, {len(all_judged)} sequences of {arguments.frames} frames")
    say("mean error, grid", [float(one.grid.mean()) for one in all_judged], "mm")
    say("mean error, fit", [float(one.fit.mean()) for one in all_judged], "mm")
    say("fit less grid", [float(one.fit.mean() - one.grid.mean()) for one in all_judged], "mm")
    if arguments.every == 1:
        for name in all_judged[0].smooth:
            say(name, [one.smooth[name] for one in all_judged], "")
    for name in BESIDE if arguments.beside else ():
        pairs = [one.beside[name] for one in all_judged]
        say(f"mean error, {name}", [other for other, _ in pairs], "mm")
        say(f"fit less {name}", [ours - other for other, ours in pairs], "mm")
    for level in (0.5, 0.9):
        say(f"{100 * level:.0f} % ellipsoids hold, grid", [held(one.grid_squares, level) for one in all_judged], "%")
        say(f"{100 * level:.0f} % ellipsoids hold, fit", [held(one.fit_squares, level) for one in all_judged], "%")
    squares = torch.cat([one.fit_squares for one in all_judged])
    gaps = [abs(held(squares, level) - 100 * level) for level in LEVELS]
    print(f"{'expected calibration error, fit':34} {np.mean(gaps):7.2f} %")
    sigma, error = (torch.cat([getattr(one, name) for one in all_judged]) for name in ("sigma", "fit"))
    print(f"{'rank correlation of sigma':34} {float(spearmanr(sigma, error).statistic):7.2f}")


if __name__ == "__main__":
    main()
