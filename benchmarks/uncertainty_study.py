"""Which doubt ranks errors best, and do the covariances mean what they say, on simulated sequences?

    python benchmarks/uncertainty_study.py --fit 20 --report 20 --also hard --out study

Everything that is chosen or fitted (the order of the doubts, the combination, the recalibration) comes from one set of
seeds; every number that is printed comes from another. `--also` judges the same recalibration where the detector makes
other mistakes than those that it was fitted on. `study/` then holds the recalibration and the error model.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.evaluation.bootstrap import BootstrapOptions, bootstrap
from poseharvest.evaluation.ranking import DOUBTS
from poseharvest.evaluation.recalibrate import fit_recalibration
from poseharvest.evaluation.uncertainty import (
    ELLIPSOID_LEVELS,
    ellipsoid_coverage,
    expected_calibration_error,
    kept_errors,
    rank_correlation,
    rank_correlation_by_joint,
    risk_coverage,
    squared_mahalanobis,
)
from poseharvest.harvesting.annotate import annotate
from poseharvest.selection.recalibration import Recalibration
from simulated import ERRORS, single_thread
from studies import parser, say_errors, sequences
from study.combination import ErrorModel, ErrorModelOptions, fit_error_model, rank_average

Floats = NDArray[np.float64]
COMBINED = ("det", "score at the projection", "score drop", "peak distance", "shift without a view")
SHARE = 0.7
FEW = BootstrapOptions(num_draws=300)


@dataclass(frozen=True, eq=False)
class Material:
    """Joints of many sequences.

    Attributes:
        errors: (F, J, 3) estimate minus truth, mm; NaN where no camera sees the joint.
        covariances: (F, J, 3, 3) mm^2.
        doubts: name -> (F, J).
        sequence: (F,) number of the sequence.
        joints: their names.
    """

    errors: Floats
    covariances: Floats
    doubts: dict[str, Floats]
    sequence: NDArray[np.int64]
    joints: tuple[str, ...]

    @property
    def size(self) -> Floats:
        """(F, J) length of the errors, mm."""
        return np.linalg.norm(self.errors, axis=-1)

    def select(self, poses: NDArray[np.int64]) -> Material:
        """Return some of the poses."""
        doubts = {name: values[poses] for name, values in self.doubts.items()}
        return Material(self.errors[poses], self.covariances[poses], doubts, self.sequence[poses], self.joints)


def collect(arguments: argparse.Namespace, seeds: range) -> Material:
    """Return the errors, covariances and doubts of the sequences of some seeds."""
    errors, covariances, numbers = [], [], []
    doubts: dict[str, list[Floats]] = {name: [] for name in DOUBTS}
    joints: tuple[str, ...] = ()
    for sequence in sequences(arguments, seeds):
        posteriors = sequence.model.infer_many([sighting.evidence for sighting in sequence.sightings])
        for sighting, posterior, truth in zip(sequence.sightings, posteriors, sequence.truth, strict=True):
            record = annotate(sighting, posterior)
            seen = record.supported.numpy()[:, None]
            errors.append(np.where(seen, record.mean.numpy() - truth, np.nan))
            covariances.append(record.cov.numpy())
            numbers.append(sequence.seed)
            for name, doubt in DOUBTS.items():
                doubts[name].append(doubt(record, sighting.cameras))
        joints = sequence.joints
    stacked = {name: np.stack(values) for name, values in doubts.items()}
    return Material(np.stack(errors), np.stack(covariances), stacked, np.array(numbers), joints)


def interval(material: Material, statistic: Callable[[Material], float]) -> str:
    """Return a statistic with its 95 % interval over sequences."""
    poses = [np.flatnonzero(material.sequence == seed) for seed in np.unique(material.sequence)]
    if len(poses) < 2:
        return f"{statistic(material):7.3f}"
    found = bootstrap(
        len(poses), lambda draw: statistic(material.select(np.concatenate([poses[i] for i in draw]))), FEW
    )
    return f"{statistic(material):7.3f} ({found.low:.3f} to {found.high:.3f})"


def with_combinations(material: Material, model: ErrorModel) -> Material:
    """Return the material with the two combinations among its doubts."""
    ranks = rank_average([material.doubts[name] for name in COMBINED])
    joined = {"rank average": ranks, "error model": model.probability(material.doubts), "best possible": material.size}
    return Material(material.errors, material.covariances, material.doubts | joined, material.sequence, material.joints)


def print_ranking(fitted: Material, reported: Material) -> None:
    """Print the doubts, in the order that the fitting seeds give, with the reporting seeds' numbers."""
    areas = {name: risk_coverage(doubt, fitted.size).area for name, doubt in fitted.doubts.items()}
    print(f"\nranking, {reported.errors.shape[0]} frames of {len(np.unique(reported.sequence))} other sequences, mm;")
    print(f"all joints: {np.nanmean(reported.size):.2f} mm; kept: the best {SHARE:.0%} of every joint, no alignment")
    print(f"{'doubt':24} AURC on the fitting seeds | AURC   kept mm  rho  mean rho within joints")
    for name in sorted(areas, key=areas.__getitem__):
        doubt, size = reported.doubts[name], reported.size
        within = [score.value for score in rank_correlation_by_joint(doubt, size, reported.joints).values()]
        print(
            f"{name:24} {areas[name]:24.2f}  | {risk_coverage(doubt, size).area:6.2f} "
            f"{np.nanmean(kept_errors(doubt, size, share=SHARE)):7.2f} {rank_correlation(doubt, size).value:6.3f}"
            f" {np.nanmean(within):6.3f}"
        )
    print("rho of det(cov): " + interval(reported, lambda m: rank_correlation(m.doubts["det"], m.size).value))


