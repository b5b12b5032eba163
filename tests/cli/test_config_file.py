"""`poseharvest.toml`: what it says is what flags would say, and flags come first."""

from __future__ import annotations

import json
import re

import pytest

from poseharvest.cli.config_file import CONFIG_NAME, ConfigFile, FileOption, config_path
from poseharvest.cli.lazy_commands import COMMANDS, LazyCommand, _options


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_every_command_has_a_key(command):
    flags = [max(one.opts, key=len) for one in LazyCommand(command).load().params]
    flags = {flag.removeprefix("--") for flag in flags if flag.startswith("--")}
    assert set(_options(command)) == flags - {"help", "config"}


def test_one_value_of_an_option_that_may_be_repeated_needs_no_list(tmp_path):
    option = FileOption(("--lens",), (), list[str])
    assert option.arguments("fisheye", "file: lens", tmp_path) == ["--lens=fisheye"]
    assert option.arguments(["full", "cam2=fisheye"], "file: lens", tmp_path) == ["--lens=full", "--lens=cam2=fisheye"]


def test_the_file_says_what_flags_would_say(run, footage, monkeypatch):
    monkeypatch.chdir(footage.folder)
    flags = (
        "--resolution",
        32,
        "--detector-option",
        "skeleton=mpii16",
        "--stop",
        4,
        "--people",
        "1",
        "--share",
        "0.5",
        "--keep-cameras",
        "--detector",
        footage.keypoints,
    )
    folder = footage.folder
    by_flags = run("harvest", footage.capture, "--out", folder / "flags", *flags)
    (folder / CONFIG_NAME).write_text(
        f"""
        detector = "{footage.keypoints}"
        detector-option = ["skeleton=mpii16"]
        [harvest]
        resolution = 32
        stop = 4
        people = 1
        share = 0.5
        keep_cameras = true
        out = "file"
        [report]
        [audit]
        strict = true
        """
    )
    by_file = run("harvest", footage.capture)
    assert (by_flags.code, by_file.code) == (0, 0), by_file.err
    assert f"{CONFIG_NAME}: detector = " in by_file.err
    options = [json.loads((folder / name / "harvest.json").read_text())["options"] for name in ("flags", "file")]
    assert options[0] == options[1]
    assert options[0]["stop"] == 4
    assert options[0]["keep_cameras"] is True


def test_a_flag_comes_before_the_file(run, footage, monkeypatch):
    monkeypatch.chdir(footage.folder)
    folder = footage.folder
    (folder / CONFIG_NAME).write_text("[harvest]\nresolution = 32\nstop = 2\nkeep-cameras = true\n")
    arguments = ("harvest", footage.capture, "--detector", footage.keypoints, "--out", folder / "h")
    done = run(*arguments, "--stop=5")
    assert done.code == 0, done.err
    assert "stop" not in done.err.splitlines()[0]
    options = json.loads((folder / "h" / "harvest.json").read_text())["options"]
    assert (options["stop"], options["keep_cameras"]) == (5, True)


def test_places_are_relative_to_the_file(run, folder):
    (folder / "project").mkdir()
    (folder / "project" / "mine.toml").write_text('weights = "w.onnx"\n[harvest]\nlimb-lengths = "subject.toml"\n')
    options = _options("harvest")
    values = ConfigFile.read(folder / "project" / "mine.toml", COMMANDS).values("harvest", options, dict)
    settings = {key: options[key].arguments(value, key, folder / "project") for key, value in values.items()}
    assert settings == {
        "weights": [f"--weights={folder / 'project' / 'w.onnx'}"],
        "limb-lengths": [f"--limb-lengths={folder / 'project' / 'subject.toml'}"],
    }
    assert options["out"].arguments("s3://bucket/a", "out", folder) == ["--out=s3://bucket/a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[harvest]\nrefin = 2", r'unknown option "refin"; did you mean "refine"\?'),
        ("[harvests]\nrefine = 2", r'expected the table of a command, got "harvests"; did you mean "harvest"\?'),
        ("devise = 'cpu'", r'no command has an option "devise"; did you mean "device"\?'),
        ("[harvest]\nsync = 1", "sync: expected true or false, got 1"),
        ("[harvest]\npeople = [1, 2]", r"people: expected one value, got \[1, 2\]"),
        ("[harvest]\ndetector-option = {a = 'b'}", "detector-option: expected a list, got {'a': 'b'}"),
        ("[harvest]\nstop = 1979-05-27", "stop: expected a text or a number"),
        ("[harvest", "not valid TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(run, folder, text, message):
    (folder / CONFIG_NAME).write_text(text)
    done = run("harvest", "nothing", "--out", "x")
    assert done.code == 1
    assert CONFIG_NAME in done.err
    assert re.search(message, done.err), done.err


def test_a_value_that_no_flag_takes_is_wrong_usage(run, folder):
    (folder / CONFIG_NAME).write_text("[harvest]\nrefine = 'much'\n")
    done = run("harvest", "nothing", "--out", "x")
    assert done.code == 2
    assert done.err.startswith(f"{CONFIG_NAME}: refine = much")
    assert "--refine" in done.err


def test_options_of_another_command_above_the_tables_are_left_alone(run, folder):
    (folder / CONFIG_NAME).write_text("detector = 'x'\n")
    done = run("report", "nothing")
    assert done.code == 1
    assert CONFIG_NAME not in done.err


def test_a_file_that_is_not_there_is_named(run, folder):
    done = run("report", "nothing", "--config", "none.toml")
    assert (done.code, done.err) == (1, "error: none.toml: cannot be read: No such file or directory\n")


def test_help_does_not_read_the_file(run, folder):
    (folder / CONFIG_NAME).write_text("[harvest")
    assert run("harvest", "--help").code == 0


def test_where_the_file_is(folder):
    assert config_path(["x"]) is None
    (folder / CONFIG_NAME).touch()
    assert str(config_path(["x"])) == CONFIG_NAME
    assert str(config_path(["x", "--config", "a"])) == "a"
    assert str(config_path(["--config=b"])) == "b"
