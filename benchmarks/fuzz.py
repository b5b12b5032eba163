"""Feeds every reader of the package with damaged files and counts what becomes of them.

    PYTHONPATH=src:tests python benchmarks/fuzz.py all --inputs 1000 --seed 1
    PYTHONPATH=src:tests python benchmarks/fuzz.py mpii-mat --inputs 20000 --seed 7 --keep /tmp/found

The samples are those that the tests make (hence `PYTHONPATH`). Each is damaged (`study/mutations.py`) and read in a
process of its own, which may take 2 GB of address space more than at its start, and 10 s of processor time or 100 s
by the clock an input (beside other programs a clock alone would call a starved reader a hang). A reader must return,
or raise one of the package's named errors. Anything else is counted: tracebacks by the place that they come from,
crashes of the process, and inputs that took longer. `--keep` writes those inputs into a folder.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from poseharvest.errors import HarvestError
from study.fuzz_readers import READERS, FuzzReader
from study.mutations import mutate

ROOM_BYTES = 2 * 2**30
CPU_S, CLOCK_S = 10, 100
PAGE = resource.getpagesize()


@dataclass
class Tally:
    """What became of the inputs of one reader."""

    outcomes: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    peak_mb: float = 0.0
    slowest_s: float = 0.0
    seconds: float = 0.0


def main() -> None:
    if os.environ.get("OMP_NUM_THREADS") != "1":  # a process that has threads cannot be forked
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OMP_NUM_THREADS": "1"})
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader", help=f"all, or names with commas between: {', '.join(READERS)}")
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the inputs that did not end as they should")
    arguments = parser.parse_args()
    names = list(READERS) if arguments.reader == "all" else arguments.reader.split(",")
    print(f"{'reader':24} {'read':>6} {'named':>6} {'trace':>6} {'crash':>6} {'hang':>5} {'MB':>6}  slowest   time")
    total: Counter[str] = Counter()
    for name in names:
        tally = fuzz(name, READERS[name], arguments)
        total += tally.outcomes
        counts = [tally.outcomes[kind] for kind in ("read", "named", "traceback", "crash", "hang")]
        print(
            f"{name:24} {counts[0]:6} {counts[1]:6} {counts[2]:6} {counts[3]:6} {counts[4]:5} {tally.peak_mb:6.0f}"
            f" {tally.slowest_s:7.2f}s {tally.seconds:5.0f}s"
        )
        for place, count in tally.places.most_common():
            print(f"    {count:5} x {place}")
        sys.stdout.flush()
    print("all: " + ", ".join(f"{total[kind]} {kind}" for kind in ("read", "named", "traceback", "crash", "hang")))


def fuzz(name: str, reader: FuzzReader, arguments: argparse.Namespace) -> Tally:
    """Return what became of the inputs, each read in a child process that is replaced when it ends early."""
    tally, started = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        sample = Path(scratch) / "sample"
        sample.mkdir()
        files = reader.make(sample)
        originals = {file: _original(file) for file in files}
        reader.read(sample, files[0])  # the sample itself is valid, and what is imported late is imported
        at = 0
        log = Path(scratch) / "log"
        while at < arguments.inputs:
            log.write_text("")
            for file, data in originals.items():  # a child that ended early has left one damaged
                file.write_bytes(data)
            child = os.fork()
            if child == 0:
                _work(name, reader, files, (at, arguments.inputs), arguments, log)
            _, status = os.waitpid(child, 0)
            at = _take_in(tally, log, at, status, arguments, (name, files, reader))
    tally.seconds = time.monotonic() - started
    return tally


def _take_in(tally: Tally, log: Path, at: int, status: int, arguments: argparse.Namespace, about: tuple) -> int:  # type: ignore[type-arg]
    """Add what a child wrote down and how it ended; return the number of the next input."""
    for line in log.read_text().splitlines():
        record = json.loads(line)
        at = record["input"] + 1
        tally.outcomes[record["outcome"]] += 1
        tally.peak_mb = max(tally.peak_mb, record["mb"])
        tally.slowest_s = max(tally.slowest_s, record["s"])
        if record["place"]:
            tally.places[record["place"]] += 1
            _keep(arguments, about, record["input"], record["outcome"])
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        kind = "hang" if number in {signal.SIGALRM, signal.SIGPROF} else "crash"
        tally.outcomes[kind] += 1
        tally.places[f"{kind}: {signal.Signals(number).name}"] += 1
        _keep(arguments, about, at, kind)
        at += 1
    elif os.WEXITSTATUS(status):
        tally.outcomes["crash"] += 1
        tally.places[f"crash: exit {os.WEXITSTATUS(status)}"] += 1
        at += 1
    return at


def _keep(arguments: argparse.Namespace, about: tuple, number: int, outcome: str) -> None:  # type: ignore[type-arg]
    if arguments.keep is None:
        return
    name, files, reader = about
    file, data = _input(name, reader, files, number, arguments.seed)
    folder = arguments.keep / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{arguments.seed}-{number}-{outcome}-{file.name}").write_bytes(data)


def _input(name: str, reader: FuzzReader, files: list[Path], number: int, seed: int) -> tuple[Path, bytes]:
    random = Random(f"{seed}:{name}:{number}")
    file = files[number % len(files)]
    return file, mutate(_original(file), reader.kind_of(file), random)


_ORIGINALS: dict[Path, bytes] = {}


def _original(file: Path) -> bytes:
    if file not in _ORIGINALS:
        _ORIGINALS[file] = file.read_bytes()
    return _ORIGINALS[file]


def _work(
    name: str, reader: FuzzReader, files: list[Path], inputs: tuple[int, int], arguments: argparse.Namespace, log: Path
) -> None:
    """Read inputs one after the other in this child process, and note each; never returns."""
    warnings.simplefilter("ignore")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    for file in files:
        _original(file)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * PAGE
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM_BYTES, used + ROOM_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    folder = _root(files[0])
    with log.open("a") as stream:
        for number in range(*inputs):
            file, data = _input(name, reader, files, number, arguments.seed)
            file.write_bytes(data)
            before = _reset_peak()
            start = time.process_time()
            _set_alarms(CPU_S, CLOCK_S)
            outcome, place = _read(reader, folder, file)
            _set_alarms(0, 0)
            record = {
                "input": number,
                "outcome": outcome,
                "place": place,
                "mb": max(0.0, (_peak() - before) / 2**20),
                "s": time.process_time() - start,
            }
            file.write_bytes(_original(file))
            stream.write(json.dumps(record) + "\n")
            stream.flush()
    os._exit(0)


def _set_alarms(cpu_s: float, clock_s: int) -> None:
    """End this process after so much time of the processor or by the clock; 0: never."""
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    signal.alarm(clock_s)


def _root(file: Path) -> Path:
    return next(parent for parent in file.parents if parent.name == "sample")


def _read(reader: FuzzReader, folder: Path, file: Path) -> tuple[str, str]:
    try:
        reader.read(folder, file)
    except HarvestError as error:
        if "\n" in str(error):
            return "traceback", "a named error of several lines"
        return "named", ""
    except BaseException as error:
        return "traceback", _place(error)
    return "read", ""


def _place(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "poseharvest" in frame.filename]
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}" if frames else "?"
    return f"{type(error).__name__} at {where}"


def _reset_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
