"""Compare ours with the baselines, all from the same heatmaps of simulated sequences on Human3.6M's rig.

    python benchmarks/baselines.py --sequences 20
    python benchmarks/baselines.py --sequences 20 --errors measured --keep found --sharpen 2

Errors are in the world as it is (no alignment), over the joints that every method places; how many a method places is
given beside them. With `--height-power` or `--sharpen` the likelihood that they make is compared as well. Intervals
draw whole sequences. With `--keep`, what is found is written into a folder, sequence by sequence, and a run that was
interrupted goes on from there; give one folder to one set of options.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.bootstrap import bootstrap
from poseharvest.evaluation.mpjpe import joint_errors
from poseharvest.evaluation.mpjpe import mpjpe as score_of
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.skeleton.definitions import MPII16
from simulated import Sequence, single_thread
from studies import parser, say_errors, sequences
from study.baselines import AS_CHOSEN, BASELINES, Baseline

Floats = NDArray[np.float64]
JOINTS = MPII16.joints  # the simulated detector's


@dataclass(frozen=True, eq=False)
class Found:
    """What the methods make of one sequence.

    Attributes:
        poses: method -> (F, J, 3) mm.
        seconds: method -> the time that it took for all frames.
        truth: (F, J, 3) mm.
    """

    poses: dict[str, Floats]
    seconds: dict[str, float]
    truth: Floats

    def write(self, path: Path) -> None:
        """Write it as arrays."""
        taken = {f"seconds/{name}": np.array(value) for name, value in self.seconds.items()}
        arrays = {f"poses/{name}": value for name, value in self.poses.items()} | taken | {"truth": self.truth}
        np.savez(path, allow_pickle=False, **arrays)

    @classmethod
    def read(cls, path: Path, methods: Iterable[str]) -> Found:
        """Return what `write` wrote."""
        with np.load(path) as file:
            poses = {name: file[f"poses/{name}"] for name in methods}
            return cls(poses, {name: float(file[f"seconds/{name}"]) for name in methods}, file["truth"])


def methods_of(arguments: argparse.Namespace) -> dict[str, Baseline]:
    """Return the methods to compare, the one that the others are compared with last."""
    return BASELINES | AS_CHOSEN if arguments.height_power > 0 or arguments.sharpen > 1 else BASELINES


def estimates(sequence: Sequence, methods: dict[str, Baseline]) -> Found:
    """Return every method's positions and the time that it takes."""
    found: dict[str, list[Floats]] = defaultdict(list)
    seconds: dict[str, float] = defaultdict(float)
    for evidence in [sighting.evidence for sighting in sequence.sightings]:
        for name, method in methods.items():
            start = time.perf_counter()
            found[name].append(method(evidence, sequence.model).double().numpy())
            seconds[name] += time.perf_counter() - start
    return Found({name: np.stack(poses) for name, poses in found.items()}, dict(seconds), sequence.truth)


def find(arguments: argparse.Namespace, seed: int) -> Found:
    """Return what the methods make of the sequence of a seed, from the folder that keeps it if it is there."""
    kept = None if arguments.keep is None else Path(arguments.keep) / f"{arguments.errors}-{seed}.npz"
    if kept is not None and kept.is_file():
        return Found.read(kept, methods_of(arguments))
    found = estimates(next(sequences(arguments, range(seed, seed + 1))), methods_of(arguments))
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part.npz")
        found.write(part)
        part.replace(kept)
    return found


def main() -> None:
    """Print the table."""
    options = parser(__doc__)
    options.add_argument("--sequences", type=int, default=20)
    options.add_argument("--first-seed", type=int, default=1000)
    options.add_argument("--keep", type=Path, default=None, help="folder in which finished sequences are kept")
    arguments = options.parse_args()
    single_thread()
    say_errors(arguments.errors)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.sequences)
    found = [find(arguments, seed) for seed in seeds]
    truth = np.concatenate([one.truth for one in found])
    labels = [str(seed) for seed, one in zip(seeds, found, strict=True) for _ in one.truth]
    pairs = {
        name: PosePairs(np.concatenate([one.poses[name] for one in found]), truth, JOINTS, {"sequence": labels})
        for name in methods_of(arguments)
    }
    print_table(pairs, {name: sum(one.seconds[name] for one in found) for name in pairs})
    print_differences(pairs)


def print_table(pairs: dict[str, PosePairs], seconds: dict[str, float]) -> None:
    """Print a row a method."""
    last = list(pairs)[-1]
    common = np.logical_and.reduce([pair.judged for pair in pairs.values()])
    ours = score_of(_restricted(pairs[last], common), sequence_label="sequence")
    print(f"\n{ours.protocol}; {ours.protocol.num_values} joints that all methods place")
    print(f"{'method':26} mean mm  95 % interval     centroid-aligned  placed  ms a frame  apart from the last")
    for name, pair in pairs.items():
        restricted = _restricted(pair, common)
        score = score_of(restricted, sequence_label="sequence")
        centroid = score_of(restricted, Alignment("centroid")).value
        low, high = (0.0, 0.0) if score.interval is None else (score.interval.low, score.interval.high)
        placed = 100 * float(pair.judged.mean())
        apart = bool(score.interval and ours.interval and not score.interval.overlaps(ours.interval))
        milliseconds = 1000 * seconds[name] / len(pair.truth)
        print(
            f"{name:26} {score.value:7.2f}  {low:6.2f} to {high:6.2f}  {centroid:15.2f}  {placed:6.1f}%"
            f"  {milliseconds:10.0f}  {'' if name == last else 'yes' if apart else 'no'}"
        )


def print_differences(pairs: dict[str, PosePairs]) -> None:
    """Print how much better the last one is, sequence by sequence: easy and hard ones then cancel out."""
    last = list(pairs)[-1]
    ours = joint_errors(pairs[last])
    print(
        "\nerror of the method minus that of the last on the joints that it places, 95 % interval over paired sequences"
    )
    for name, pair in pairs.items():
        if name == last:
            continue
        difference = joint_errors(pair) - ours
        parts = [difference[poses] for _, poses in pair.by("sequence")]
        interval = bootstrap(
            len(parts), lambda draw, parts=parts: float(np.nanmean([np.nanmean(parts[i]) for i in draw]))
        )
        print(f"{name:26} {np.nanmean(difference):7.2f} mm  {interval.low:6.2f} to {interval.high:6.2f}")


def _restricted(pair: PosePairs, kept: NDArray[np.bool_]) -> PosePairs:
    return PosePairs(np.where(kept[..., None], pair.estimate, np.nan), pair.truth, pair.joints, pair.labels)


if __name__ == "__main__":
    main()
