"""What stands on the disk when processes write to one name, are killed or get a signal.

python benchmarks/kills.py writers --rounds 150
python benchmarks/kills.py harvest --kills 40
python benchmarks/kills.py commands --kills 20
python benchmarks/kills.py signals --moments 50

`writers` starts three processes at a time that write to one name, a folder and a file in turn. One must succeed and two
must refuse by name. `harvest` kills harvests of simulated keypoints at random moments, goes on with each to its end and
compares all bytes with an undisturbed harvest. `commands` does so with every kind of command (`--only` names some),
each killed so many times, and says which files of two undisturbed runs differ, since they hold times; where a command
replaces a result, a whole one must stand there after every kill. `signals` sends SIGINT, SIGTERM and SIGHUP in turn, at
moments from the first millisecond on, the early ones close together.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from pathlib import Path

from study.kill_tasks import kill_tasks
from study.killed_commands import KillBench
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
            for said in outcomes(processes):
                named = "is being written by process" in said or "already exists" in said
                seen["successes" if said == "done" else "named refusals" if named else f"other: {said}"] += 1
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


def killed_commands(arguments: argparse.Namespace) -> Counter[str]:
    """Print what became of each kind of command, and return the sum."""
    one_thread()
    rng, total = random.Random(arguments.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        for task in kill_tasks(Path(name)):
            if arguments.only and task.name not in arguments.only:
                continue
            bench = KillBench(task, Path(name) / "killed")
            bench.prepare()
            bench.kill(arguments.kills, rng)
            total += bench.outcomes
            print(f"{task.name}: {bench.seconds:.1f} s undisturbed, {dict(bench.outcomes)}", flush=True)
            print(f"    differ between undisturbed runs: {', '.join(bench.differing) or 'none'}", flush=True)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    of_writers = commands.add_parser("writers")
    of_writers.add_argument("--rounds", type=int, default=150)
    of_harvest = commands.add_parser("harvest")
    of_harvest.add_argument("--kills", type=int, default=40)
    of_harvest.add_argument("--seed", type=int, default=0)
    of_commands = commands.add_parser("commands")
    of_commands.add_argument("--kills", type=int, default=20, help="of each command")
    of_commands.add_argument("--seed", type=int, default=0)
    of_commands.add_argument("--only", nargs="*", default=[], help="names of commands")
    of_signals = commands.add_parser("signals")
    of_signals.add_argument("--moments", type=int, default=50)
    for one in (of_harvest, of_signals):
        one.add_argument("--frames", type=int, default=300)
    arguments = parser.parse_args()
    if arguments.command == "writers":
        seen = writers(arguments.rounds)
        print(f"{arguments.rounds} rounds of three writers")
    elif arguments.command == "commands":
        seen = killed_commands(arguments)
    else:
        seen = interrupted_harvests(arguments)
    for what, count in seen.items():
        print(f"{count:6d} {what}")


if __name__ == "__main__":
    main()
