"""A run keeps its folder's name claimed, and an earlier run until it has finished."""

from __future__ import annotations

from pathlib import Path

import pytest

from poseharvest.errors import StoreError, TrainingError
from poseharvest.storage.record import Record
from poseharvest.storage.run_folder import RunFolder

FORMAT = "a format"


def finished_run(path: Path) -> RunFolder:
    run = RunFolder(path, "run.json", FORMAT)
    with run.running({"seed": 1}, overwrite=False, resume=False):
        (path / "weights").write_text("old")
        run.write({"finished": True, "seed": 1})
    return run


def test_an_earlier_result_lies_beside_the_folder_until_the_new_one_is_finished(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "out")

    def interrupted(*, overwrite: bool) -> None:
        with run.running({"seed": 2}, overwrite=overwrite, resume=not overwrite):
            raise KeyboardInterrupt

    for overwrite in (True, False, True):
        with pytest.raises(KeyboardInterrupt):
            interrupted(overwrite=overwrite)
        (old,) = tmp_path.glob(".out.old-*")
        assert (old / "weights").read_text() == "old"
        assert Record(old / "run.json", FORMAT).read() == {"format": FORMAT, "version": 1, "finished": True, "seed": 1}
    with run.running({"seed": 2}, overwrite=False, resume=True):
        run.write({"finished": True, "seed": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "out", "run.json", FORMAT)
    with (
        run.running({}, overwrite=False, resume=False),
        pytest.raises(StoreError, match="is being written by process"),
        run.running({}, overwrite=False, resume=True),
    ):
        pass


def test_a_folder_with_nothing_but_remains_is_free(tmp_path: Path) -> None:
    (tmp_path / "out" / ".run.json.partial-0a0b0c0d").mkdir(parents=True)
    (tmp_path / "out" / ".run.json.lock").write_text("{}")
    (tmp_path / "out" / ".run.json.lock").unlink()
    finished_run(tmp_path / "out")


def test_another_request_is_refused(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "out")
    with (
        pytest.raises(TrainingError, match="was begun with seed 1, asked for is 2: resume with the same options"),
        run.running({"seed": 2}, overwrite=False, resume=True),
    ):
        pass
