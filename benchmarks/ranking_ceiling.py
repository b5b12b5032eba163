"""How well can any measure of doubt rank a simulated detector's errors?

    python benchmarks/ranking_ceiling.py --sequences 8 --frames 100 --every 10 --learn-from 24 --errors measured

Every judged frame is seen anew several times: the same pose, the same joints in doubt, hidden, swapped, missing and
elsewhere, the same heights and widths; only the ordinary localisation errors are drawn again, from normals of the same
size. How far the errors of two draws agree tells how much of an error could be known beforehand: if r is the rank
correlation between draws, then nothing that does not know the draw can have one above sqrt(r) with the error (r is the
share of the ranks' variance that is not chance). Truth is used to judge, never to infer.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.detectors.protocol import CroppedView
from poseharvest.evaluation.uncertainty import rank_correlation
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.simulation import SimulatedDetector, simulate
from simulated import ERRORS, Sequence, single_thread
from studies import parser, say_errors, sequences

Floats = NDArray[np.float64]


def seen_again(sighting: Sighting, detector: SimulatedDetector) -> FrameEvidence:
    """Return what the views show of a frame, in the same windows, with another draw of localisation errors."""
    names, maps = detector.scene.rig.names, torch.zeros_like(sighting.heatmaps.values)
    for view, crop in enumerate(sighting.heatmaps.crops):
        if crop is not None:
            maps[view] = detector.detect([CroppedView(names[view], sighting.frame, crop, None)])[0]
    return FrameEvidence(Heatmaps(maps, sighting.heatmaps.crops), sighting.cameras, sighting.center)


def draws(sequence: Sequence, arguments: argparse.Namespace) -> tuple[Floats, Floats]:
    """Return errors and determinants (K, F, J) of K draws."""
    detector = simulate(arguments.frames, sequence.seed, errors=ERRORS[arguments.errors], render=False).detector
    errors, dets = [], []
    for draw in range(arguments.draws):
        again = replace(detector, jitter_seed=1_000_000 + draw)
        posteriors = sequence.model.infer_many([seen_again(one, again) for one in sequence.sightings])
        mean = torch.stack([posterior.mean for posterior in posteriors]).double().numpy()
        seen = torch.stack([posterior.supported for posterior in posteriors]).numpy()
        errors.append(np.where(seen, np.linalg.norm(mean - sequence.truth, axis=-1), np.nan))
        dets.append(np.linalg.det(torch.stack([posterior.cov for posterior in posteriors]).double().numpy()))
    return np.stack(errors), np.stack(dets)


def main() -> None:
    """Print what det reaches and what could be reached."""
    options = parser(__doc__, drawn=False)
    options.add_argument("--sequences", type=int, default=8, help="seeds from 500")
    options.add_argument("--draws", type=int, default=8, help="of every frame")
    arguments = options.parse_args()
    single_thread()
    say_errors(arguments.errors)
    errors, dets = [], []
    for sequence in sequences(arguments, range(500, 500 + arguments.sequences)):
        error, det = draws(sequence, arguments)
        errors.append(error)
        dets.append(det)
    error, det = np.concatenate(errors, 1), np.concatenate(dets, 1)
    print(f"mean error {np.nanmean(error):.2f} mm; variance of its logarithm {np.nanvar(np.log(error)):.3f},", end=" ")
    print(f"within a joint over the draws {np.nanmean(np.nanvar(np.log(error), 0, ddof=1)):.3f}")
    reached = [rank_correlation(d, e).value for d, e in zip(det, error, strict=True)]
    agreed = float(np.mean([rank_correlation(a, b).value for a, b in combinations(error, 2)]))
    print(f"rank correlation of det(cov) with the error: {np.mean(reached):.3f}")
    print(f"between the errors of two draws: {agreed:.3f}, so at most {agreed**0.5:.3f} can be reached")


if __name__ == "__main__":
    main()
