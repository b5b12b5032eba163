"""A signal at any moment ends a command with its own exit code and one line, and never with a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from poseharvest.annotations.reader import Harvest

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP] if os.name == "posix" else []
EVERY_SIGNAL = pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)

READY = """
import signal, sys, runpy
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from poseharvest.cli import stop_signals
hear = stop_signals.StopSignals.hear
def heard(self):
    hear(self)
    print("ready", flush=True)
    if sys.argv[1] == "--at-once":
        signal.raise_signal(int(sys.argv[2]))
stop_signals.StopSignals.hear = heard
sys.argv = ["poseharvest", *sys.argv[1:]]
runpy.run_module("poseharvest", run_name="__main__")
"""
"""The program, which says when it hears signals."""

Process = subprocess.Popen[str]


def begin(*arguments: object) -> Process:
    command = [sys.executable, "-c", READY, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def end(process: Process) -> str:
    """Wait for the end and return what was said on the error stream."""
    return process.communicate(timeout=120)[1]


@EVERY_SIGNAL
@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.3])
def test_while_python_imports(number: signal.Signals, delay_s: float, footage) -> None:
    process = begin("harvest", footage.capture, "--detector", footage.keypoints, "--out", footage.folder / "h")
    time.sleep(delay_s)
    process.send_signal(number)
    output = end(process)
    assert process.returncode == 128 + number
    assert len(output.splitlines()) == 1
    assert output.startswith(f"stopped by {number.name}: ")
    assert not list(footage.folder.glob("*h.lock"))
    assert not (footage.folder / "h").exists()


@EVERY_SIGNAL
def test_in_the_instant_in_which_signals_are_heard_first(number: signal.Signals) -> None:
    process = begin("--at-once", int(number))
    assert end(process) == f"stopped by {number.name}: nothing was begun\n"
    assert process.returncode == 128 + number


@EVERY_SIGNAL
def test_in_the_middle_of_a_harvest(number: signal.Signals, footage, run) -> None:
    """The rest is harvested in this process, which has imported everything."""
    out = footage.folder / "h"
    command = ("harvest", footage.capture, "--detector", footage.keypoints, "--out", out, "--resolution", 24)
    process = begin(*command)
    _wait_for(lambda: bool(list(footage.folder.glob(".h.partial-*/unfinished.json"))), process)
    process.send_signal(number)
    output = end(process)
    if process.returncode == 0:
        pytest.skip("it was finished before the signal came")
    assert process.returncode == 128 + number
    assert len(output.splitlines()) == 1
    assert "go on with --resume" in output or f"the harvest is finished: {out}" in output
    again = run(*command, "--resume")
    assert again.err == ""
    assert again.code == 0
    assert Harvest.open(out).info.counts.frames == 6
    assert not [path for path in footage.folder.iterdir() if path.name.startswith(".")]


def _wait_for(has_happened: Callable[[], bool], process: Process) -> None:
    start = time.monotonic()
    while not has_happened() and process.poll() is None:
        assert time.monotonic() - start < 120
        time.sleep(0.002)


def test_the_second_signal_ends_it_at_once() -> None:
    program = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from poseharvest.cli.stop_signals import StopSignals
StopSignals().hear()
try:
    print("ready", flush=True)
    time.sleep(60)
finally:
    time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    output = end(process)
    assert process.returncode == 128 + signal.SIGTERM
    assert output.startswith("stopped by SIGTERM: ended at once")


def test_a_signal_that_comes_while_an_object_is_removed_is_not_lost() -> None:
    program = """
import os, signal, time
from poseharvest.cli.stop_signals import StopSignals
class Removed:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
signals = StopSignals()
signals.hear()
one = Removed()
try:
    del one
    time.sleep(60)
except BaseException as error:
    print(type(error).__name__, signals.status())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert (done.stdout, done.stderr) == ("Stopped 143\n", "")


def test_what_is_to_be_ignored_stays_ignored() -> None:
    program = """
import signal
from poseharvest.cli.stop_signals import StopSignals
signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
StopSignals().hear()
signal.raise_signal(signal.SIGHUP)
print("alive")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "alive\n"
