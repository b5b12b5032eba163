"""Sums over the voxels that matter against the float64 reference over the whole grid, on a thousand varied frames.

Frames are clean, with one view wrong, with a network's usual errors, or with joints hidden from all views but one;
seen by two to eight cameras, in maps of 32 or 64 pixels; half of them with the cube moved, so that a joint lies within
two voxels of its border. Run it as `python benchmarks/agreement.py`; it takes a second or two a frame. `--frames 40`
for a quick look.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from rich.console import Console
from rich.table import Table

from inference import Scenario, make_scenario
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation.detector_errors import CLEAN, ONE_VIEW_WRONG, REALISTIC
from poseharvest.skeleton.definitions import MPII16

KINDS = {"clean": CLEAN, "one view wrong": ONE_VIEW_WRONG, "realistic": REALISTIC, "hidden": CLEAN}
VIEWS = (4, 3, 5, 6, 8, 2, 7)
FRAMES_A_SCENARIO = 8
MEAN_MM, SPREAD_PERCENT = 0.1, 1.0  # what is asked of every frame
FIRST_SEED = 5000  # budgets were chosen on others


@dataclass(frozen=True)
class Difference:
    """The largest differences of a frame: of means, of deviations along an axis, and poses left out over reported."""

    mean_mm: float
    spread_percent: float
    left_out_share: float


def scenarios(num_frames: int) -> Iterator[tuple[str, int, bool, Scenario]]:
    for number in range(math.ceil(num_frames / FRAMES_A_SCENARIO)):
        kind, views = list(KINDS)[number % len(KINDS)], VIEWS[number % len(VIEWS)]
        size, at_border = (32, 64)[number // 2 % 2], number // 4 % 2 == 1
        scenario = make_scenario(
            kind,
            views,
            FRAMES_A_SCENARIO,
            errors=KINDS[kind],
            size=size,
            hide=kind == "hidden",
            seed=FIRST_SEED + number,
        )
        yield kind, views, at_border, _moved(scenario, number) if at_border else scenario


def _moved(scenario: Scenario, seed: int) -> Scenario:
    """Return the frames with each cube moved along one axis until a joint lies within two voxels of its border."""
    generator = torch.Generator().manual_seed(seed)
    half = scenario.lengths.longest_path_mm(MPII16) / 2
    frames = []
    for frame, points in zip(scenario.frames, scenario.truth, strict=True):
        axis = int(torch.randint(3, (), generator=generator))
        inside = float(torch.rand((), generator=generator)) * 2 * (2 * half / InferenceOptions().resolution)
        center = frame.center.clone()
        center[axis] = points[:, axis].min() - inside + half
        frames.append(replace(frame, center=center))
    return replace(scenario, frames=frames)


def differences(scenario: Scenario) -> Iterator[Difference]:
    fast = PictorialStructures(MPII16, scenario.lengths)
    reference = InferenceOptions(inference="reference")
    precise = PictorialStructures(MPII16, scenario.lengths, reference, dtype=torch.float64)
    for a, b in zip(fast.infer_many(scenario.frames), precise.infer_many(scenario.frames), strict=True):
        spread = (a.cov.diagonal(dim1=1, dim2=2) / b.cov.diagonal(dim1=1, dim2=2)).sqrt()
        left_out = max(1 - math.exp(a.log_evidence - b.log_evidence), 0.0)
        yield Difference(
            float(torch.linalg.vector_norm(a.mean - b.mean, dim=-1).max()),
            100 * float((spread - 1).abs().max()),
            left_out / a.neglected if a.neglected else 0.0,
        )


def row(name: str, found: list[Difference]) -> list[str]:
    means, spreads = (sorted(values) for values in zip(*((d.mean_mm, d.spread_percent) for d in found), strict=True))
    within = sum(d.mean_mm <= MEAN_MM and d.spread_percent <= SPREAD_PERCENT for d in found)
    typical = len(found) // 2
    numbers = [f"{means[typical]:.3f}", f"{means[-1]:.3f}", f"{spreads[typical]:.2f}", f"{spreads[-1]:.2f}"]
    largest = max(d.left_out_share for d in found)
    return [name, str(len(found)), *numbers, f"{100 * within / len(found):.1f}", f"{largest:.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    groups: dict[str, list[Difference]] = defaultdict(list)
    for kind, views, at_border, scenario in scenarios(arguments.frames):
        found = list(differences(scenario))
        for group in ("all", kind, f"{views} views", "near the border" if at_border else "in the middle"):
            groups[group] += found
        print(*row(f"{kind}, {views} views, border {at_border}", found), flush=True)
    table = Table(title="one frame's largest difference over joints and axes")
    for column in (
        "frames",
        "number",
        "mean mm",
        "largest",
        "sd %",
        "largest",
        "within both, %",
        "left out / reported",
    ):
        table.add_column(column)
    for name, found in groups.items():
        table.add_row(*row(name, found))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
