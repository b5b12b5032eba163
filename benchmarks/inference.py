"""Heatmaps to posteriors: the sum over the voxels that matter against the FFT over the whole grid.

Both run in this process on the same frames, in turns, so that their ratio holds on a busy machine too. Run it as
`python benchmarks/inference.py`; `--frames 4` for a quick look. `--capture FOLDER --calibration FILE` adds frames of
real footage, seen by EfficientPose-I, with the radii that its own frames teach. `--shares 0.3 1 3` measures the table
of what each level of the search may drop (`coarse_to_fine.LEVEL_SHARES`), its rows above the voxels times each factor.
`--floors 0.01 0.1 --views 2 3` measures the error of the means under each floor (choice D3), on seeds of its own.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import torch
from rich.console import Console
from rich.table import Table

from poseharvest.capture.capture import Capture
from poseharvest.detectors.protocol import CroppedView
from poseharvest.detectors.registry import load_detector
from poseharvest.geometry.crop import crop_around
from poseharvest.harvesting.subject import SubjectLearner
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.coarse_to_fine import LEVEL_SHARES, LevelShares
from poseharvest.pictorial.evidence import FrameEvidence, floors_of
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.simulation.camera_rigs import random_rig
from poseharvest.simulation.detector_errors import CLEAN, ONE_VIEW_WRONG, REALISTIC, DetectorErrors
from poseharvest.simulation.simulated_detector import SimulatedDetector
from poseharvest.simulation.synthetic_capture import simulate
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.limb_lengths import LimbLengths
from simulated import track

STEP = 7  # frames between two that are used
FLOOR_SEEDS = (31, 32)


@dataclass(frozen=True)
class Scenario:
    """Frames of one kind, with the truth to judge by."""

    name: str
    frames: list[FrameEvidence]
    truth: torch.Tensor
    lengths: LimbLengths


def make_scenario(  # noqa: PLR0913 - a scenario's settings
    name: str,
    num_views: int,
    num_frames: int,
    *,
    errors: DetectorErrors,
    size: int = 32,
    hide: bool = False,
    seed: int = 5,
) -> Scenario:
    rig = random_rig(num_views, torch.Generator().manual_seed(num_views))
    simulation = simulate(num_frames * STEP, seed, rig=rig, errors=errors, render=False)
    detector = SimulatedDetector(simulation.detector.scene, errors, seed, heatmap_size=(size, size))
    frames = []
    for number in range(0, num_frames * STEP, STEP):
        points, cameras = simulation.truth.positions[number], rig.at(number)
        crops = tuple(crop_around(camera.project(points).pixels, 1.25) for camera in cameras)
        windows = [CroppedView(c.name, number, crop, None) for c, crop in zip(cameras, crops, strict=True)]
        values = detector.detect(windows)
        if hide:
            first = (number // STEP) % 8
            values[1:, first::8] = 0
        frames.append(FrameEvidence(Heatmaps(values, crops), cameras, (points.amin(0) + points.amax(0)) / 2))
    return Scenario(name, frames, simulation.truth.positions[::STEP], true_lengths(simulation.truth.positions))


def footage(folder: Path, calibration: Path | None, num_frames: int) -> Scenario:
    """Return the first frames of a capture as a harvest would infer them; the truth is unknown."""
    capture, detector = Capture.open(folder, calibration=calibration), load_detector("efficientpose")
    sightings = track(capture, detector, num_frames)
    subject = SubjectLearner(detector.skeleton, InferenceOptions()).learn(sightings)
    unknown = torch.full((num_frames, len(detector.skeleton), 3), torch.nan, dtype=torch.float64)
    return Scenario(capture.name, [sighting.evidence for sighting in sightings], unknown, subject.shells)


def true_lengths(positions: torch.Tensor) -> LimbLengths:
    lengths = {}
    for limb in MPII16.limbs:
        ends = positions[:, [MPII16.index(limb.parent), MPII16.index(limb.child)]]
        lengths[limb.parent, limb.child] = float(torch.linalg.vector_norm(ends[:, 0] - ends[:, 1], dim=-1).median())
    return LimbLengths(lengths)


def seconds_a_frame(model: PictorialStructures, frames: Sequence[FrameEvidence]) -> float:
    start = time.perf_counter()
    model.infer_many(frames)
    return (time.perf_counter() - start) / len(frames)


def best_times(fast: PictorialStructures, slow: PictorialStructures, scenario: Scenario) -> tuple[float, float]:
    """Return seconds a frame of both, each the best of three turns taken alternately."""
    frames = scenario.frames
    fast.infer_many(frames[:1])
    slow.infer_many(frames[:1])
    turns = [(seconds_a_frame(fast, frames), seconds_a_frame(slow, frames[:2])) for _ in range(3)]
    return min(turn[0] for turn in turns), min(turn[1] for turn in turns)


def agreement(found: Sequence[JointPosterior], reference: Sequence[JointPosterior]) -> list[str]:
    """Return the largest difference of means (mm) and deviations (%), and the poses left out against the report."""
    means, deviations, left_out, shares = [], [], [], []
    for a, b in zip(found, reference, strict=True):
        means.append(float(torch.linalg.vector_norm(a.mean - b.mean, dim=-1).max()))
        ratio = a.cov.diagonal(dim1=1, dim2=2) / b.cov.diagonal(dim1=1, dim2=2)
        deviations.append(100 * float((ratio.sqrt() - 1).abs().max()))
        left_out.append(max(1 - math.exp(a.log_evidence - b.log_evidence), 0.0))
        shares.append(left_out[-1] / a.neglected if a.neglected else 0.0)
    return [f"{max(means):.3f}", f"{max(deviations):.2f}", f"{max(left_out):.1e}", f"{max(shares):.2f}"]


def measure(scenario: Scenario, num_checked: int, **options: int) -> list[str]:
    fast = PictorialStructures(MPII16, scenario.lengths, InferenceOptions(**options))
    slow_options = InferenceOptions(inference="reference", **options)
    slow = PictorialStructures(MPII16, scenario.lengths, slow_options)
    quick, whole = best_times(fast, slow, scenario)
    checked = scenario.frames[:num_checked]
    precise = PictorialStructures(MPII16, scenario.lengths, slow_options, dtype=torch.float64)
    numbers = [f"{1 / quick:.1f}", f"{1 / whole:.2f}", f"{whole / quick:.1f}"]
    found = fast.infer_many(checked)
    error = torch.stack([p.mean for p in found]) - scenario.truth[: len(found)]
    numbers += agreement(found, precise.infer_many(checked))
    return [scenario.name, *numbers, f"{float(torch.linalg.vector_norm(error, dim=-1).mean()):.1f}"]


def scaled_shares(factor: float) -> dict[int, LevelShares]:
    """Return the rows of the table above the voxels, multiplied by a factor."""
    return {
        edge: LevelShares(factor * row.by_parent_guess, factor * row.by_own_guess, factor * row.by_belief)
        for edge, row in LEVEL_SHARES.items()
        if edge > 1
    }


def measure_shares(scenario: Scenario, factors: Sequence[float], num_checked: int) -> list[list[str]]:
    """Return one row a factor: milliseconds of the processor a frame, mass reported as left out, and the agreement."""
    model = PictorialStructures(MPII16, scenario.lengths, InferenceOptions())
    options = InferenceOptions(inference="reference")
    precise = PictorialStructures(MPII16, scenario.lengths, options, dtype=torch.float64)
    reference = precise.infer_many(scenario.frames[:num_checked])
    model.infer_many(scenario.frames)
    times = {factor: math.inf for factor in factors}
    for factor in 5 * list(factors):
        with patch.dict(LEVEL_SHARES, scaled_shares(factor)):
            start = time.process_time()
            model.infer_many(scenario.frames)
            times[factor] = min(times[factor], (time.process_time() - start) / len(scenario.frames))
    rows = []
    for factor in factors:
        with patch.dict(LEVEL_SHARES, scaled_shares(factor)):
            found = model.infer_many(scenario.frames[:num_checked])
        mass = sum(posterior.neglected for posterior in found) / len(found)
        numbers = [f"{factor:g}", f"{1e3 * times[factor]:.1f}", f"{mass:.1e}"]
        rows.append([scenario.name, *numbers, *agreement(found, reference)])
    return rows


def print_shares(factors: Sequence[float], num_frames: int, num_checked: int) -> None:
    table = Table(title=f"LEVEL_SHARES above the voxels times a factor, torch {torch.__version__}, 16 joints")
    for column in ("frames", "factor", "CPU ms a frame", "reported", "mean mm", "sd %", "left out", "/ reported"):
        table.add_column(column)
    scenarios = (
        make_scenario("4 views, clean", 4, num_frames, errors=CLEAN),
        make_scenario("4 views, realistic", 4, num_frames, errors=REALISTIC),
        make_scenario("4 views, 1 joint in 8 in one", 4, num_frames, errors=CLEAN, hide=True),
    )
    for scenario in scenarios:
        for row in measure_shares(scenario, factors, num_checked):
            table.add_row(*row)
    Console(width=130).print(table)


def measure_floor(scenarios: Sequence[Scenario], floor: float) -> list[str]:
    """Return milliseconds of the processor a frame and the mean error, mm, over scenarios of one kind."""
    seconds, errors = 0.0, []
    for scenario in scenarios:
        model = PictorialStructures(MPII16, scenario.lengths, InferenceOptions(floor=floor))
        model.infer_many(scenario.frames[:1])
        start = time.process_time()
        found = model.infer_many(scenario.frames)
        seconds += time.process_time() - start
        errors.append(torch.linalg.vector_norm(torch.stack([p.mean for p in found]) - scenario.truth, dim=-1).mean())
    num_frames = sum(len(scenario.frames) for scenario in scenarios)
    return [f"{1e3 * seconds / num_frames:.1f}", f"{float(torch.stack(errors).mean()):.1f}"]


def print_floors(floors: Sequence[float], views: Sequence[int], num_frames: int) -> None:
    table = Table(title=f"torch {torch.__version__}, 16 joints, seeds {FLOOR_SEEDS}")
    for column in ("frames", "floor", "of a view", "CPU ms a frame", "error mm"):
        table.add_column(column)
    kinds = {"realistic": REALISTIC, "one wrong": ONE_VIEW_WRONG}
    for number, (kind, errors) in itertools.product(views, kinds.items()):
        name = f"{number} views, {kind}"
        scenarios = [make_scenario(name, number, num_frames, errors=errors, seed=seed) for seed in FLOOR_SEEDS]
        every_view = torch.ones(number, 1, dtype=torch.bool)
        for floor in floors:
            of_a_view = float(floors_of(floor, every_view, torch.float64))
            table.add_row(name, f"{floor:g}", f"{of_a_view:.2g}", *measure_floor(scenarios, floor))
    Console(width=130).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=16, help="frames of every kind")
    parser.add_argument("--checked", type=int, default=4, help="frames compared with the float64 reference")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--views", type=int, nargs="*", default=[3, 4, 6, 8, 12, 16])
    parser.add_argument("--grids", type=int, nargs="*", default=[32, 64, 96])
    parser.add_argument("--capture", type=Path, help="a folder of footage")
    parser.add_argument("--calibration", type=Path, help="its calibration file")
    parser.add_argument("--shares", type=float, nargs="*", help="factors of LEVEL_SHARES; nothing else is measured")
    parser.add_argument("--floors", type=float, nargs="*", help="of the likelihood; nothing else is measured")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    n, checked = arguments.frames, arguments.checked
    if arguments.shares:
        print_shares(arguments.shares, n, checked)
        return
    if arguments.floors:
        print_floors(arguments.floors, arguments.views, n)
        return
    table = Table(title=f"{arguments.threads} threads, torch {torch.__version__}, 16 joints")
    for column in ("frames", "exact/s", "FFT/s", "ratio", "mean mm", "sd %", "left out", "/ reported", "error mm"):
        table.add_column(column)
    if arguments.capture is not None:
        table.add_row(*measure(footage(arguments.capture, arguments.calibration, n), checked))
    table.add_row(*measure(make_scenario("4 views, clean", 4, n, errors=CLEAN), checked))
    table.add_row(*measure(make_scenario("4 views, clean, maps of 64", 4, n, errors=CLEAN, size=64), checked))
    table.add_row(*measure(make_scenario("4 views, realistic", 4, n, errors=REALISTIC), checked))
    table.add_row(*measure(make_scenario("4 views, one wrong", 4, n, errors=ONE_VIEW_WRONG), checked))
    table.add_row(*measure(make_scenario("4 views, 1 joint in 8 in one", 4, n, errors=CLEAN, hide=True), checked))
    for views in arguments.views:
        table.add_row(*measure(make_scenario(f"{views} views, realistic", views, n, errors=REALISTIC), checked))
    for grid in arguments.grids:
        scenario = make_scenario(f"4 views, clean, {grid}^3", 4, n, errors=CLEAN)
        table.add_row(*measure(scenario, min(checked, 2), resolution=grid))
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
