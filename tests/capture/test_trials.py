"""Trials: folders of captures told from captures, with the calibration around them."""

from __future__ import annotations

import re

import pytest
import torch

from poseharvest.calibration.native import write_rig
from poseharvest.capture.trials import Trial, find_trials
from poseharvest.errors import CalibrationError, CaptureError, ConfigError
from poseharvest.simulation import random_rig


@pytest.fixture(scope="module")
def rig():
    return random_rig(2, torch.Generator().manual_seed(3))


def capture(folder, *parts, suffix="mp4"):
    for name in ("cam1", "cam2"):
        path = folder.joinpath(*parts, f"{name}.{suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize("parts", [(), ("videos",)])
def test_a_folder_of_captures(tmp_path, parts):
    for name in ("trial10", "trial2", ".hidden"):
        capture(tmp_path / name, *parts)
    (tmp_path / "notes").mkdir()
    capture(tmp_path / "calibration")
    assert [trial.name for trial in find_trials([tmp_path])] == ["trial2", "trial10"]


def test_folders_of_pictures(tmp_path):
    for trial in ("a", "b"):
        for view in ("cam1", "cam2"):
            (tmp_path / trial / view).mkdir(parents=True)
            (tmp_path / trial / view / "0.png").touch()
    assert [trial.name for trial in find_trials([tmp_path])] == ["a", "b"]
    assert find_trials([tmp_path / "a"]) is None


@pytest.mark.parametrize("parts", [(), ("videos",), ("images", "cam1")])
def test_a_capture_alone(tmp_path, parts):
    capture(tmp_path, *parts, suffix="png" if "images" in parts else "mp4")
    (tmp_path / "images" / "cam2").mkdir(parents=True, exist_ok=True)
    if "images" in parts:
        (tmp_path / "images" / "cam2" / "0.png").touch()
    assert find_trials([tmp_path]) is None


def test_a_folder_a_camera_is_a_capture(tmp_path):
    for view in ("cam1", "cam2"):
        (tmp_path / view).mkdir()
        (tmp_path / view / "film.mp4").touch()
    assert find_trials([tmp_path]) is None


def test_keypoints_alone_with_capture_toml(tmp_path):
    (tmp_path / "walk").mkdir()
    (tmp_path / "walk" / "capture.toml").touch()
    assert find_trials([tmp_path / "walk"]) is None
    assert [trial.name for trial in find_trials([tmp_path])] == ["walk"]


def test_nothing_is_one_capture_which_says_so_later(tmp_path):
    assert find_trials([tmp_path]) is None


def test_several_folders_in_the_order_in_which_they_are_named(tmp_path):
    paths = [capture(tmp_path / name, "videos") for name in ("b", "a")]
    project = tmp_path / "project"
    capture(project / "c", "videos")
    assert find_trials([*paths, project]) == (
        Trial("b", paths[0]),
        Trial("a", paths[1]),
        Trial("c", project / "c"),
    )


def test_the_calibration_around_them_is_of_those_that_have_none(tmp_path, rig):
    capture(tmp_path / "own", "videos")
    write_rig(rig, tmp_path / "own" / "mine.rig.json")
    capture(tmp_path / "other", "videos")
    (tmp_path / "calibration").mkdir()
    shared = tmp_path / "calibration" / "studio.rig.json"
    write_rig(rig, shared)
    assert find_trials([tmp_path]) == (
        Trial("other", tmp_path / "other", shared),
        Trial("own", tmp_path / "own", None),
    )


def test_a_calibration_that_cannot_be_used_is_not_replaced(tmp_path, rig):
    capture(tmp_path / "walk", "videos")
    write_rig(rig, tmp_path / "walk" / "a.rig.json")
    write_rig(random_rig(3, torch.Generator().manual_seed(4)), tmp_path / "walk" / "b.rig.json")
    write_rig(rig, tmp_path / "studio.rig.json")
    assert find_trials([tmp_path]) == (Trial("walk", tmp_path / "walk", None),)


def test_two_calibrations_around_them_are_named(tmp_path, rig):
    capture(tmp_path / "walk", "videos")
    write_rig(rig, tmp_path / "a.rig.json")
    write_rig(random_rig(3, torch.Generator().manual_seed(4)), tmp_path / "b.rig.json")
    with pytest.raises(CalibrationError, match=r"expected one calibration, found 2: a.rig.json, b.rig.json"):
        find_trials([tmp_path])


def test_two_of_one_name(tmp_path):
    paths = [capture(tmp_path / day / "walk", "videos") for day in ("monday", "tuesday")]
    named = re.escape(f'two of "walk": {paths[0]} and {paths[1]}')
    with pytest.raises(ConfigError, match=f"trials: expected one trial of each name, got {named}"):
        find_trials(paths)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CaptureError, match=r"none: expected a capture, .* got nothing"):
        find_trials([tmp_path / "none"])
