"""The paper's grid against voxels of half the edge: error against the truth, and time, in turns in one run.

    python benchmarks/finer.py

Simulated frames of four views; limb lengths are the true ones. Radii are the lengths, or matched to the heatmaps' blobs
(`match_shells`) on frames that are not judged.
"""

from __future__ import annotations

import argparse

import torch
from rich.console import Console
from rich.table import Table

from inference import Scenario, make_scenario, seconds_a_frame
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.pictorial.limb_estimation import PoseSamples, match_shells
from poseharvest.simulation.detector_errors import CLEAN, REALISTIC
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.limb_lengths import LimbLengths

_ROUNDS = 5


def matched(scenario: Scenario, num_frames: int) -> LimbLengths:
    """Return the radii under which the posterior's limbs have the true lengths on the first frames."""

    def infer(radii: LimbLengths) -> PoseSamples:
        found = PictorialStructures(MPII16, radii).infer_many(scenario.frames[:num_frames])
        mean, cov = torch.stack([p.mean for p in found]), torch.stack([p.cov for p in found])
        return PoseSamples(mean, torch.linalg.det(cov))

    return match_shells(MPII16, scenario.lengths, infer)


def mean_error(model: PictorialStructures, scenario: Scenario, start: int) -> float:
    mean = torch.stack([p.mean for p in model.infer_many(scenario.frames[start:])])
    truth = scenario.truth[start : len(scenario.frames)]
    return float(torch.linalg.vector_norm(mean - truth, dim=-1).mean())


def measure(scenario: Scenario, radii: LimbLengths, start: int) -> list[str]:
    """Return errors and times on both grids; the first `start` frames are not judged."""
    paper, finer = (PictorialStructures(MPII16, radii, InferenceOptions(refine=parts)) for parts in (1, 2))
    errors = [mean_error(model, scenario, start) for model in (paper, finer)]
    turns = [[seconds_a_frame(model, scenario.frames[start:]) for model in (paper, finer)] for _ in range(_ROUNDS)]
    best = [1000 * min(times) for times in zip(*turns, strict=True)]
    change = 100 * (errors[1] / errors[0] - 1)
    return [
        f"{errors[0]:.2f}",
        f"{errors[1]:.2f}",
        f"{change:+.0f}",
        *(f"{t:.1f}" for t in best),
        f"{best[1] / best[0]:.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=16, help="judged, and as many to match the radii on")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    table = Table(title=f"{arguments.threads} threads, torch {torch.__version__}, 4 views")
    for column in ("frames", "radii", "64^3 mm", "128^3 mm", "%", "64^3 ms", "128^3 ms", "ratio"):
        table.add_column(column)
    for name, errors, size in (("clean", CLEAN, 64), ("clean", CLEAN, 32), ("realistic", REALISTIC, 64)):
        scenario = make_scenario(name, 4, 2 * arguments.frames, errors=errors, size=size)
        for kind, radii in (("true", scenario.lengths), ("matched", matched(scenario, arguments.frames))):
            table.add_row(f"{name}, maps of {size}", kind, *measure(scenario, radii, arguments.frames))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
