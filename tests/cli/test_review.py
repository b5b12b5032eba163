"""The command `review`: it says where its page is, and ends cleanly by a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from poseharvest.annotations.reviews import ReviewWriter, reviews_path
from walker_kit import Recipe, write_walk

BEGIN = """
import signal, runpy
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
runpy.run_module("poseharvest", run_name="__main__")
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_says_what_is_safe(number: signal.Signals, tmp_path: Path) -> None:
    harvest = write_walk(tmp_path / "h", Recipe(num_frames=3, pictured=()))
    command = [sys.executable, "-u", "-c", BEGIN, "review", str(harvest.path), "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    assert lines[0].startswith("warning: no footage is shown: ")
    assert lines[1] == f"0 decisions so far: {reviews_path(harvest.path)}\n"
    assert lines[2].startswith("review at http://127.0.0.1:")
    process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    file = reviews_path(harvest.path)
    assert errors == f"stopped by {number.name}: every decision that the page confirmed is in {file}\n"
    assert process.returncode == 128 + number
    assert not list(tmp_path.glob(".*"))


def test_what_cannot_be_reviewed_is_one_line(run, tmp_path: Path) -> None:
    done = run("review", tmp_path / "none", "--no-browser")
    assert (done.code, done.out) == (1, "")
    assert "there is no such folder" in done.err
    assert "expected a harvest on this machine" in run("review", "s3://bucket/name", "--no-browser").err
    harvest = write_walk(tmp_path / "h", Recipe(num_frames=3, pictured=()))
    writer = ReviewWriter(harvest.path, harvest.info)
    assert "is being written by process" in run("review", harvest.path, "--no-browser").err
    writer.close()


def test_an_export_says_which_decisions_are_in_it(run, tmp_path: Path) -> None:
    harvest = write_walk(tmp_path / "h", Recipe(num_frames=3, pictured=()))
    plain = run("export", harvest.path, "--format", "csv", "--out", tmp_path / "plain.csv")
    writer = ReviewWriter(harvest.path, harvest.info)
    writer.decide((1, 0, "head_top"), "reject")
    writer.close()
    output = run("export", harvest.path, "--format", "csv", "--out", tmp_path / "a.csv").out
    assert "note: the decisions of a review are in it: 0 accepted, 1 rejected, 0 moved (" in output
    without = run("export", harvest.path, "--format", "csv", "--out", tmp_path / "b.csv", "--no-reviews").out
    assert "review" not in without + plain.out
    a, b, c = ((tmp_path / f"{name}.csv").read_text().splitlines() for name in ("a", "b", "plain"))
    assert b == c
    changed = [line for line, other in zip(a, b, strict=True) if line != other]
    assert len(changed) == 1
    assert "head_top" in changed[0]
