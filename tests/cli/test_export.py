"""The command hands its options to the library and offers every format."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from harvest_kit import make_records, write_harvest
from poseharvest.cli.derived_options import option_fields
from poseharvest.cli.export import export
from poseharvest.errors import ConfigError
from poseharvest.export.registry import EXPORTERS
from poseharvest.motion import MotionOptions

_app = typer.Typer()
_app.command("export")(export)


@pytest.fixture(scope="module")
def help_text() -> str:
    done = CliRunner().invoke(_app, ["--help"], env={"COLUMNS": "1000", "NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0
    return " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize("name", EXPORTERS)
def test_offers_every_format_with_its_options(name: str, help_text: str) -> None:
    assert f"{name}: {EXPORTERS[name].description}." in help_text
    for field in option_fields(EXPORTERS[name].options):
        assert f"--{field.name.replace('_', '-')}" in help_text
        assert field.help.lower().rstrip(".") in help_text.lower()


def test_help_says_which_formats_have_an_option(help_text: str) -> None:
    assert "bvh, c3d, csv, gltf, rerun, trc: the capture's first frame to write, from 0 (by default 0)." in help_text
    assert "OpenSim reads m and mm (mm, cm, m; by default m)." in help_text
    assert "if not given, the end of the capture." in help_text
    assert "--source" not in help_text  # a capture is no word


def test_writes_what_was_asked_for(tmp_path: Path) -> None:
    write_harvest(tmp_path / "h", make_records(range(3)))
    out = tmp_path / "out.csv"
    arguments = [str(tmp_path / "h"), "--format", "csv", "--out", str(out), "--layout", "wide", "--unit", "m"]
    done = CliRunner().invoke(_app, arguments)
    assert done.exit_code == 0, done.output
    assert f"wrote {out}" in done.output
    assert out.read_text().startswith("frame,time_s,person,right_ankle_x_m,")


def test_findings_are_the_last_lines(tmp_path: Path) -> None:
    write_harvest(tmp_path / "h", make_records([0, 1, 4]))
    arguments = [str(tmp_path / "h"), "--format", "trc", "--out", str(tmp_path / "a.trc")]
    lines = CliRunner().invoke(_app, arguments).output.splitlines()
    assert lines[0] == f"wrote {tmp_path / 'a.trc'}"
    assert any(line.startswith("warning: 2 of 5 frames show no marker (from 0: 2-3)") for line in lines[1:])
    assert lines[-1].startswith("note: markers are called as the joints are")


def test_options_for_spreadsheets(tmp_path: Path) -> None:
    write_harvest(tmp_path / "h", make_records(range(3)))
    out = tmp_path / "out.csv"
    arguments = [str(tmp_path / "h"), "--format", "csv", "--out", str(out), "--decimal", ",", "--bom", "--start", "1"]
    done = CliRunner().invoke(_app, arguments)
    assert done.exit_code == 0, done.output
    assert out.read_bytes().startswith(b"\xef\xbb\xbfframe;time_s;person;joint;x_mm;")
    assert out.read_text("utf-8-sig").splitlines()[1].startswith("1;0,02;0;right_ankle;")


def test_option_of_another_format(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "h"), "--format", "csv", "--out", str(tmp_path / "out"), "--up", "y"]
    done = CliRunner().invoke(_app, arguments)
    assert isinstance(done.exception, ConfigError)
    assert 'got "up"' in str(done.exception)


def test_wrong_usage_exits_with_2(tmp_path: Path) -> None:
    done = CliRunner().invoke(_app, [str(tmp_path), "--format", "fbx", "--out", "x"])
    assert done.exit_code == 2


@pytest.mark.parametrize("option", ["--format", "--out", "--overwrite", "--unit", "--blank", "--up", "--file-names"])
def test_help_names_the_options(option: str) -> None:
    done = CliRunner().invoke(_app, ["--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0
    assert option in done.output


def test_smooth_positions_can_be_refused(tmp_path: Path, help_text: str) -> None:
    assert "--smooth --no-smooth" in help_text
    write_harvest(tmp_path / "h", make_records(range(12)), motion=MotionOptions())
    texts = []
    for flags in ([], ["--smooth"], ["--no-smooth"]):
        out = tmp_path / f"{len(texts)}.trc"
        arguments = [str(tmp_path / "h"), "--format", "trc", "--out", str(out), *flags]
        done = CliRunner().invoke(_app, arguments)
        assert done.exit_code == 0, done.output
        texts.append(out.read_text())
    assert texts[0] == texts[1] != texts[2]
