from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from poseharvest.calibration.h36m import write_h36m
from poseharvest.calibration.native import write_rig
from poseharvest.calibration.opencv_yaml import write_opencv_yaml
from poseharvest.calibration.panoptic import write_panoptic
from poseharvest.calibration.registry import FORMATS, find_calibration, read_calibration, recognise
from poseharvest.calibration.rig_audit import audit_rig
from poseharvest.calibration.toml_cameras import write_toml
from poseharvest.calibration.voxelpose import write_voxelpose
from poseharvest.errors import CalibrationError, ConfigError, FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.units import MM_PER_UNIT

SIZES = {f"cam{i:02d}": (720, 1280) for i in range(3)}
WRITERS = {
    "rig": write_rig,
    "toml": write_toml,
    "h36m": write_h36m,
    "panoptic": write_panoptic,
    "voxelpose": write_voxelpose,
}


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_every_format_is_recognised_by_its_content(tmp_path, rig, assert_same_rig, name):
    path = tmp_path / "cameras.txt"  # the name says nothing
    WRITERS[name](rig, path)
    assert recognise(path) == name
    assert_same_rig(read_calibration(path, image_sizes=SIZES), rig)
    assert_same_rig(read_calibration(tmp_path, image_sizes=SIZES), rig)


def test_easymocap_s_pair_is_one_calibration(tmp_path, rig, assert_same_rig):
    write_opencv_yaml(rig, tmp_path)
    assert find_calibration(tmp_path) == tmp_path / "intri.yml"
    assert_same_rig(read_calibration(tmp_path), rig)


def test_a_calibration_in_a_folder_of_its_own(tmp_path, rig):
    (tmp_path / "videos").mkdir()
    (tmp_path / "calibration").mkdir()
    write_toml(rig, tmp_path / "calibration" / "calib.toml")
    (tmp_path / "capture.toml").write_text('[views]\ncam00 = "left"\n')
    (tmp_path / "notes.txt").write_text("Tuesday")
    assert find_calibration(tmp_path) == tmp_path / "calibration" / "calib.toml"


def test_no_calibration(tmp_path):
    (tmp_path / "notes.txt").write_text("Tuesday")
    (tmp_path / "capture.toml").write_text("frame_rate = 60\n")
    with pytest.raises(
        CalibrationError, match=r"expected a calibration, found none: none of capture.toml, notes.txt is one"
    ):
        find_calibration(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CalibrationError, match=r"found none: there is no file of its kind \(formats: rig, toml"):
        read_calibration(tmp_path / "empty")
    with pytest.raises(
        CalibrationError, match=r"nothing.toml: expected a calibration file or folder, found nothing there"
    ):
        read_calibration(tmp_path / "nothing.toml")


def test_two_calibrations(tmp_path, rig):
    moved = Rig(tuple(replace(camera, translation=camera.translation + 10) for camera in rig))
    write_toml(moved, tmp_path / "old.toml")
    write_panoptic(rig, tmp_path / "new.json")
    with pytest.raises(
        CalibrationError,
        match=r"expected one calibration, found 2: new.json, old.toml: say which one to use .--calibration",
    ):
        read_calibration(tmp_path)
    assert len(read_calibration(tmp_path / "old.toml")) == 3


@pytest.mark.data
def test_the_balance_capture_has_two(shared_dir):
    with pytest.raises(CalibrationError, match=r"calibration/calib_qualisys.toml, calibration/calib_scene.toml"):
        find_calibration(shared_dir / "captures/balance")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"people": []}', "expected a calibration, got a file of keypoints, no calibration: name the calibration"),
        ('{"intrinsics": 3}', 'not a calibration of a known format, nearest to h36m: no "intrinsics" and "extrinsics"'),
        ('{"a": 3}', f"not a calibration of a known format: expected one of {', '.join(FORMATS)}, got '{{\"a\": 3}}'"),
        ("[1,", "not a calibration of a known format: not valid JSON at line 1: Expecting value"),
    ],
)
def test_a_file_of_another_kind_says_what_it_is(tmp_path, text, message):
    path = tmp_path / "poses.json"
    path.write_text(text)
    with pytest.raises(CalibrationError) as caught:
        read_calibration(path)
    assert str(caught.value) == f"poses.json: {message}"


def test_a_picture_is_no_calibration(tmp_path):
    path = tmp_path / "frame.txt"
    path.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF not text")
    with pytest.raises(
        CalibrationError, match=r"frame.txt: not a calibration .* expected a text file, got binary data"
    ):
        read_calibration(path)


def test_a_truncated_calibration_in_a_folder_says_where(tmp_path, rig):
    path = tmp_path / "calib.toml"
    write_toml(rig, path)
    path.write_text(path.read_text()[:250])
    with pytest.raises(CalibrationError, match=r"calib.toml: not a calibration .*toml: not valid TOML: .*line"):
        read_calibration(tmp_path)
    with pytest.raises(FormatError, match=r"calib.toml: not valid TOML"):
        read_calibration(path, format="toml")


def test_fewer_than_two_cameras(tmp_path, rig):
    write_toml(rig.subset(["cam01"]), tmp_path / "calib.toml")
    with pytest.raises(CalibrationError, match=r"calib.toml: expected at least two cameras, got 1 \(cam01\)"):
        read_calibration(tmp_path)


def test_unknown_formats_and_units(tmp_path, rig):
    write_toml(rig, tmp_path / "calib.toml")
    with pytest.raises(CalibrationError, match=r'calibration format: expected one of rig, toml, .*, got "qtm"'):
        read_calibration(tmp_path, format="qtm")
    with pytest.raises(ConfigError, match='unit: expected one of mm, cm, m, got "inch"'):
        read_calibration(tmp_path, unit="inch")


@pytest.mark.parametrize("unit", ["mm", "cm", "m"])
def test_units_are_as_told(tmp_path, rig, assert_same_rig, unit):
    write_toml(rig, tmp_path / "calib.toml", unit=unit)
    assert_same_rig(read_calibration(tmp_path, unit=unit), rig)


def test_metres_given_as_millimetres_are_found_by_the_audit(tmp_path, rig):
    write_toml(rig, tmp_path / "calib.toml", unit="m")
    findings = audit_rig(read_calibration(tmp_path, unit="mm"))
    assert [finding.severity for finding in findings] == ["error"]
    assert "are metres given as millimetres? try unit=m" in findings[0].message


@pytest.mark.parametrize("name", ["toml", "panoptic", "h36m"])
def test_the_default_unit_is_the_format_s(tmp_path, rig, name):
    assert FORMATS[name].default_unit in MM_PER_UNIT
    WRITERS[name](rig, tmp_path / "calib.json")
    found = read_calibration(tmp_path, unit=FORMATS[name].default_unit, image_sizes=SIZES)
    assert float((found.cameras[0].center - rig.cameras[0].center).norm()) < 1e-6


def test_the_page_of_formats_knows_only_formats_that_there_are():
    page = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    start = page.index("| `format` |")
    table = [[cell.strip(" `") for cell in line.split("|")] for line in page[start:].split("\n\n")[0].splitlines()[2:]]
    assert {row[1] for row in table} <= set(FORMATS)
    assert [row for row in table if row[3].split(",")[0] != FORMATS[row[1]].default_unit] == [
        row
        for row in table
        if "FreeMoCap" in row[2]  # told from the files themselves
    ]
    assert len(table) > 8
