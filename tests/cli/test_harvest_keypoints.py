"""`poseharvest harvest` from a calibration and keypoint files alone, and options by view."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.calibration.native import read_rig
from poseharvest.evaluation.pose_error import pose_errors
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton_file import read_skeleton

QUICK = (
    "--resolution",
    32,
    "--stop",
    4,
    "--detector-option",
    "layout=body_25b",
    "--detector-option",
    "skeleton=mpii16",
)


@pytest.fixture
def alone(footage):
    """The folder of a calibration with the keypoints in it."""
    shutil.rmtree(footage.capture / "videos")
    shutil.copytree(footage.keypoints, footage.capture / "pose")
    return footage


def arguments(footage, *more):
    detector = footage.capture / "pose"
    return ("harvest", footage.capture, "--detector", detector, "--out", footage.folder / "out", *QUICK, *more)


def test_a_calibration_and_keypoints_are_a_capture(run, alone):
    done = run(*arguments(alone))
    assert done.code == 0, done.err
    assert "4 of 6 frames, 3 views" in done.out
    assert "no footage: the capture is taken from keypoint files and calibration alone" in done.out
    assert "30 frames per second are assumed; say --frame-rate, or frame_rate in capture.toml" in done.out
    harvest = Harvest.open(alone.folder / "out")
    assert pose_errors(harvest, alone.truth).mean_mm < 60
    assert harvest.info.capture.frame_rate == 30
    assert [(view.height, view.width) for view in harvest.info.views] == [(240, 320)] * 3
    assert harvest.preview_frames == ()
    assert (alone.folder / "out" / "report" / "index.html").stat().st_size > 10_000
    assert harvest.info.detector.details["numbers"]["cam1"] == {"count": 6, "first": 0, "last": 5, "offset": 0}


@pytest.mark.parametrize("where", ["option", "capture.toml"])
def test_the_frame_rate_may_be_said(run, alone, where):
    if where == "capture.toml":
        (alone.capture / "capture.toml").write_text("frame_rate = 25\n")
    done = run(*arguments(alone, *(("--frame-rate", 25) if where == "option" else ()), "--resolution", 16))
    assert done.code == 0, done.err
    assert "assumed" not in done.out
    assert Harvest.open(alone.folder / "out").info.capture.frame_rate == 25


def test_cameras_without_keypoints_are_left_out_and_views_can_be_chosen(run, alone):
    shutil.rmtree(alone.capture / "pose" / "cam2")
    done = run(*arguments(alone, "--resolution", 16))
    assert done.code == 0, done.err
    assert Harvest.open(alone.folder / "out").view_names == ("cam1", "cam3")
    wrong = run(*arguments(alone, "--views", "cam1,cam2"))
    assert "expected views with keypoints (cam1, cam3), got without: cam2" in wrong.err


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.calibration.unlink(), "expected a calibration"),
        (lambda f: shutil.rmtree(f.capture / "pose"), 'error: --detector: expected "efficientpose", '),
        (lambda f: [shutil.rmtree(f.capture / "pose" / name) for name in ("cam1", "cam2")], "of at least two views"),
        (
            lambda f: (f.capture / "pose" / "cam3").rename(f.capture / "pose" / "cam4"),
            'no calibrated camera for footage "cam4"',
        ),
    ],
)
def test_what_is_missing_is_named(run, alone, spoil, message):
    spoil(alone)
    done = run(*arguments(alone))
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert message in done.err


def test_a_network_needs_footage(run, alone):
    done = run("harvest", alone.capture, "--detector", "hourglass", "--out", alone.folder / "out")
    assert done.code == 1
    assert "expected videos/NAME.mp4" in done.err


def test_an_offset_of_one_view_sets_that_view_right(run, footage):
    folder = footage.folder / "pose"
    shutil.copytree(footage.keypoints, folder)
    for path in sorted((folder / "cam2").iterdir(), reverse=True):
        number = int(path.name.split("_")[1])
        path.rename(path.with_name(f"cam2_{number + 20:012d}_keypoints.json"))
    call = ("harvest", footage.capture, "--detector", folder, "--out", footage.folder / "out", *QUICK)
    right = run(*call, "--detector-option", "frame_offset.cam2=-20")
    assert right.code == 0, right.err
    harvest = Harvest.open(footage.folder / "out")
    assert pose_errors(harvest, footage.truth).mean_mm < 60
    assert harvest.info.detector.details["frame_offset"] == {"cam2": -20}
    stored = json.loads((footage.folder / "out" / "harvest.json").read_text())["detector"]["details"]["numbers"]
    assert stored["cam2"] == {"count": 6, "first": 20, "last": 25, "offset": -20}
    unknown = run(*call, "--detector-option", "frame_offset.cam9=1")
    assert "frame_offset: expected views of cam1, cam2, cam3, got cam9" in unknown.err
    both = run(*call, "--detector-option", "frame_offset=1", "--detector-option", "frame_offset.cam2=1")
    assert "one of the two for a name" in both.err


PUPPET = {
    "hub": "pelvis",
    "top": "thorax",
    "ball": "head_top",
    "left_string": "left_elbow",
    "right_string": "right_elbow",
    "left_leg": "left_knee",
    "right_leg": "right_knee",
}
"""Joints of a puppet that no person has, and whose places of the simulated person they take."""

SKELETON = """
name = "puppet"
joints = ["ball", "top", "hub", "left_string", "right_string", "left_leg", "right_leg"]
limbs = [
  ["hub", "top"], ["top", "ball"], ["top", "left_string"], ["top", "right_string"], ["hub", "left_leg"],
  ["hub", "right_leg"],
]
flip_pairs = [["left_string", "right_string"], ["left_leg", "right_leg"]]
"""


def test_a_skeleton_of_one_s_own_is_harvested(run, footage):
    path = footage.folder / "puppet.toml"
    path.write_text(SKELETON)
    skeleton = read_skeleton(path)
    truth = footage.truth[:, [MPII16.index(PUPPET[joint]) for joint in skeleton.joints]]
    for camera in read_rig(footage.calibration).at(0):
        (footage.capture / "pose" / camera.name).mkdir(parents=True)
        for frame, pose in enumerate(truth):
            rows = [value for x, y in camera.project(pose).pixels.tolist() for value in (x, y, 0.9)]
            file = footage.capture / "pose" / camera.name / f"{frame:06d}_keypoints.json"
            file.write_text(json.dumps({"people": [{"pose_keypoints_2d": rows}]}))
    shutil.rmtree(footage.capture / "videos")
    out = footage.folder / "out"
    command = ("harvest", footage.capture, "--detector", footage.capture / "pose", "--out", out, "--resolution", 32)
    done = run(*command, "--skeleton", path)
    assert done.code == 0, done.err
    harvest = Harvest.open(out)
    assert harvest.skeleton == skeleton
    found = torch.stack([row.annotations.mean for row in harvest.iter_selected()])
    assert (found - truth).norm(dim=-1).mean() < 60
    assert "ball" in (out / "report" / "index.html").read_text()


def test_a_skeleton_is_for_keypoints_and_onnx_models(run, footage):
    done = run("harvest", footage.capture, "--out", "x", "--detector", "hourglass", "--skeleton", "mpii16")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert 'got "skeleton"' in done.err


def test_whom_to_follow_by_flag_and_by_capture_toml(run, footage):
    nowhere = f"{next(footage.keypoints.iterdir()).name}:-900,-900"
    quick = ("--detector", footage.keypoints, "--resolution", 32, "--detector-option", "skeleton=mpii16")
    done = run("harvest", footage.capture, "--out", footage.folder / "out", *quick, "--follow", nowhere)
    assert done.code == 1
    assert done.err.startswith(f"error: --follow: {nowhere}: nobody is at this place in frame 0: the middles of those ")
    (footage.capture / "capture.toml").write_text(f'follow = "{nowhere}"\n')
    done = run("harvest", footage.capture, "--out", footage.folder / "out", *quick)
    assert "nobody is at this place" in done.err
    for more in (("--follow", "longest"), ("--people", "all")):
        done = run("harvest", footage.capture, "--out", footage.folder / f"out{more[1]}", *quick, *more)
        assert done.code == 0, done.err
