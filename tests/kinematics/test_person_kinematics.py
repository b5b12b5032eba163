"""A walk through OpenSim and beside it: both know the same knees; and what cannot be solved is named."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from harvest_kit import FRAME_RATE, make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError, FormatError
from poseharvest.export.markers import markers_of
from poseharvest.kinematics.kinematics_options import KinematicsOptions
from poseharvest.kinematics.motion_file import read_motion
from poseharvest.kinematics.person_kinematics import marker_weights, solve_person
from poseharvest.kinematics.person_track import PersonTrack
from poseharvest.skeleton.definitions import MPII16
from walker_kit import walking_pose

needs_opensim = pytest.mark.skipif(
    find_spec("opensim") is None, reason="needs OpenSim: pip install 'poseharvest[opensim]'"
)
_READ = """
import sys, opensim
opensim.Logger.setLevelString("error")
table = opensim.TimeSeriesTable(sys.argv[1])
print(*table.getColumnLabels())
for time, i in zip(table.getIndependentColumn(), range(table.getNumRows())):
    row = table.getRowAtIndex(i)
    print(repr(time), *(repr(row[j]) for j in range(table.getNumColumns())))
"""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """A walk, z up; nobody is found in frames 5 and 6."""
    records = make_records([*range(5), *range(7, 24)])
    walking = [
        replace(r, mean=torch.tensor(walking_pose(0.2 * r.frame)), cov=torch.eye(3).repeat(16, 1, 1) * 25.0)
        for r in records
    ]
    for record in walking:
        record.supported[:] = True
    return write_harvest(tmp_path_factory.mktemp("kinematics") / "walk", walking)


@pytest.fixture
def setups(shared_dir: Path) -> Path:
    folder = shared_dir / "opensim"
    if not folder.is_dir():
        pytest.skip(f"no OpenSim model at {folder}")
    return folder


def test_without_opensim_the_angles_between_the_joints_are_known(walk: Harvest, tmp_path: Path) -> None:
    person = solve_person(walk, tmp_path, KinematicsOptions())
    assert person.model is None
    assert person.up == "z"
    assert person.angles.frames.tolist() == list(range(24))
    knees = person.angles.degrees[:, person.angles.names.index("right_knee_flexion")]
    is_found = ~np.isin(np.arange(24), (5, 6))
    assert np.isfinite(knees[is_found]).all()
    assert np.isnan(knees[~is_found]).all()
    sigma = person.angles.sigma_deg[is_found]
    assert ((sigma > 0) | np.isnan(person.angles.degrees[is_found])).all()
    assert not any(tmp_path.iterdir())


def test_angles_that_are_hardly_known_are_named(tmp_path: Path) -> None:
    records = [replace(r, mean=torch.tensor(walking_pose(0.2 * r.frame))) for r in make_records(range(4))]
    wrist = MPII16.index("right_wrist")
    for record in records:
        record.supported[:] = True
        record.cov[:] = torch.eye(3) * 4
        record.cov[wrist] = torch.eye(3) * 150.0**2
    person = solve_person(write_harvest(tmp_path / "h", records), tmp_path, KinematicsOptions())
    (message,) = (f.message for f in person.findings if f.topic == "angles")
    assert message.startswith(
        "angles that are hardly known, with the median of their sigma in degrees: right_elbow_flexion "
    )
    assert "," not in message.partition("degrees: ")[2]


@needs_opensim
@pytest.mark.data
@pytest.mark.parametrize("weights", ["uncertainty", "setup"])
def test_the_models_knees_are_those_of_the_joints(weights: str, walk: Harvest, setups: Path, tmp_path: Path) -> None:
    options = KinematicsOptions(setups=setups, marker_weights=weights)  # type: ignore[arg-type]
    person = solve_person(walk, tmp_path, options)
    assert person.model is not None
    motion = person.model.motion
    np.testing.assert_allclose(motion.times_s, np.arange(24) / FRAME_RATE, atol=1e-6)
    for side, letter in (("right", "r"), ("left", "l")):
        ours = person.angles.degrees[:, person.angles.names.index(f"{side}_knee_flexion")]
        theirs = motion.values[:, motion.names.index(f"knee_angle_{letter}")]
        is_known = np.isfinite(ours)
        assert np.abs(ours - theirs)[is_known].mean() < 8
        assert np.corrcoef(ours[is_known], theirs[is_known])[0, 1] > 0.9
    assert person.model.marker_rms_mm < 40
    written = ["coordinates.mot", "markers.trc", "opensim.log", "scaled.osim"]
    assert sorted(path.name for path in tmp_path.iterdir()) == written
    messages = [finding.message for finding in person.findings]
    assert any("2 of 24 frames show no marker (from 0: 5-6)" in message for message in messages)
    assert any("foot; these segments keep the model's size" in message for message in messages)
    if weights == "setup":
        assert person.model.answer.tasks["LShoulder"] == 2


@needs_opensim
@pytest.mark.data
def test_opensims_own_reader_reads_the_motion(walk: Harvest, setups: Path, tmp_path: Path) -> None:
    solve_person(walk, tmp_path, KinematicsOptions(setups=setups))
    ours = read_motion(tmp_path / "coordinates.mot")
    command = [sys.executable, "-c", _READ, str(tmp_path / "coordinates.mot")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    labels, *rows = done.stdout.splitlines()
    assert tuple(labels.split()) == ours.names, done.stderr
    numbers = np.array([row.split() for row in rows], dtype=float)
    np.testing.assert_allclose(numbers[:, 0], ours.times_s)
    np.testing.assert_allclose(numbers[:, 1:], ours.values)


@needs_opensim
@pytest.mark.data
def test_a_model_that_was_scaled_before_is_moved_alone(walk: Harvest, setups: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    solve_person(walk, first, KinematicsOptions(setups=setups, mass_kg=55.0))
    again = solve_person(walk, second, KinematicsOptions(model=first / "scaled.osim"))
    assert again.model is not None
    assert not again.model.answer.scales
    assert again.model.marker_rms_mm < 40
    assert not (second / "scaled.osim").exists()


@needs_opensim
@pytest.mark.data
def test_half_the_size_halves_the_scale_factors(setups: Path, tmp_path: Path) -> None:
    factors = []
    for name, size in (("whole", 1.0), ("half", 0.5)):
        (tmp_path / name).mkdir()
        records = make_records(range(6))
        poses = [replace(r, mean=size * torch.tensor(walking_pose(0.2 * r.frame))) for r in records]
        harvest = write_harvest(tmp_path / f"h_{name}", poses)
        person = solve_person(harvest, tmp_path / name, KinematicsOptions(setups=setups))
        assert person.model is not None
        factors.append(person.model.answer.scales)
    assert set(factors[0]) == set(factors[1])
    for name, factor in factors[0].items():
        assert factors[1][name] == pytest.approx(factor / 2, rel=1e-6)


@needs_opensim
@pytest.mark.data
def test_a_model_without_these_markers_is_named(walk: Harvest, setups: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="OpenSim: the model has none of the markers Hip, RHip"):
        solve_person(walk, tmp_path, KinematicsOptions(model=setups / "Model_Pose2Sim_simple.osim"))


@needs_opensim
@pytest.mark.data
def test_what_no_marker_shows_is_left_out_and_named(setups: Path, tmp_path: Path) -> None:
    """A seated person whose legs nobody sees, and whose right wrist is lost for a while."""
    records = [replace(r, mean=torch.tensor(walking_pose(0.2 * r.frame))) for r in make_records(range(8))]
    for record in records:
        legs = [number for number, joint in enumerate(MPII16.joints) if "knee" in joint or "ankle" in joint]
        record.supported[:] = True
        record.supported[legs] = False
        record.supported[MPII16.index("right_wrist")] = record.frame not in {3, 4}
    harvest = write_harvest(tmp_path / "h", records)
    (tmp_path / "k").mkdir()
    person = solve_person(harvest, tmp_path / "k", KinematicsOptions(setups=setups))
    assert person.model is not None
    idle = person.model.answer.idle
    assert {"knee_angle_r", "hip_flexion_l", "ankle_angle_r", "wrist_flex_r"} <= set(idle)
    assert not {"elbow_flex_r", "arm_flex_l", "pelvis_tx", "pelvis_rotation"} & set(idle)
    assert not set(idle) & set(person.model.motion.names)
    messages = [finding.message for finding in person.findings]
    assert any("in 2 of 8 frames (from 0: 3-4) a joint has no position (right_wrist)" in one for one in messages)
    assert any(one.startswith("coordinates that no marker shows keep the model's values") for one in messages)
    assert any(one.startswith("angles without a value in any frame") for one in messages)


@needs_opensim
def test_a_file_that_is_no_model_is_named(walk: Harvest, tmp_path: Path) -> None:
    path = tmp_path / "no.osim"
    path.write_text("<no>model</no>")
    with pytest.raises(FormatError, match=r"no.osim: OpenSim"):
        solve_person(walk, tmp_path, KinematicsOptions(model=path))


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="mass_kg: expected a mass of a person in kg, got -3"):
        KinematicsOptions(mass_kg=-3)
    with pytest.raises(ConfigError, match='marker_weights: expected one of uncertainty, setup, got "none"'):
        KinematicsOptions(marker_weights="none")  # type: ignore[arg-type]


def test_an_unsure_joint_weighs_less_and_the_mean_is_1() -> None:
    joints = ("right_knee", "left_knee", "left_shoulder", "right_shoulder")
    sigma = np.array([5.0, 40.0, 10.0, 10.0])
    covariances = np.tile(np.eye(3)[None] * sigma[:, None, None] ** 2, (9, 1, 1, 1))
    covariances[::2, 1] = np.nan
    points = np.zeros((9, 4, 3))
    track = PersonTrack(0, joints, np.arange(9), np.arange(9) / 50, points, covariances)
    weights = marker_weights(track, markers_of(joints, "pose2sim"))
    assert np.mean(list(weights.values())) == pytest.approx(1)
    assert weights["RKnee"] / weights["LKnee"] == pytest.approx((20**2 + 40**2) / (20**2 + 5**2))
    assert weights["Neck"] / weights["RShoulder"] == pytest.approx((20**2 + 10**2) / (20**2 + 50))
