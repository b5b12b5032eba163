"""Processor time of every help and of wrong usage, and of `import poseharvest`: seconds, the best of five runs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from poseharvest.cli.lazy_commands import COMMANDS

RUNS = 5


def processor_time_s(*arguments: str) -> float:
    """Return what a Python process with some arguments takes, user and system time together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False, env=dict(os.environ))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a line for each."""
    program = ("-m", "poseharvest")
    calls = {"--help": (*program, "--help"), "import poseharvest": ("-c", "import poseharvest")}
    calls |= {f"{name} --help": (*program, name, "--help") for name in COMMANDS}
    calls["harvest --nope"] = (*program, "harvest", "--nope")
    for name, arguments in calls.items():
        print(f"{name:22} {min(processor_time_s(*arguments) for _ in range(RUNS)):.2f} s")


if __name__ == "__main__":
    main()
