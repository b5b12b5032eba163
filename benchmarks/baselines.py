"""Compare ours with the baselines, all from the same heatmaps of simulated sequences on Human3.6M's rig.

    python benchmarks/baselines.py --sequences 20
    python benchmarks/baselines.py --sequences 20 --errors hard

Errors are in the world as it is (no alignment), over the joints that every method places; how many a method places is
given beside them. Intervals draw whole sequences.
"""

from __future__ import annotations

import time
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.baselines import BASELINES
from poseharvest.evaluation.bootstrap import bootstrap
from poseharvest.evaluation.mpjpe import joint_errors
from poseharvest.evaluation.mpjpe import mpjpe as score_of
from poseharvest.evaluation.pairs import PosePairs
from simulated import Sequence, parser, print_errors, sequences, single_thread

Floats = NDArray[np.float64]


def estimates(sequence: Sequence, seconds: dict[str, float]) -> dict[str, Floats]:
    """Return every method's positions (F, J, 3), adding up the time that each takes."""
    found: dict[str, list[Floats]] = defaultdict(list)
    for sighting in sequence.sightings:
        for name, method in BASELINES.items():
            start = time.perf_counter()
            found[name].append(method(sighting.evidence, sequence.model).double().numpy())
            seconds[name] += time.perf_counter() - start
    return {name: np.stack(poses) for name, poses in found.items()}


def main() -> None:
    """Print the table."""
    options = parser(__doc__)
    options.add_argument("--sequences", type=int, default=20)
    options.add_argument("--first-seed", type=int, default=1000)
    arguments = options.parse_args()
    single_thread()
    print_errors(arguments.errors)
    seconds: dict[str, float] = defaultdict(float)
    poses: dict[str, list[Floats]] = defaultdict(list)
    truths, labels, joints = [], [], ()
    for sequence in sequences(arguments, range(arguments.first_seed, arguments.first_seed + arguments.sequences)):
        for name, positions in estimates(sequence, seconds).items():
            poses[name].append(positions)
        truths.append(sequence.truth)
        labels += [str(sequence.seed)] * len(sequence.truth)
        joints = sequence.joints
    pairs = {
        name: PosePairs(np.concatenate(parts), np.concatenate(truths), joints, {"sequence": labels})
        for name, parts in poses.items()
    }
    print_table(pairs, seconds)
    print_differences(pairs)


def print_table(pairs: dict[str, PosePairs], seconds: dict[str, float]) -> None:
    """Print a row a method."""
    common = np.logical_and.reduce([pair.judged for pair in pairs.values()])
    ours = score_of(_restricted(pairs["ours"], common), sequence_label="sequence")
    print(f"\n{ours.protocol}; {ours.protocol.num_values} joints that all methods place")
    print(f"{'method':26} mean mm  95 % interval     centroid-aligned  placed  ms a frame  interval apart from ours")
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
            f"  {milliseconds:10.0f}  {'' if name == 'ours' else 'yes' if apart else 'no'}"
        )


def print_differences(pairs: dict[str, PosePairs]) -> None:
    """Print how much better ours is, sequence by sequence: easy and hard ones then cancel out."""
    ours = joint_errors(pairs["ours"])
    print("\nerror of the method minus ours on the joints that it places, 95 % interval over paired sequences")
    for name, pair in pairs.items():
        if name == "ours":
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
