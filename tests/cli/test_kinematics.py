"""`poseharvest kinematics`: what it writes of one person and of several, what it says, and the goal on real footage."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import typer
from typer.testing import CliRunner

from harvest_kit import make_records, write_harvest
from poseharvest.cli.derived_options import option_fields
from poseharvest.cli.kinematics import kinematics
from poseharvest.errors import ConfigError, StoreError
from poseharvest.kinematics.kinematics_options import KinematicsOptions
from walker_kit import walking_pose

_app = typer.Typer()
_app.command("kinematics")(kinematics)


def lines_of(*arguments: object) -> list[str]:
    done = CliRunner().invoke(_app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


@pytest.fixture(scope="module")
def walkers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Persons 0 and 3, who walk apart from each other."""
    records = make_records(range(6), persons=(0, 3))
    for record in records:
        record.mean[:] = torch.tensor(walking_pose(0.2 * record.frame)) + torch.tensor([
            0.0,
            700.0 * record.person,
            0.0,
        ])
    path = tmp_path_factory.mktemp("kinematics") / "h"
    write_harvest(path, records)
    return path


def test_everyone_has_a_folder_and_tables_that_agree(walkers: Path, tmp_path: Path) -> None:
    lines = lines_of(walkers, "--out", tmp_path / "k")
    assert lines[0] == "person 0: 15 angles, 6 frames"
    assert any(line.startswith("wrote ") for line in lines)
    for person in ("person0", "person3"):
        folder = tmp_path / "k" / person
        assert sorted(p.name for p in folder.iterdir()) == ["angles.csv", "angles.parquet", "angles.svg"]
        table = pq.read_table(folder / "angles.parquet")
        with (folder / "angles.csv").open(newline="") as stream:
            rows = list(csv.reader(stream))
        assert rows[0] == table.column_names
        assert rows[0][:4] == ["frame", "time_s", "right_hip_flexion_deg", "right_hip_flexion_sigma_deg"]
        for number, name in enumerate(table.column_names):
            cells = [float(row[number]) if row[number] else None for row in rows[1:]]
            assert cells == table.column(name).to_pylist()
        assert (folder / "angles.svg").read_text().startswith("<svg xmlns=")
    record = json.loads((tmp_path / "k" / "kinematics.json").read_text())
    assert [person["person"] for person in record["people"]] == [0, 3]
    assert record["people"][0]["up"] == "z"
    page = (tmp_path / "k" / "index.html").read_text()
    assert "Person 3" in page
    assert "knee flexion, degrees" in page


def test_one_of_them_in_some_frames(walkers: Path, tmp_path: Path) -> None:
    lines_of(walkers, "--out", tmp_path / "k", "--person", 3, "--start", 2, "--stop", 5, "--up", "z")
    assert not (tmp_path / "k" / "person0").exists()
    assert pq.read_table(tmp_path / "k" / "person3" / "angles.parquet").column("frame").to_pylist() == [2, 3, 4]


def test_an_earlier_output_is_replaced_only_if_asked(walkers: Path, tmp_path: Path) -> None:
    lines_of(walkers, "--out", tmp_path / "k", "--person", 0)
    with pytest.raises(StoreError, match="exists"):
        lines_of(walkers, "--out", tmp_path / "k", "--person", 3)
    assert (tmp_path / "k" / "person0").is_dir()
    lines_of(walkers, "--out", tmp_path / "k", "--person", 3, "--overwrite")
    assert not (tmp_path / "k" / "person0").exists()
    (tmp_path / "other").mkdir()
    with pytest.raises(StoreError):
        lines_of(walkers, "--out", tmp_path / "other", "--overwrite")


def test_one_of_several_who_has_no_position_is_an_error_of_his_own(tmp_path: Path) -> None:
    records = make_records(range(4), persons=(0, 1))
    for record in records:
        record.supported[:] = record.person == 0
    write_harvest(tmp_path / "h", records)
    lines = lines_of(tmp_path / "h", "--out", tmp_path / "k")
    assert any(line.startswith("error: person 1 has no angles: blank: expected a joint") for line in lines)
    with pytest.raises(ConfigError, match="blank: expected a joint of person 1"):
        lines_of(tmp_path / "h", "--out", tmp_path / "k1", "--person", 1)
    assert not (tmp_path / "k1").exists()


@pytest.mark.skipif(find_spec("opensim") is not None, reason="OpenSim is installed")
def test_without_opensim_the_error_says_what_to_install(walkers: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pip install 'poseharvest\[opensim\]'"):
        lines_of(walkers, "--out", tmp_path / "k", "--setups", tmp_path)


def test_help_has_every_option() -> None:
    done = CliRunner().invoke(_app, ["--help"], env={"COLUMNS": "1000", "NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0
    text = " ".join(done.output.replace("│", " ").split())
    for field in option_fields(KinematicsOptions):
        assert f"--{field.name.replace('_', '-')}" in text
        assert field.help.rstrip(".") in text


@pytest.mark.skipif(find_spec("opensim") is None, reason="needs OpenSim: pip install 'poseharvest[opensim]'")
@pytest.mark.slow
@pytest.mark.data
def test_the_balance_capture_goes_through_opensim(run, shared_dir: Path, tmp_path: Path) -> None:
    """Goal: scaling and inverse kinematics over all frames, markers within 25 mm of the model's (root mean square)."""
    balance, setups = shared_dir / "captures" / "balance", shared_dir / "opensim"
    if not balance.is_dir() or not setups.is_dir():
        pytest.skip(f"needs {balance} and {setups}")
    calibration, keypoints = balance / "calibration" / "calib_scene.toml", balance / "openpose"
    detector = ("--detector", keypoints, "--detector-option", "frame_offset=1")
    done = run("harvest", balance, "--calibration", calibration, *detector, "--out", tmp_path / "h")
    assert done.code == 0, done.err
    done = run("kinematics", tmp_path / "h", "--out", tmp_path / "k", "--setups", setups)
    assert done.code == 0, done.err
    (person,) = json.loads((tmp_path / "k" / "kinematics.json").read_text())["people"]
    assert person["model"]["frames"] == person["frames"] == 99
    assert person["model"]["marker_rms_mm"] < 25
    assert len(person["model"]["marker_errors_mm"]) == 21
    angles = pq.read_table(tmp_path / "k" / "person0" / "angles.parquet")
    coordinates = pq.read_table(tmp_path / "k" / "person0" / "coordinates.parquet")
    assert coordinates.column("frame").to_pylist() == angles.column("frame").to_pylist()
    for side, letter in (("right", "r"), ("left", "l")):
        ours = np.array(angles.column(f"{side}_knee_flexion_deg"))
        theirs = np.array(coordinates.column(f"knee_angle_{letter}_deg"))
        assert np.corrcoef(ours, theirs)[0, 1] > 0.9
        assert np.abs(ours - theirs).mean() < 10