def print_honesty(recalibration: Recalibration, reported: Material, *, errors: str) -> None:
    """Print how many truths the ellipsoids hold, before and after recalibration, with a detector's mistakes."""
    calibrated = recalibration.apply(torch.from_numpy(reported.covariances)).numpy()
    after = Material(reported.errors, calibrated, reported.doubts, reported.sequence, reported.joints)
    print(f"\ndetector errors {errors}: share of truths within the ellipsoids, 95 % interval over sequences")
    print(f"all joints: {np.nanmean(reported.size):.2f} mm")
    for name, material in (("as harvested", reported), ("recalibrated on the fitting seeds", after)):
        print(name)
        for level in ELLIPSOID_LEVELS:
            held = interval(material, lambda m, level=level: ellipsoid_coverage(_squared(m), level).value)
            print(f"  {100 * level:g} % ellipsoid: {held} %")
        print(f"  expected calibration error: {expected_calibration_error(_squared(material)).value:.2f} %")


def print_left_out(material: Material) -> None:
    """Print how many truths the 90 % ellipsoids hold if every sequence is judged by a map fitted on all the others."""
    squared = np.full(material.size.shape, np.nan)
    for seed in np.unique(material.sequence):
        judged = material.sequence == seed
        rest = fit_recalibration(material.errors[~judged], material.covariances[~judged], fitted_on="the others")
        calibrated = rest.apply(torch.from_numpy(material.covariances[judged])).numpy()
        squared[judged] = squared_mahalanobis(material.errors[judged], calibrated)
    held = [ellipsoid_coverage(squared, level).value for level in ELLIPSOID_LEVELS]
    words = ", ".join(f"{100 * level:g} %: {value:.1f} %" for level, value in zip(ELLIPSOID_LEVELS, held, strict=True))
    det = rank_correlation(material.doubts["det"], material.size).value
    print(
        f"\nall {len(np.unique(material.sequence))} sequences, each by the map of the others: ellipsoids hold {words};"
    )
    print(f"mean error {np.nanmean(material.size):.2f} mm, rank correlation of det(cov) {det:.3f}")


def both(one: Material, other: Material) -> Material:
    """Return two sets of sequences as one."""
    doubts = {name: np.concatenate([one.doubts[name], other.doubts[name]]) for name in one.doubts}
    return Material(
        np.concatenate([one.errors, other.errors]),
        np.concatenate([one.covariances, other.covariances]),
        doubts,
        np.concatenate([one.sequence, other.sequence]),
        one.joints,
    )


def print_map(recalibration: Recalibration) -> None:
    """Print a recalibration's knots."""
    knots = zip(recalibration.sigma_mm, recalibration.calibrated_mm, strict=True)
    print("map of sigma, mm: " + ", ".join(f"{a:.1f} -> {b:.1f}" for a, b in knots))


def _squared(material: Material) -> Floats:
    return squared_mahalanobis(material.errors, material.covariances)


def main() -> None:
    """Fit on one set of seeds, print on another."""
    options = parser(__doc__)
    options.add_argument("--fit", type=int, default=20, help="sequences to fit on, seeds from 0")
    options.add_argument("--report", type=int, default=20, help="sequences to report on")
    options.add_argument("--report-from", type=int, default=500, help="the first of their seeds")
    options.add_argument("--also", nargs="*", choices=tuple(ERRORS), default=(), help="other mistakes to report on")
    options.add_argument("--wrong-mm", type=float, default=50.0, help="the error model's threshold")
    options.add_argument("--out", type=Path, default=None, help="folder for recalibration.json and error_model.json")
    arguments = options.parse_args()
    if arguments.report_from < arguments.fit:
        options.error(f"--report-from: expected at least {arguments.fit}, the first seed that is not fitted on")
    single_thread()
    say_errors(arguments.errors)
    fitting = collect(arguments, range(arguments.fit))
    inputs = {name: fitting.doubts[name] for name in COMBINED}
    model = fit_error_model(inputs, fitting.size, ErrorModelOptions(threshold_mm=arguments.wrong_mm))
    words = f"{arguments.fit} simulated sequences, Human3.6M's rig, detector errors {arguments.errors}"
    recalibration = fit_recalibration(fitting.errors, fitting.covariances, fitted_on=words)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        recalibration.write(arguments.out / "recalibration.json")
        model.write(arguments.out / "error_model.json")
    seeds = range(arguments.report_from, arguments.report_from + arguments.report)
    reporting = with_combinations(collect(arguments, seeds), model)
    print_ranking(with_combinations(fitting, model), reporting)
    weights = zip(model.doubts, model.weights, strict=True)
    print(
        "error model: " + ", ".join(f"{name} {weight:+.2f}" for name, weight in weights) + f", bias {model.bias:+.2f}"
    )
    print_map(recalibration)
    print_honesty(recalibration, reporting, errors=arguments.errors)
    print_left_out(both(fitting, reporting))
    for errors in arguments.also:
        other = argparse.Namespace(**vars(arguments) | {"errors": errors})
        say_errors(errors)
        print_honesty(recalibration, collect(other, seeds), errors=errors)


if __name__ == "__main__":
    main()
