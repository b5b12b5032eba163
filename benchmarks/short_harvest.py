"""Processor time of a short harvest, and of a frame beyond it, each command a process of its own.

    python benchmarks/short_harvest.py CAPTURE --calibration FILE --detector KEYPOINTS --option frame_offset=1

Every round harvests the first frames and some more, so that other work on the machine weighs alike on both; with
`--beside SRC` the package of another source folder takes turns, and the ratio of the two is printed. All are medians
over the rounds. The first harvest, which may compile loops, is not counted.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import median

OWN = Path(__file__).resolve().parents[1] / "src"


def main() -> None:
    """Print seconds for the first frames and milliseconds a frame beyond, of one source folder or of two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--detector", required=True)
    parser.add_argument("--option", action="append", default=[], help="of the detector, FIELD=VALUE")
    parser.add_argument("--frames", type=int, default=66)
    parser.add_argument("--more", type=int, default=100, help="frames of the longer harvest; as --frames: none")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beside", type=Path, help="a source folder to compare with")
    args = parser.parse_args()
    command = ["harvest", str(args.capture), "--detector", args.detector]
    command += [] if args.calibration is None else ["--calibration", str(args.calibration)]
    command += [part for option in args.option for part in ("--detector-option", option)]
    sources = [OWN] if args.beside is None else [OWN, args.beside.resolve()]
    lengths = sorted({args.frames, args.more})
    seconds: dict[tuple[Path, int], list[float]] = {}
    for number, source, frames in product(range(args.rounds + 1), sources, lengths):
        spent = processor_seconds(source, [*command, "--stop", str(frames)])
        if number > 0:
            seconds.setdefault((source, frames), []).append(spent)
    for source in sources:
        short, long = (median(seconds[source, frames]) for frames in (lengths[0], lengths[-1]))
        print(f"{source}: first {lengths[0]} frames {short:.1f} CPU s")
        if lengths[-1] > lengths[0]:
            print(f"  then {1000 * (long - short) / (lengths[-1] - lengths[0]):.0f} CPU ms a frame")
    for frames in lengths if args.beside is not None else ():
        pairs = zip(*(seconds[source, frames] for source in sources), strict=True)
        print(f"{frames} frames: {median(own / other for own, other in pairs):.2f} times the other's processor time")


def processor_seconds(source: Path, command: Sequence[str]) -> float:
    """Return the processor time of a command of the package in a source folder, user's and system's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "poseharvest", *command, "--out", str(Path(folder) / "harvest")],
            env={**os.environ, "PYTHONPATH": str(source)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
