"""The command `report`."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from poseharvest.cli.report import report
from poseharvest.errors import StoreError
from walker_kit import Recipe, write_walk

app = typer.Typer()
app.command()(report)


def test_it_writes_the_page_and_says_where(tmp_path: Path) -> None:
    harvest = write_walk(tmp_path / "h", Recipe(num_frames=2, pictured=()))
    result = CliRunner().invoke(app, [str(harvest.path)])
    assert result.exit_code == 0
    assert result.output.strip() == f"wrote {harvest.path / 'report' / 'index.html'}"
    assert (harvest.path / "report" / "index.html").is_file()


def test_out_names_another_file(tmp_path: Path) -> None:
    harvest = write_walk(tmp_path / "h", Recipe(num_frames=2, pictured=()))
    result = CliRunner().invoke(app, [str(harvest.path), "--out", str(tmp_path / "deep" / "page.html")])
    assert result.exit_code == 0
    assert (tmp_path / "deep" / "page.html").is_file()
    assert not (harvest.path / "report").exists()


def test_a_missing_harvest_is_our_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "none")])
    assert isinstance(result.exception, StoreError)
    with pytest.raises(StoreError, match="there is no such folder"):
        raise result.exception


def test_help_names_the_options() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "--out" in result.output
    assert "--overwrite" in result.output
