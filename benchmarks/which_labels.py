"""Which labels are worth most: how wrong are the surest ones, ordered by sigma and in other ways?

    python benchmarks/which_labels.py --errors network --sequences 24 --frames 32 --every 4 --first-seed 1000
    python benchmarks/which_labels.py --errors measured --sequences 12 --frames 100 --every 5 --first-seed 900
    python benchmarks/which_labels.py --known gaussian missed exchanged uneven --frames 200 --sequences 2

The default estimate is made from each sequence's own frames, as a harvest makes it; the truth only judges. For the
surest 10, 30 and 70 % of all labels by each order, their mean error is printed; `gross` is the area under the curve
of the order as a warning of errors above 50 mm (the chance that a gross error is called less sure than another label).
Intervals are over sequences. `--known` takes the keypoints of known poses of `benchmarks/known_keypoints.py`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

import known_keypoints
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.evaluation.bootstrap import BootstrapOptions, bootstrap
from poseharvest.evaluation.ranking import DOUBTS
from poseharvest.evaluation.uncertainty import risk_coverage
from poseharvest.geometry.camera import StaticCamera
from poseharvest.harvesting.annotate import annotate
from poseharvest.harvesting.subject import SubjectLearner
from refined import estimate, footage_of
from simulated import single_thread, track
from studies import inference_of, parser

SHARES = (0.1, 0.3, 0.7)
GROSS_MM = 50.0
ORDERS = ("sigma", "det of the grid", *(name for name in DOUBTS if name not in {"det", "entropy"}), "by chance")
FEW = BootstrapOptions(num_draws=300)

Floats = NDArray[np.float64]
Labels = dict[str, Floats]
"""Errors, mm, and the doubts of every order, (N,) each, of the labels of one sequence."""


def of_heatmaps(arguments: argparse.Namespace, seed: int) -> Labels:
    """Return the labels of one simulated sequence, or of one filmed by the studio."""
    footage = footage_of(arguments, seed)
    learner = SubjectLearner(footage.detector.skeleton, inference_of(arguments), refines=True)
    seen = track(footage.capture, footage.detector)
    judged = seen[:: arguments.every]
    subject, _, grid, fit = estimate(seen, judged, learner)
    records = [annotate(one, found, support=subject.support) for one, found in zip(judged, fit, strict=True)]
    truth = footage.truth.positions.double().numpy()[[one.frame for one in judged]]
    det_of_grid = np.stack([np.linalg.det(one.cov.double().numpy()) for one in grid])
    return labels(records, [one.cameras for one in judged], truth, seed, {"det of the grid": det_of_grid})


def of_keypoints(arguments: argparse.Namespace, kind: str) -> Iterator[Labels]:
    """Yield the labels of keypoints drawn from known poses, harvested as a user would harvest them."""
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.sequences):
        take = known_keypoints.draw(kind, seed, arguments.frames)
        records = known_keypoints.records_of(take)
        yield labels(records, [take.cameras] * len(records), take.truth[[one.frame for one in records]], seed, {})


def labels(
    records: Sequence[FrameAnnotations],
    cameras: Sequence[Sequence[StaticCamera]],
    truth: Floats,
    seed: int,
    more: dict[str, Floats],
) -> Labels:
    """Return errors and doubts of all supported joints."""
    known = np.stack([record.supported.numpy() for record in records])
    error = np.linalg.norm(np.stack([record.mean.numpy() for record in records]) - truth, axis=-1)
    doubts = {
        name: np.stack([doubt(record, seen) for record, seen in zip(records, cameras, strict=True)])
        for name, doubt in DOUBTS.items()
    }
    by_chance = np.random.default_rng(seed).random(error.shape)
    found = {"error": error, "sigma": doubts["det"], "by chance": by_chance, **doubts, **more}
    return {name: np.nan_to_num(values[known], nan=np.finfo(float).max) for name, values in found.items()}


def surest(share: float) -> Callable[[Floats, Floats], float]:
    """Return the function that gives the mean error of the surest share, mm; an unknown doubt comes last."""
    return lambda doubt, error: risk_coverage(doubt, error).at(share)


def gross(doubt: Floats, error: Floats) -> float:
    """Return the area under the curve of a doubt that warns of errors above 50 mm; NaN if there is none."""
    is_gross = error > GROSS_MM
    num_gross, num_other = int(is_gross.sum()), int((~is_gross).sum())
    if not num_gross or not num_other:
        return float("nan")
    above: float = rankdata(doubt)[is_gross].sum() - num_gross * (num_gross + 1) / 2
    return above / (num_gross * num_other)


def say(sequences: Sequence[Labels]) -> None:
    """Print a row for each order."""

    def value(order: str, statistic: Callable[[Floats, Floats], float], chosen: Sequence[int]) -> float:
        return statistic(
            np.concatenate([sequences[i][order] for i in chosen]),
            np.concatenate([sequences[i]["error"] for i in chosen]),
        )

    every = range(len(sequences))
    columns = {f"{100 * share:.0f} %": surest(share) for share in SHARES} | {"gross": gross}
    errors = np.concatenate([one["error"] for one in sequences])
    print(
        f"{len(sequences)} sequences, {len(errors)} labels, {errors.mean():.2f} mm, "
        f"{100 * (errors > GROSS_MM).mean():.1f} % above {GROSS_MM:.0f} mm"
    )
    print(f"{'order':24}" + "".join(f"{name:>29}" for name in columns))
    orders = [order for order in ORDERS if order in sequences[0]]
    for order in orders:
        words = []
        for statistic in columns.values():
            found = bootstrap(
                len(sequences), lambda draw, s=statistic, o=order: value(o, s, draw) - value("sigma", s, draw), FEW
            )
            at = value(order, statistic, every)
            words.append(f"{at:.3f} ({found.low:+.3f} to {found.high:+.3f})" if order != "sigma" else f"{at:.3f}")
        print(f"{order:24}" + "".join(f"{word:>29}" for word in words), flush=True)


def main() -> None:
    """Estimate, order and print."""
    options = parser(__doc__)
    options.add_argument("--sequences", type=int, default=24)
    options.add_argument("--first-seed", type=int, default=1000)
    options.add_argument(
        "--known", nargs="*", choices=known_keypoints.KINDS, default=(), help="keypoints of known poses"
    )
    arguments = options.parse_args()
    single_thread()
    print("in brackets: less that of sigma, 95 % interval over sequences; gross: area under the curve, more is better")
    for kind in arguments.known:
        print(f"keypoints of known poses, {kind}")
        say(list(of_keypoints(arguments, kind)))
    if not arguments.known:
        print(f"errors {arguments.errors}")
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.sequences)
        say([of_heatmaps(arguments, seed) for seed in seeds])


if __name__ == "__main__":
    main()
