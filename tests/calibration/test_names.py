from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.calibration.names import match_names, share_a_part
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
        (["A", "B", "C"], ["vid1-camA", "vid1-camB", "vid1-camC"]),
        (["1", "2", "3", "4"], [f"trial2_cam{i}_2024-01-03" for i in range(1, 5)]),
        (["int_left1_img", "int_right2_img"], ["2024-05-03_left_trial4", "2024-05-03_right_trial7"]),
        (["0", "1", "2"], [f"Camera_00{i}_synchronized" for i in range(3)]),
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


def test_a_camera_without_footage_is_left_out():
    assert match_names(["cam1", "cam2", "cam3"], ["cam1", "cam2"]) == {"cam1": "cam1", "cam2": "cam2"}


def test_footage_without_a_camera():
    with pytest.raises(
        CalibrationError,
        match=r'no calibrated camera for footage "drone"; calibrated are "a", "b", .*under \[names\]: .* by --views$',
    ):
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
        CalibrationError, match='footage "left_right" may be any of "left", "right": expected one; calibrated are'
    ):
        match_names(["left", "right"], ["left_right", "other"])
    with pytest.raises(CalibrationError, match='calibrated "left_1" may be any of "cam_1", "cam_left": expected one'):
        match_names(["left_1", "b"], ["cam_left", "cam_1"])


def test_a_camera_s_number_goes_before_a_trial_s():
    met = match_names(["cam1", "cam2", "cam3", "cam4"], ["cam1_t4", "cam2_t5"])
    assert met == {"cam1": "cam1_t4", "cam2": "cam2_t5"}
    with pytest.raises(
        CalibrationError, match=r'no footage for calibrated "cam2" and no calibrated camera for .*cam4"'
    ):
        match_names(["cam1", "cam2"], ["take2_cam1", "take3_cam4"])


def test_the_last_names_left_are_a_pair():
    assert match_names(["cam1", "cam2"], ["cam1", "GX010042"]) == {"cam1": "cam1", "cam2": "GX010042"}
    assert not share_a_part("cam2", "GX010042")
    assert share_a_part("cam2", "trial2")
    with pytest.raises(CalibrationError, match='no footage for calibrated "b", "c" and no calibrated camera for'):
        match_names(["a", "b", "c"], ["a", "x"])


SEPARATORS = st.sampled_from(["_", "-", ".", " ", "__"])
WORDS = st.sampled_from([
    "int",
    "img",
    "ext",
    "walk",
    "Trial2",
    "S01",
    "P03",
    "2024-05-03",
    "20240503_120000",
    "take 7",
])
CAMERAS = st.sampled_from([
    ["A", "B", "C"],
    ["camA", "camB", "camC", "camD"],
    ["cam1", "cam2", "cam10"],
    ["01", "02", "03", "04", "05"],
    ["left", "right", "front"],
    ["54138969", "55011271", "58860488", "60457274"],
    ["00_00", "00_01", "00_10"],
])


@given(
    names=CAMERAS,
    before=st.lists(WORDS, max_size=3),
    after=st.lists(WORDS, max_size=3),
    separator=SEPARATORS,
    data=st.data(),
)
def test_decorated_names_meet_their_cameras(names, before, after, separator, data):
    """Words, dates and trial numbers in all names of a side do not prevent a match."""
    footage = [separator.join([*before, name, *after]) for name in names]
    order = data.draw(st.permutations(footage))
    expected = dict(zip(names, footage, strict=True))
    assert match_names(names, order) == expected
    assert match_names(footage, names) == {take: camera for camera, take in expected.items()}


@given(names=CAMERAS, before=st.lists(WORDS, max_size=2), separator=SEPARATORS, lost=st.integers(0, 20))
def test_no_camera_meets_another_s_footage(names, before, separator, lost):
    """With missing names on one side, a name matches the right name or none."""
    footage = [separator.join([*before, name]) for name in names]
    remaining = [name for i, name in enumerate(names) if i != lost % len(names)]
    assert match_names(names, [footage[names.index(name)] for name in remaining]) == {
        name: footage[names.index(name)] for name in remaining
    }


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


def test_unmatched_names_may_be_left_out():
    names = ["int_cam1_img", "int_cam2_img"]
    assert match_names(names, ["cam2", "cam3"], allow_unmatched=True) == {"int_cam2_img": "cam2"}


@pytest.mark.data
def test_the_balance_capture_s_names_meet(shared_dir):
    capture = shared_dir / "captures/balance"
    footage = [path.stem for path in sorted((capture / "videos").glob("*.mp4"))]
    for name in ("calib_scene.toml", "calib_qualisys.toml"):
        rig = read_calibration(capture / "calibration" / name)
        assert list(match_names(rig.names, footage).values()) == ["cam01", "cam02", "cam03", "cam04"]
