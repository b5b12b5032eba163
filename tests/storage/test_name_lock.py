"""A name belongs to one living process; the lock of a dead one is taken over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from poseharvest.errors import StoreError
from poseharvest.storage.name_lock import NameLock, Owner, claimed, lock_path

CLAIM = """
import sys, time
from pathlib import Path
from poseharvest.errors import StoreError
from poseharvest.storage.name_lock import NameLock
go = Path(sys.argv[2])
print("ready", flush=True)
while not go.exists():
    time.sleep(0.0005)
try:
    NameLock(Path(sys.argv[1])).claim()
    print("claimed", flush=True)
except StoreError as error:
    print(error, flush=True)
sys.stdin.read()
"""


def test_the_second_is_told_who_is_first(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with claimed(target):
        with pytest.raises(StoreError, match=rf"out: is being written by process {os.getpid()} on .*since 20.*delete"):
            NameLock(target).claim()
        assert [path.name for path in tmp_path.iterdir()] == [".out.lock"]
    with claimed(target):
        pass
    assert list(tmp_path.iterdir()) == []


def test_of_many_heirs_of_a_dead_process_one_takes_over(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for number in range(3):
        dead = subprocess.Popen([sys.executable, "-c", "pass"])
        dead.wait()
        lock_path(target).write_text(json.dumps(asdict(replace(Owner.current(), pid=dead.pid))))
        go = tmp_path / f"go{number}"
        command = [sys.executable, "-c", CLAIM, str(target), str(go)]
        heirs = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        for heir in heirs:
            assert heir.stdout is not None
            assert heir.stdout.readline() == "ready\n"
        go.touch()
        lines = [heir.stdout.readline().strip() for heir in heirs if heir.stdout is not None]
        for heir in heirs:
            heir.communicate()
        assert lines.count("claimed") == 1
        assert sum("is being written by process" in line for line in lines) == 2


@pytest.mark.parametrize(
    ("change", "may_be_alive"),
    [
        ({}, True),
        ({"started": 1}, False),  # another process has the number by now
        ({"host": "elsewhere/1"}, True),
    ],
)
def test_who_may_be_alive(change: dict[str, object], may_be_alive: bool) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc")
    assert replace(Owner.current(), **change).may_be_alive is may_be_alive  # type: ignore[arg-type]


def test_a_computer_that_was_started_again_has_no_living_owner() -> None:
    owner = Owner.current()
    assert not replace(owner, host=owner.host.partition("/")[0] + "/another start").may_be_alive


def test_a_lock_that_cannot_be_read_is_believed_for_a_minute(tmp_path: Path) -> None:
    target = tmp_path / "out"
    lock_path(target).write_bytes(b"")
    with pytest.raises(StoreError, match="another process has just begun to write it"):
        NameLock(target).claim()
    old = time.time() - 100
    os.utime(lock_path(target), (old, old))
    with claimed(target):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="out: cannot be written: No such file or directory"):
        NameLock(tmp_path / "nowhere" / "out").claim()


def test_only_the_owner_removes_the_lock(tmp_path: Path) -> None:
    target = tmp_path / "out"
    lock = NameLock(target)
    lock.claim()
    lock_path(target).write_text("somebody deleted ours and claimed the name")
    lock.release()
    assert lock_path(target).exists()
