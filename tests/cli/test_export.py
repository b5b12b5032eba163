"""The command hands its options to the library and offers every format."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from harvest_kit import make_records, write_harvest
from poseharvest.cli.export import ExportFormat, export
from poseharvest.errors import ConfigError
from poseharvest.export.registry import EXPORTERS

_app = typer.Typer()
_app.command("export")(export)


def test_offers_every_format() -> None:
    assert [format.value for format in ExportFormat] == list(EXPORTERS)


def test_writes_what_was_asked_for(tmp_path: Path) -> None:
    write_harvest(tmp_path / "h", make_records(range(3)))
    out = tmp_path / "out.csv"
    arguments = [str(tmp_path / "h"), "--format", "csv", "--out", str(out), "--layout", "wide", "--unit", "m"]
    done = CliRunner().invoke(_app, arguments)
    assert done.exit_code == 0, done.output
    assert f"wrote {out}" in done.output
    assert out.read_text().startswith("frame,time_s,person,right_ankle_x_m,")


def test_option_of_another_format(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "h"), "--format", "csv", "--out", str(tmp_path / "out"), "--up", "y"]
    done = CliRunner().invoke(_app, arguments)
    assert isinstance(done.exception, ConfigError)
    assert 'got "up"' in str(done.exception)


def test_wrong_usage_exits_with_2(tmp_path: Path) -> None:
    done = CliRunner().invoke(_app, [str(tmp_path), "--format", "bvh", "--out", "x"])
    assert done.exit_code == 2


@pytest.mark.parametrize("option", ["--format", "--out", "--overwrite", "--unit", "--blank", "--up", "--file-names"])
def test_help_names_the_options(option: str) -> None:
    done = CliRunner().invoke(_app, ["--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0
    assert option in done.output
