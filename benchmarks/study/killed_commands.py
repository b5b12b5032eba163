"""Commands that are killed at random moments and given again until they end, compared with undisturbed ones."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class KillTask:
    """A command that may be killed.

    Attributes:
        name: of the task.
        arguments: of `poseharvest`; `--out` and its value are added.
        again: is added whenever the command is given, so that it goes on or begins again.
        suffix: of the result's name, such as ".csv"; a folder's is empty.
        replaces: a whole result stands under the name before the command, and must at every moment.
        beside: names of what the command keeps beside its result on purpose.
    """

    name: str
    arguments: tuple[str, ...]
    again: tuple[str, ...] = ("--resume",)
    suffix: str = ""
    replaces: bool = False
    beside: tuple[str, ...] = ()

    def command(self, out: Path) -> list[str]:
        """Return the whole command."""
        return [sys.executable, "-m", "poseharvest", *self.arguments, "--out", str(out), *self.again]


@dataclass
class KillBench:
    """A task, what it makes undisturbed, and what became of it when it was killed.

    Attributes:
        task: the command.
        folder: of its results.
        seconds: an undisturbed run took.
        contents: what the undisturbed run made, by name: the files that a second one made just so.
        differing: the files in which two undisturbed runs differ: they hold times or paths.
        outcomes: how often each thing happened.
    """

    task: KillTask
    folder: Path
    seconds: float = 0.0
    contents: dict[str, bytes] = field(default_factory=dict)
    differing: tuple[str, ...] = ()
    outcomes: Counter[str] = field(default_factory=Counter)

    def prepare(self) -> None:
        """Run the task twice undisturbed."""
        out = self._result()
        found = []
        for _ in range(2):
            _remove(out)
            start = time.monotonic()
            subprocess.run(self.task.command(out), check=True, capture_output=True)
            self.seconds = time.monotonic() - start
            found.append(contents(out))
        first, second = found
        self.contents = {name: data for name, data in second.items() if first.get(name) == data}
        self.differing = tuple(sorted((first.keys() | second.keys()) - self.contents.keys()))

    def kill(self, num_kills: int, rng: random.Random) -> None:
        """Kill the command at random moments, up to four times each; then let it end."""
        out = self._result()
        while self.outcomes["kills"] < num_kills:
            if not self.task.replaces:
                _remove(out)
            for _ in range(rng.randint(1, 4)):
                self._kill_once(out, rng.uniform(0, self.seconds))
            self._to_the_end(out)

    def _kill_once(self, out: Path, delay_s: float) -> None:
        process = subprocess.Popen(self.task.command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(delay_s)
            self.outcomes["finished before the kill"] += 1
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.outcomes["kills"] += 1
        if self.task.replaces:
            is_whole = out.exists() and self._is_same(out)
            self.outcomes["whole after a kill" if is_whole else "NOT WHOLE after a kill"] += 1

    def _is_same(self, out: Path) -> bool:
        there = contents(out)
        return all(there.get(name) == data for name, data in self.contents.items())

    def _to_the_end(self, out: Path) -> None:
        done = subprocess.run(self.task.command(out), check=False, capture_output=True, text=True)
        if done.returncode != 0:
            self.outcomes[f"exit {done.returncode}: {done.stderr.splitlines()[-1:]}"] += 1
            _remove(out)
            return
        there = contents(out)
        is_same = self._is_same(out) and there.keys() == self.contents.keys() | set(self.differing)
        self.outcomes["identical at the end" if is_same else "OTHER at the end"] += 1
        left = {path.name for path in out.parent.iterdir()} - {out.name, *self.task.beside}
        self.outcomes["files left behind"] += len(left)

    def _result(self) -> Path:
        folder = self.folder / self.task.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"out{self.task.suffix}"


def contents(out: Path) -> dict[str, bytes]:
    """Return the bytes of a file, or of every file in a folder, by name."""
    paths: Iterable[Path] = [out] if out.is_file() else (path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out.parent).as_posix(): path.read_bytes() for path in paths}


def _remove(out: Path) -> None:
    if out.is_dir():
        shutil.rmtree(out)
    else:
        out.unlink(missing_ok=True)
