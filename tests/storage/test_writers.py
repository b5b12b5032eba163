"""Several processes on one name, files that appear meanwhile, and kills: what stands under the name is always whole."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from poseharvest.errors import StoreError
from poseharvest.storage import disk, staging
from poseharvest.storage.name_lock import lock_path
from poseharvest.storage.staging import StagedFolder, scratch_folder, staged_file
from study.writers import FILE, FOLDER, outcomes, start

Whole = Callable[[Path], bool]


def is_whole_folder(folder: Path) -> bool:
    """The three files are there and hold one text."""
    return len({(folder / name).read_text() for name in ("first", "middle", "last")}) == 1


def is_whole_file(file: Path) -> bool:
    text = file.read_text()
    return len(text) == 6 and text == 3 * text[:2]


KINDS = pytest.mark.parametrize(("program", "is_whole"), [(FOLDER, is_whole_folder), (FILE, is_whole_file)])


@KINDS
def test_of_three_writers_one_succeeds_and_two_say_why(program: str, is_whole: Whole, tmp_path: Path) -> None:
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        processes = start(program, folder / "go", folder / "out", ["aa", "bb", "cc"])
        (folder / "go").touch()
        said = outcomes(processes)
        assert said.count("done") == 1
        refused = [line for line in said if line != "done"]
        assert all("is being written by process" in line or "already exists" in line for line in refused)
        assert is_whole(folder / "out")
        assert sorted(path.name for path in folder.iterdir()) == ["go", "out"]


@contextmanager
def watched(target: Path, is_whole: Whole) -> Iterator[list[str]]:
    """Look at the target all the time in another thread; give the list of what was wrong."""
    wrong: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            try:
                if not is_whole(target):
                    wrong.append("mixed")
            except FileNotFoundError:
                # A folder may be exchanged between the reading of two of its files, so only its name counts.
                if not target.exists():
                    wrong.append("missing")

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield wrong
    finally:
        over.set()
        thread.join()


@KINDS
def test_kills_never_leave_a_moment_without_a_whole_result(program: str, is_whole: Whole, tmp_path: Path) -> None:
    target, rng = tmp_path / "out", random.Random(5)
    processes = start(program, tmp_path / "go", target, ["aa"])
    (tmp_path / "go").touch()
    assert outcomes(processes) == ["done"]
    whole = is_whole if program is FILE else lambda folder: (folder / "last").read_text() != ""
    with watched(target, whole) as wrong:
        for number in range(12):
            (tmp_path / "go").unlink()
            (process,) = start(program, tmp_path / "go", target, [f"{number:02}"], overwrite=True)
            (tmp_path / "go").touch()
            time.sleep(rng.uniform(0, 0.03))
            process.kill()
            process.communicate()
    assert wrong == []
    (tmp_path / "go").unlink()
    for claim in tmp_path.glob(".out.lock-*"):
        if not claim.read_bytes():  # cut off before it said whose it is: it is believed for a minute
            os.utime(claim, (0, 0))
    processes = start(program, tmp_path / "go", target, ["zz"], overwrite=True)
    (tmp_path / "go").touch()
    assert outcomes(processes) == ["done"]
    assert is_whole(target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["go", "out"]


def test_a_foreign_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    target = tmp_path / "out"
    staged = StagedFolder(target, replaceable=None)
    target.write_text("foreign")
    with pytest.raises(StoreError, match="already exists"):
        staged.commit()
    staged.discard()
    target.unlink()

    def write() -> None:
        with staged_file(target, overwrite=False) as temporary:
            temporary.write_text("ours")
            target.write_text("foreign")

    with pytest.raises(StoreError, match="already exists"):
        write()
    assert target.read_text() == "foreign"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_appears_in_the_last_moment_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the last look at the name and the disk."""
    target = tmp_path / "out"

    def late(source: Path, name: Path) -> None:
        if name == target and not name.exists():
            name.write_text("foreign")
        disk.rename_new(source, name)

    monkeypatch.setattr(staging, "rename_new", late)

    def write() -> None:
        with staged_file(target, overwrite=False) as temporary:
            temporary.write_text("ours")

    with pytest.raises(StoreError, match="it appeared meanwhile"):
        write()
    assert target.read_text() == "foreign"
    target.unlink()
    staged = StagedFolder(target, replaceable=None)
    with pytest.raises(StoreError, match="already exists"):
        staged.commit()
    staged.discard()
    assert target.read_text() == "foreign"


def test_what_was_exchanged_in_the_last_moment_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out"
    (target / "ours").mkdir(parents=True)
    staged = StagedFolder(target, replaceable=lambda folder: (folder / "ours").is_dir())

    def late(first: Path, second: Path) -> bool:
        if (second / "ours").is_dir():
            (second / "ours").rename(second / "foreign")
        return disk.exchange(first, second)

    monkeypatch.setattr(staging, "exchange", late)
    with pytest.raises(StoreError, match="is not an output of this kind: it is not overwritten"):
        staged.commit()
    staged.discard()
    assert [path.name for path in target.iterdir()] == ["foreign"]


@pytest.mark.parametrize("has_call", [True, False])
def test_both_ways_of_renaming_replace_nothing(has_call: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_call:
        monkeypatch.setattr(disk, "_system_call", lambda: None)
    file, folder = tmp_path / "file", tmp_path / "folder"
    for source in (file, folder):
        for target in (tmp_path / "taken", tmp_path / "full"):
            file.write_text("new")
            (folder / "new").mkdir(parents=True, exist_ok=True)
            (tmp_path / "taken").write_text("old")
            (tmp_path / "full" / "old").mkdir(parents=True, exist_ok=True)
            with pytest.raises(FileExistsError):
                disk.rename_new(source, target)
            assert (tmp_path / "taken").read_text() == "old"
            assert (tmp_path / "full" / "old").is_dir()
        disk.rename_new(source, tmp_path / f"{source.name}-renamed")
        assert not source.exists()
    assert (tmp_path / "file-renamed").read_text() == "new"
    assert (tmp_path / "folder-renamed" / "new").is_dir()
    assert disk.exchange(tmp_path / "taken", tmp_path / "full") == (has_call and _has_renameat2())


def _has_renameat2() -> bool:
    return disk._system_call() is not None


def test_without_exchanging_an_interruption_between_the_steps_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The earlier result stands beside the name, and the next process puts it back before it does anything else."""
    monkeypatch.setattr(disk, "_system_call", lambda: None)
    target = tmp_path / "out"
    for text in ("old", "new"):
        staged = StagedFolder(target, replaceable=lambda _folder: True)
        (staged.path / "text").write_text(text)
        staged.commit()
        assert (target / "text").read_text() == text
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
    target.rename(tmp_path / ".out.old-0a0a0a0a")
    with pytest.raises(StoreError, match="already exists"):
        StagedFolder(target, replaceable=None)
    assert (target / "text").read_text() == "new"


def test_scratch_is_swept_after_a_kill_and_never_that_of_the_living(tmp_path: Path) -> None:
    (tmp_path / ".pictures.partial-00000000").mkdir()
    with scratch_folder(tmp_path / "pictures") as folder:
        assert list(folder.iterdir()) == []
        assert sorted(path.name for path in tmp_path.iterdir()) == [".pictures.lock", folder.name]
        with pytest.raises(StoreError, match="is being written by process"), scratch_folder(tmp_path / "pictures"):
            pass
        assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_goes_whatever_happens(tmp_path: Path) -> None:
    def fail() -> None:
        with staged_file(tmp_path / "out", overwrite=False):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not lock_path(tmp_path / "out").exists()
    assert list(tmp_path.iterdir()) == []
