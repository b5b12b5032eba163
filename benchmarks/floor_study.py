"""Judge the floor of Eq. (3) (choice D3) on simulated captures whose truth is known.

python benchmarks/floor_study.py

Each row is the whole main job, limb lengths learned from the footage included, under one floor. Distances need no
alignment. The default seeds are used nowhere else: the floor is not chosen on the captures that results are
reported on.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from poseharvest import HarvestOptions, InferenceOptions, harvest
from poseharvest.evaluation.pose_error import PoseErrors, pose_errors
from poseharvest.simulation import CLEAN, ONE_VIEW_WRONG, REALISTIC, DetectorErrors, simulate

ERRORS = {"clean": CLEAN, "one view wrong": ONE_VIEW_WRONG, "realistic": REALISTIC}
FLOORS = (0.0, 1e-3, 1e-2, 0.03, 0.1)
SEEDS = (911, 912)


@dataclass(frozen=True)
class Study:
    """What is run.

    Attributes:
        num_frames: length of each capture.
        seeds: one capture each.
        resolution: voxels along each edge.
        refine: parts into which every voxel edge is cut.
    """

    num_frames: int
    seeds: tuple[int, ...]
    resolution: int
    refine: int

    def judge(self, errors: DetectorErrors, floor: float) -> PoseErrors:
        """Return the errors under a floor, the mean over the seeds."""
        results = [self._judge_one(errors, floor, seed) for seed in self.seeds]
        return PoseErrors(
            mean_mm=_mean([r.mean_mm for r in results]),
            median_mm=_mean([r.median_mm for r in results]),
            selected_mean_mm=_mean([r.selected_mean_mm for r in results]),
            num_joints=sum(r.num_joints for r in results),
            rank_correlation=_mean([r.rank_correlation for r in results]),
        )

    def _judge_one(self, errors: DetectorErrors, floor: float, seed: int) -> PoseErrors:
        simulation = simulate(self.num_frames, seed, errors=errors, render=False)
        inference = replace(InferenceOptions(), floor=floor, resolution=self.resolution, refine=self.refine)
        options = HarvestOptions(inference=inference, num_previews=0)
        with tempfile.TemporaryDirectory() as folder:
            result = harvest(simulation.capture, simulation.detector, Path(folder) / "harvest", options=options)
            return pose_errors(result, simulation.truth.positions)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def rows(study: Study, floors: Sequence[float], names: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table as they become known, in Markdown."""
    yield "| detector's errors | floor | mean error, mm | of the 70 % kept, mm | rank correlation of det and error |"
    yield "|---|---:|---:|---:|---:|"
    for name in names:
        for floor in floors:
            found = study.judge(ERRORS[name], floor)
            yield (
                f"| {name} | {floor:g} | {found.mean_mm:.1f} | {found.selected_mean_mm:.1f} "
                f"| {found.rank_correlation:.2f} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--floors", type=float, nargs="+", default=FLOORS)
    parser.add_argument("--resolution", type=int, default=InferenceOptions().resolution)
    parser.add_argument("--refine", type=int, default=InferenceOptions().refine)
    parser.add_argument("--errors", nargs="+", choices=ERRORS, default=tuple(ERRORS))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    study = Study(arguments.frames, tuple(arguments.seeds), arguments.resolution, arguments.refine)
    for line in rows(study, arguments.floors, arguments.errors):
        print(line, flush=True)


if __name__ == "__main__":
    main()
