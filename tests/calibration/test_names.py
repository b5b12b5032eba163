from __future__ import annotations

import random

import pytest

from poseharvest.calibration.names import match_names
from poseharvest.calibration.registry import read_calibration
from poseharvest.errors import CalibrationError


@pytest.mark.parametrize(
    ("calibrated", "footage"),
    [
        (["A", "B"], ["A", "B"]),
        (["Left", "RIGHT"], ["left", "Right"]),
        ([f"int_cam0{i}_img" for i in range(1, 5)], [f"cam0{i}" for i in range(1, 5)]),
        ([f"cam_0{i}" for i in range(1, 5)], [f"cam0{i}" for i in range(1, 5)]),
        (["cam1", "cam2", "cam10", "cam11"], ["cam1", "cam2", "cam10", "cam11"]),
        (["cam1", "cam2", "cam10", "cam12"], ["take_cam1", "take_cam2", "take_cam10", "take_cam12"]),
        (["cam1", "cam10"], ["camera-01", "camera-10"]),
        (["port_0", "port_1", "port_2"], ["cam_0", "cam_1", "cam_2"]),
        (["00_00", "00_01", "00_10"], ["hd_00_00", "hd_00_01", "hd_00_10"]),
        (["01_01", "01_02", "02_01"], ["vga_01_01", "vga_01_02", "vga_02_01"]),
        (["0", "1", "2"], ["Camera0", "Camera1", "Camera2"]),
        (["54138969", "55011271"], ["Directions.54138969", "Directions.55011271"]),
        (["left_gopro", "right_gopro"], ["2023_left_take4", "2023_right_take4"]),
        (["cam1", "cam2"], ["take2_cam1", "take1_cam2"]),
        (["cam1", "cam2", "spare"], ["cam1", "CAM2", "my_spare"]),
        (["kamera_süd", "kamera_nord"], ["Süd", "Nord"]),
    ],
)
def test_names_meet(calibrated, footage):
    expected = dict(zip(calibrated, footage, strict=True))
    shuffled = footage.copy()
    random.Random(4).shuffle(shuffled)
    assert match_names(calibrated, shuffled) == expected
    assert list(match_names(calibrated, shuffled)) == calibrated
    assert match_names(footage, calibrated) == {take: camera for camera, take in expected.items()}


def test_a_camera_without_footage():
    with pytest.raises(
        CalibrationError,
        match='no footage for calibrated "cam3"; calibrated are "cam1", "cam2", "cam3", footage is "cam1", "cam2"',
    ):
        match_names(["cam1", "cam2", "cam3"], ["cam1", "cam2"])


def test_footage_without_a_camera():
    with pytest.raises(CalibrationError, match='no calibrated camera for footage "drone"; calibrated are "a", "b"'):
        match_names(["a", "b"], ["a", "b", "drone"])


def test_cam1_is_not_cam10():
    with pytest.raises(
        CalibrationError, match='no footage for calibrated "cam1" and no calibrated camera for footage "cam10"'
    ):
        match_names(["cam1", "cam2"], ["cam10", "cam2"])
    with pytest.raises(CalibrationError, match='no footage for calibrated "cam1"'):
        match_names(["cam1", "left"], ["cam10", "left"])  # "cam" is unique here, yet the numbers contradict
    with pytest.raises(CalibrationError, match='no footage for calibrated "cam1"'):
        match_names(["cam1"], ["cam10"])


def test_two_candidates_are_named():
    with pytest.raises(
        CalibrationError, match='footage "take2_cam1" may be any of "cam1", "cam2": expected one; calibrated are'
    ):
        match_names(["cam1", "cam2"], ["take2_cam1", "take3_cam4"])
    with pytest.raises(CalibrationError, match='calibrated "left_1" may be any of "cam_1", "cam_left": expected one'):
        match_names(["left_1", "b"], ["cam_left", "cam_1"])


def test_names_that_differ_only_in_case_stay_apart():
    assert match_names(["A", "a"], ["a", "A"]) == {"A": "A", "a": "a"}
    with pytest.raises(CalibrationError, match="no footage for calibrated"):
        match_names(["Cam", "cAm"], ["cam", "other"])


def test_a_part_that_all_names_share_decides_nothing():
    with pytest.raises(CalibrationError, match='no footage for calibrated "cam_x", "cam_y"'):
        match_names(["cam_x", "cam_y"], ["cam_1", "cam_2"])


def test_repeated_names_are_refused():
    with pytest.raises(CalibrationError, match="footage must be unique, got twice: a"):
        match_names(["a", "b"], ["a", "a"])


def test_long_lists_are_cut():
    with pytest.raises(CalibrationError, match=r'"v11" and 18 more'):
        match_names([f"v{i}" for i in range(30)], ["w"])


@pytest.mark.data
def test_the_balance_capture_s_names_meet(shared_dir):
    capture = shared_dir / "captures/balance"
    footage = [path.stem for path in sorted((capture / "videos").glob("*.mp4"))]
    for name in ("calib_scene.toml", "calib_qualisys.toml"):
        rig = read_calibration(capture / "calibration" / name)
        assert list(match_names(rig.names, footage).values()) == ["cam01", "cam02", "cam03", "cam04"]
