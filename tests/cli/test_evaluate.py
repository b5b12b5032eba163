"""The command `evaluate`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from poseharvest.annotations.reader import Harvest
from poseharvest.cli.evaluate import evaluate
from poseharvest.errors import StoreError
from poseharvest.selection.recalibration import Recalibration
from poseharvest.skeleton.definitions import MPII16
from truth_kit import true_walk, write_truth
from walker_kit import Recipe, write_walk

app = typer.Typer()
app.command()(evaluate)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    return write_walk(tmp_path_factory.mktemp("walk") / "h", Recipe(num_frames=12, pictured=()))


def test_without_truth_it_explains_and_prints(walk):
    result = CliRunner().invoke(app, [str(walk.path), "--all"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    for title in ("LEAVE ONE CAMERA OUT", "LIMB LENGTHS", "LEFT AND RIGHT", "SMOOTHNESS"):
        assert title in result.output
    assert "A camera far above the others is suspect" in " ".join(result.output.split())
    assert "m/s^2" in result.output


def test_a_verdict_and_one_screen(walk, tmp_path):
    truth = write_truth(tmp_path / "truth.csv", true_walk(12), MPII16.joints)
    result = CliRunner().invoke(app, [str(walk.path), "--truth", str(truth)], env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("verdict: ")
    assert len(lines) <= 45
    every = CliRunner().invoke(app, [str(walk.path), "--truth", str(truth), "--all"], env={"COLUMNS": "200"}).output
    titles = re.findall(r"^\n?([A-Z][A-Z ]+)$", every, re.MULTILINE)
    assert len(titles) >= 5
    assert all(title.lower() in result.output.lower() for title in titles)
    assert "--all prints every number" in result.output


def test_with_truth_json_and_recalibration(walk, tmp_path):
    truth = write_truth(tmp_path / "truth.csv", true_walk(12), MPII16.joints)
    arguments = ["--truth", str(truth), "--json", str(tmp_path / "e.json"), "--recalibrate", str(tmp_path / "r.json")]
    result = CliRunner().invoke(app, [str(walk.path), *arguments, "--all"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "MPJPE, alignment centroid, 16 joints, 12 frames, mm" in result.output
    assert json.loads((tmp_path / "e.json").read_text())["checks"][0]["name"] == "error"
    assert Recalibration.read(tmp_path / "r.json").fitted_on == str(walk.path)


def test_against_another(walk):
    arguments = [str(walk.path), "--against", str(walk.path), "--all"]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert "AGREEMENT WITH H" in result.output


def test_recalibration_needs_the_truth(walk, tmp_path):
    result = CliRunner().invoke(app, [str(walk.path), "--recalibrate", str(tmp_path / "r.json")])
    assert result.exit_code == 2
    assert "needs --truth" in result.output


def test_a_missing_harvest_is_our_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "none")])
    assert isinstance(result.exception, StoreError)


def test_help_names_the_options() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for option in ("--truth", "--against", "--json", "--recalibrate", "--approximate"):
        assert option in result.output
