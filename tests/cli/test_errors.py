"""What a person gets who gives a command something wrong: one line that names the flag or the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.main import get_command

from harvest_kit import make_records, write_harvest
from poseharvest.cli import flags
from poseharvest.cli.app import app
from poseharvest.cli.flags import in_flags

_PROGRAM = get_command(app)
_COMMANDS = _PROGRAM.commands


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a harvest, a file and an empty folder."""
    path = tmp_path_factory.mktemp("errors")
    write_harvest(path / "harvest", make_records([2, 3, 9]))
    (path / "file").write_text("hello")
    (path / "empty").mkdir()
    return path


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_option_is_named_by_its_flag(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flags, "get_command", lambda _: _PROGRAM)  # made anew for every option it takes seconds
    for parameter in _COMMANDS[name].load().params:
        flag = max(parameter.opts, key=len)
        message = in_flags(f"{parameter.name}: expected a: b", app, [name, "x", "--y"])
        assert message == (f"{flag}: expected a: b" if flag.startswith("--") else f"{parameter.name}: expected a: b")


@pytest.mark.parametrize("message", ["share.json: expected a file", "nothing", "C:\\share: expected", ""])
def test_what_is_no_option_stays(message: str) -> None:
    assert in_flags(message, app, ["harvest", "x"]) == message
    assert in_flags("share: expected", app, ["--verbose"]) == "share: expected"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("export", "harvest", "--format", "coco", "--out", "o", "--box-margin", "-1"),
            "--box-margin: expected 0 or more",
        ),
        (("export", "harvest", "--format", "trc", "--out", "o", "--person", "7"), "--person: expected one of 0, got 7"),
        (
            ("export", "harvest", "--format", "trc", "--out", "o", "--gaps", "x"),
            "--gaps: expected one of fill, empty, skip",
        ),
        (
            ("export", "harvest", "--format", "csv", "--out", "file"),
            "choose another output, or ask to overwrite it (--ov",
        ),
        (("export", "harvest", "--format", "csv", "--out", "empty"), "empty: already exists: it is not a file"),
        (("harvest", "empty", "--out", "o", "--share", "2"), "--share: expected a number from 0 to 1"),
        (("harvest", "empty", "--out", "o", "--start", "5", "--stop", "5"), "got 5 to 5 (--start, --stop)"),
        (("harvest", "empty", "--out", "o", "--tolerance-mm", "-1"), "--tolerance-mm: expected a positive number"),
        (("train3d", "harvest", "--out", "o"), "found no folder there: name it with --capture"),
        (("evaluate", "harvest", "--json", "empty"), "empty: already exists: it is not a file"),
        (("evaluate", "harvest", "--json", "harvest/harvest.json/a"), "/a: cannot be written: Not a directory"),
        (("predict", "empty", "empty", "--out", "o", "--boxes", "none"), "none: boxes cannot be read"),
    ],
)
def test_one_line_that_names_it(run, arguments: tuple[str, ...], message: str, folder: Path, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    done = run(*arguments)
    assert done.code == 1
    assert message in done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["empty", "file", "harvest"]


def test_a_harvest_without_three_frames_in_a_row_is_evaluated(run, folder: Path) -> None:
    assert run("evaluate", folder / "harvest").code == 0
