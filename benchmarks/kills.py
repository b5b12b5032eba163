"""What stands on the disk when processes write to one name, are killed or get a signal.

python benchmarks/kills.py writers --rounds 150
python benchmarks/kills.py harvest --kills 40
python benchmarks/kills.py signals --moments 50

`writers` starts three processes at a time that write to one name, a folder and a file in turn. One must succeed and two
must refuse by name. `harvest` kills harvests of simulated keypoints at random moments, goes on with each to its end and
compares all bytes with an undisturbed harvest. `signals` sends SIGINT, SIGTERM and SIGHUP in turn, at moments from the
first millisecond on, the early ones close together.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from study.killed_harvests import Bench, kills, one_thread, signals
from study.writers import FILE, FOLDER, outcomes, start

TEXTS = ("aa", "bb", "cc")


def writers(rounds: int) -> Counter[str]:
    """Return how often each thing happened."""
    seen: Counter[str] = Counter()
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            processes = start((FOLDER, FILE)[number % 2], folder / "go", folder / "out", TEXTS)
            (folder / "go").touch()
            for outcome in outcomes(processes):
                named = "is being written by process" in outcome or "already exists" in outcome
                seen["successes" if outcome == "done" else "named refusals" if named else f"other: {outcome}"] += 1
            written = folder / "out"
            texts = [file.read_text() for file in ([written] if written.is_file() else written.iterdir())]
            seen["whole results"] += len(set(texts)) == 1 and len(texts) == (3 if number % 2 == 0 else 1)
            seen["files left behind"] += len(list(folder.iterdir())) - 2
    return seen


def interrupted_harvests(arguments: argparse.Namespace) -> Counter[str]:
    """Return how often each thing happened to harvests that were killed or stopped."""
    one_thread()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench.prepare(Path(name), arguments.frames)
        print(f"an undisturbed harvest of {arguments.frames} frames took {bench.seconds:.1f} s", flush=True)
        if arguments.command == "harvest":
            kills(bench, arguments.kills, arguments.seed)
        else:
            signals(bench, arguments.moments)
    return bench.seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    of_writers = commands.add_parser("writers")
    of_writers.add_argument("--rounds", type=int, default=150)
    of_harvest = commands.add_parser("harvest")
    of_harvest.add_argument("--kills", type=int, default=40)
    of_harvest.add_argument("--seed", type=int, default=0)
    of_signals = commands.add_parser("signals")
    of_signals.add_argument("--moments", type=int, default=50)
    for one in (of_harvest, of_signals):
        one.add_argument("--frames", type=int, default=300)
    arguments = parser.parse_args()
    if arguments.command == "writers":
        seen = writers(arguments.rounds)
        print(f"{arguments.rounds} rounds of three writers")
    else:
        seen = interrupted_harvests(arguments)
    for what, count in seen.items():
        print(f"{count:6d} {what}")


if __name__ == "__main__":
    main()
