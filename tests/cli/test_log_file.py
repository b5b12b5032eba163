"""The log that a command leaves in the folder that it makes."""

from __future__ import annotations

import logging

import pytest

from poseharvest.cli.log_file import LOG_NAME, logged_steps
from poseharvest.progress import Progress

QUICK = ("--resolution", 32, "--detector-option", "skeleton=mpii16")


def lines(folder):
    return (folder / LOG_NAME).read_text().splitlines()


def test_what_was_asked_for_what_was_done_and_how_it_ended(run, footage):
    out = footage.folder / "out"
    arguments = ("harvest", footage.capture, "--detector", footage.keypoints, "--out", out, *QUICK)
    assert run(*arguments).code == 0
    first, *steps, last = lines(out)
    assert f"INFO poseharvest harvest {footage.capture} --detector {footage.keypoints} --out {out}" in first
    assert any("learning the limbs" in step for step in steps)
    assert any("selecting annotations" in step for step in steps)
    assert "INFO done, after " in last
    assert run(*arguments, "--overwrite", "--stop", 3).code == 0
    assert "--stop 3" in lines(out)[0]  # of the new folder


def test_a_harvest_with_faults_is_done_too(run, footage):
    (footage.folder / "poseharvest.toml").write_text("[harvest]\nstop = 4\n")
    out = footage.folder / "out"
    config = ("--config", footage.folder / "poseharvest.toml")
    run("harvest", footage.capture, "--detector", footage.keypoints, "--out", out, *QUICK, *config, "--strict")
    assert "--stop=4" in lines(out)[0]
    assert "done, after" in lines(out)[-1]


def test_a_folder_that_the_command_did_not_make_is_left_alone(run, footage):
    out = footage.folder / "mine"
    out.mkdir()
    (out / "notes.txt").touch()
    done = run("harvest", footage.capture, "--detector", footage.keypoints, "--out", out, *QUICK)
    assert done.code == 1
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


def test_a_command_that_fails_before_its_folder_leaves_nothing(run, tmp_path):
    assert run("harvest", tmp_path / "none", "--out", tmp_path / "out").code == 1
    assert list(tmp_path.iterdir()) == []


def test_handlers_do_not_pile_up(run, tmp_path):
    before = list(logging.getLogger("poseharvest").handlers)
    for _ in range(3):
        run("report", tmp_path / "none")
    assert logging.getLogger("poseharvest").handlers == before


def test_a_step_is_logged_once(caplog):
    records = []
    listener = logged_steps(records.append)
    with caplog.at_level(logging.INFO, logger="poseharvest.steps"):
        for done in range(50):
            listener(Progress(done, 50, f"looking, frame {done}"))
        listener(Progress(50, 50, "selecting"))
    assert len(records) == 51
    assert [record.getMessage() for record in caplog.records] == ["looking, frame 0 (0 of 50)", "selecting (50 of 50)"]


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [(), ("harvest",), ("audit",)])
def test_help_by_one_letter(run, command, flag):
    done = run(*command, flag)
    assert done.code == 0
    assert "Usage" in done.out
