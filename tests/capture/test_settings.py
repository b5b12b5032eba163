"""`capture.toml`: its keys, and the messages about mistakes in it."""

from __future__ import annotations

import json
import tomllib

import pytest

from poseharvest.capture.per_view import parse_scale
from poseharvest.capture.settings import (
    CaptureSettings,
    Offset,
    override_settings,
    parse_offset,
    read_settings,
    timing_of,
    with_timing,
)
from poseharvest.errors import ConfigError


def write(folder, text):
    (folder / "capture.toml").write_text(text, encoding="utf-8")
    return folder


def test_without_a_file_all_is_default(tmp_path):
    assert read_settings(tmp_path) == CaptureSettings()


def test_every_key_is_read(tmp_path):
    text = """
    calibration = "calibration/scene.toml"
    calibration_format = "pose2sim"
    unit = "m"
    follow = "longest"
    subject = "S9"
    camera_type = "hd"
    footage = "videos"
    views = ["cam01", "cam02"]
    time_zero = "first_picture"
    frame_rate = 60
    reference = "cam01"
    image_rate = 25.0
    on_damage = "drop"
    rotate = 90
    scale.cam02 = 0.5
    turn = 180
    [names]
    cam01 = "int_cam01_img"
    [offsets]
    cam01 = 0.25
    cam02 = "-3 frames"
    [clock_rates]
    cam02 = 1.00002
    """
    settings = read_settings(write(tmp_path, text))
    assert settings.model_fields_set == set(CaptureSettings.model_fields)
    assert settings.calibration == tmp_path / "calibration/scene.toml"
    assert settings.views == ("cam01", "cam02")
    assert settings.names == {"cam01": "int_cam01_img"}
    assert (settings.rotate.of("cam01"), settings.scale.of("cam01"), settings.scale.of("cam02")) == (90, 1.0, 0.5)
    assert settings.offsets == {"cam01": Offset(0.25, "s"), "cam02": Offset(-3, "frames")}
    assert settings.clock_rates == {"cam02": 1.00002}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("offset = 3", 'capture.toml: unknown key "offset"; did you mean "offsets"'),
        ('frame_rte = "x"', 'unknown key "frame_rte"; did you mean "frame_rate"'),
        ("zzzzzz = 1", 'unknown key "zzzzzz"; known keys: calibration, '),
        ('unit = "inch"', "\"unit\": Input should be 'mm', 'cm' or 'm', got 'inch'"),
        ("frame_rate = -1", '"frame_rate": Input should be greater than 0, got -1'),
        ("frame_rate = nan", '"frame_rate": Input should be '),
        ("rotate = 45", '"rotate": expected 0, 90, 180 or 270 degrees clockwise, got 45'),
        ("[rotate]\ncam01 = true", '"rotate": expected 0, 90, 180 or 270 degrees clockwise, got {'),
        ("scale = 0", '"scale": expected a positive factor such as 0.5, got 0'),
        ('scale = "1/0"', '"scale": expected a positive factor'),
        ('on_damage = "ignore"', "\"on_damage\": Input should be 'error' or 'drop', got 'ignore'"),
        ('[offsets]\ncam01 = "soon"', "\"offsets.cam01\": expected seconds, as in 0.25 .* got 'soon'"),
        ("[offsets]\ncam01 = true", '"offsets.cam01": expected seconds'),
        ("[offsets]\ncam01 = inf", '"offsets.cam01": expected seconds, .* got inf'),
        ("[clock_rates]\ncam01 = 0", '"clock_rates.cam01": Input should be greater than 0.5, got 0'),
        ("[names]\ncam01 = 1", '"names.cam01": Input should be a valid string, got 1'),
        ("frame_rate = ", "capture.toml: not valid TOML: "),
    ],
)
def test_a_mistake_is_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        read_settings(write(tmp_path, text))


@pytest.mark.parametrize(
    ("value", "offset"),
    [
        (2, Offset(2.0)),
        (-0.5, Offset(-0.5)),
        ("0.5", Offset(0.5)),
        ("1.5e-1 s", Offset(0.15)),
        ("+2 seconds", Offset(2.0)),
        (" -3 frames ", Offset(-3.0, "frames")),
        ("1 frame", Offset(1.0, "frames")),
        (Offset(4.0, "frames"), Offset(4.0, "frames")),
    ],
)
def test_offsets(value, offset):
    assert parse_offset(value) == offset


@pytest.mark.parametrize("value", [10**400, "9e999 s", float("nan"), True, "soon", None])
def test_what_is_no_offset_is_refused(value):
    with pytest.raises(ValueError, match="expected seconds"):
        parse_offset(value)


@pytest.mark.parametrize("value", [10**400, "1e999/3", f"{10**400}/3", "1/0", True])
def test_what_is_no_factor_is_refused(value):
    with pytest.raises(ValueError, match=r"expected a positive factor such as 0\.5"):
        parse_scale(value)


def test_offsets_in_frames_are_frames_of_the_view():
    assert Offset(3, "frames").seconds(60.0) == pytest.approx(0.05)
    assert Offset(3).seconds(60.0) == 3


def test_overrides_go_first_and_none_changes_nothing(tmp_path):
    settings = read_settings(write(tmp_path, 'unit = "m"\nframe_rate = 25\n[offsets]\na = "1 frame"'))
    result = override_settings(settings, {"unit": "mm", "views": None, "offsets": {"b": 1}})
    assert result.unit == "mm"
    assert result.frame_rate == 25
    assert result.views is None
    assert result.offsets == {"b": Offset(1.0)}
    assert override_settings(settings, {}) == settings


def test_a_wrong_override_is_named():
    with pytest.raises(ConfigError, match="capture options: \"unit\": Input should be 'mm', 'cm' or 'm'"):
        override_settings(CaptureSettings(), {"unit": "feet"})


def test_timing_is_what_a_file_could_say():
    text = """
    time_zero = "first_picture"
    frame_rate = 60
    reference = "cam01"
    views = ["cam01", "cam02"]
    [offsets]
    cam01 = 0.25
    cam02 = "-3 frames"
    [clock_rates]
    cam02 = 1.00002
    """
    settings = CaptureSettings.model_validate(tomllib.loads(text))
    timing = timing_of(settings)
    assert with_timing(CaptureSettings(), timing) == settings.model_copy(update={"views": None})
    assert with_timing(settings, {}) == CaptureSettings(views=("cam01", "cam02"))
    assert timing_of(CaptureSettings()) == {}
    assert json.loads(json.dumps(timing)) == timing
