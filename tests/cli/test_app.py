"""The program: its commands, its help, its exit codes."""

from __future__ import annotations

import runpy
import subprocess
import sys

import pytest
from typer.main import get_command

import poseharvest
from poseharvest.cli.app import app
from poseharvest.cli.lazy_commands import COMMANDS, LazyCommand


def test_the_commands_are_there():
    assert {"demo", "harvest", "report", "export", "audit"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run, command):
    done = run(command, "--help")
    assert done.code == 0
    assert not done.err
    assert "Usage" in done.out
    assert len(done.out.splitlines()) > 5


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_every_word_of_its_texts(run, command):
    """Rich takes brackets in help texts for markup and swallows them."""
    shown = " ".join(run(command, "--help", columns=1000).out.replace("│", " ").split())
    found = get_command(app).commands[command].load()
    texts = [found.help, *(parameter.help for parameter in found.params)]
    for text in texts:
        for line in (text or "").split("\n\n"):
            assert " ".join(line.replace("\\[", "[").split()) in shown


def test_the_program_lists_its_commands(run):
    done = run("--help")
    assert done.code == 0
    assert all(command in done.out for command in COMMANDS)


def test_the_program_s_help_imports_no_command():
    code = "import sys; sys.argv = ['poseharvest', '--help']; from poseharvest.cli.app import main; main()"
    code = f"import atexit, sys; atexit.register(lambda: print('heavy', 'torch' in sys.modules)); {code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy False"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_the_function_of_its_module(command):
    lazy = LazyCommand(command)
    loaded = lazy.load()
    assert (loaded.name, loaded.help.splitlines()[0]) == (command, lazy.help)


def test_the_version(run):
    assert run("--version").out.strip() == poseharvest.__version__


@pytest.mark.parametrize(
    "arguments", [("dance",), ("harvest",), ("export", "x", "--format", "fbx", "--out", "y"), ("demo", "--frames", 3)]
)
def test_wrong_usage_exits_with_2(run, arguments):
    done = run(*arguments)
    assert done.code == 2
    assert "Usage" in done.err


@pytest.mark.parametrize(
    "arguments", [("report", "none"), ("export", "none", "--format", "csv", "--out", "y"), ("audit", "none")]
)
def test_our_errors_are_one_line_and_exit_with_1(run, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.code == 1
    assert done.err.startswith("error: none: ")
    assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "status", "output"),
    [
        (
            ("audit", "none"),
            1,
            "error: none: expected a capture, a folder with footage and a calibration, got nothing\n",
        ),
        (("audit",), 2, None),
        (("--version",), 0, ""),
    ],
)
def test_the_installed_program_ends_as_the_shell_expects(arguments, status, output, tmp_path):
    """In a process of its own: no traceback, one line, its exit code."""
    command = [sys.executable, "-c", "from poseharvest.__main__ import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=60)
    assert done.returncode == status
    assert done.stderr.startswith("Usage: ") if output is None else done.stderr == output
    assert done.stdout == ("" if status else f"{poseharvest.__version__}\n")


def test_python_runs_the_package(monkeypatch, capsys):
    """As `python -m` does, but in this process: another would import everything anew."""

    def run_module(argument):
        monkeypatch.setattr(sys, "argv", ["poseharvest", argument])
        with pytest.raises(SystemExit) as end:
            runpy.run_module("poseharvest", run_name="__main__", alter_sys=True)
        return end.value.code, capsys.readouterr()

    code, output = run_module("--version")
    assert not code
    assert output.out.strip() == poseharvest.__version__
    code, output = run_module("dance")
    assert code == 2
    assert "Usage: python -m poseharvest" in output.err


@pytest.mark.slow
def test_the_demo_of_the_simulated_detector_shows_a_harvest(run, tmp_path):
    command = ("demo", "--simulated-detector", "--out", tmp_path / "demo", "--frames", 8)
    done = run(*command)
    assert done.code == 0, done.err
    assert "8 of 8 frames, 4 views" in done.out
    assert "error against the known truth, no alignment, 128 joints: mean" in done.out
    again = run(*command)
    assert again.code == 1
    assert "already exists" in again.err
