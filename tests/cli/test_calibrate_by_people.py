"""The command `calibrate --from-people` and `harvest --refine-cameras`, on a real capture by its keypoints."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.formats import read_file
from poseharvest.cli.app import app
from study.seen_joints import rig_error


def run(*arguments):
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    return result.exit_code, " ".join((result.output + (str(result.exception) if result.exception else "")).split())


@pytest.mark.data
@pytest.mark.slow
def test_a_real_capture_is_calibrated_by_its_person(shared_dir, tmp_path):
    capture = shared_dir / "captures" / "balance"
    calibration = capture / "calibration" / "calib_scene.toml"
    options = ("--detector", capture / "openpose", "--detector-option", "frame_offset=1")
    out = tmp_path / "cameras"
    code, output = run(
        "calibrate", capture, "--from-people", "--intrinsics", calibration, *options,
        "--limb", "left_knee-left_ankle=395", "--world", "person", "--out", out,
    )  # fmt: skip
    assert code == 0, output
    assert "all lengths rest on left_knee-left_ankle of 395 mm" in output
    assert "the person stands in one place" in output
    found, true = (read_file(path, ReadOptions()) for path in (out / "calibration.toml", calibration))
    names = [f"int_{name}_img" for name in found.names]
    error = rig_error(found, true.subset(names), with_scale=False, names=dict(zip(found.names, names, strict=True)))
    assert error.scale == pytest.approx(1, abs=0.03)
    assert error.angle_deg.max() < 2
    assert error.place_mm.max() < 150
    record = json.loads((out / "calibration.json").read_text())
    assert record["source"] == "people"
    assert record["error_px"]["median"] < 7.5
    assert "<h1>balance</h1>" in (out / "report.html").read_text()
    again, refused = run("calibrate", capture, "--from-people", "--intrinsics", calibration, *options, "--out", out)
    assert again == 1
    assert "--overwrite" in refused


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (("--height", 1700), "height: expected --from-people with this option"),
        (("--from-people", "--square-mm", 50), "square_mm: expected no option of a board with --from-people, got 50.0"),
        (("--from-people", "--lens", "k1"), "lens: expected no option of a board with --from-people, got ['k1']"),
        (("--from-people", "--limb", "knee"), "limb: expected a name and mm, such as left_hip-left_knee=430"),
        (("--from-people", "--camera-distance", "a=x"), "camera_distance: expected a name and mm, such as cam01,cam02"),
        (("--from-people", "--height", 17), "height: expected the height of a person, 650 to 2400 mm, got 17"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, options, match):
    code, output = run("calibrate", tmp_path, "--out", tmp_path / "out", *options)
    assert code == 1
    assert match in output


def test_keypoints_without_footage_need_lenses(tmp_path):
    people = {"people": [{"pose_keypoints_2d": np.ones(51).tolist()}]}
    for view in ("a", "b"):
        folder = tmp_path / "capture" / "keypoints" / f"{view}_json"
        folder.mkdir(parents=True)
        (folder / f"{view}.0000.json").write_text(json.dumps(people))
    code, output = run(
        "calibrate", tmp_path / "capture", "--from-people", "--detector", tmp_path / "capture" / "keypoints",
        "--detector-option", "layout=coco17", "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 1
    assert "--intrinsics with lenses, got neither" in output


def test_the_help_names_the_options():
    code, output = run("calibrate", "--help")
    assert code == 0
    for option in ("--from-people", "--height", "--limb", "--camera-distance", "--world"):
        assert option in output
    code, output = run("harvest", "--help")
    assert code == 0
    assert "--refine-cameras" in output


@pytest.mark.data
@pytest.mark.slow
def test_a_harvest_refines_its_cameras_and_says_so(shared_dir, tmp_path):
    capture = shared_dir / "captures" / "balance"
    calibration = capture / "calibration" / "calib_scene.toml"
    before = calibration.read_bytes()
    out = tmp_path / "harvest"
    code, output = run(
        "harvest", capture, "--calibration", calibration, "--detector", capture / "openpose", "--detector-option",
        "frame_offset=1", "--stop", 60, "--refine-cameras", "--out", out,
    )  # fmt: skip
    assert code == 0, output
    assert calibration.read_bytes() == before
    info = json.loads((out / "harvest.json").read_text())
    assert any("cameras are refined by the people" in finding["message"] for finding in info["findings"])
    refined = read_file(out / "refined_cameras.toml", ReadOptions())
    rig = json.loads((out / "rig.json").read_text())
    used = {camera["name"]: np.asarray(camera["translation"]) for camera in rig["cameras"]}
    for camera in refined:
        np.testing.assert_allclose(np.ravel(used[camera.name]), camera.translation.numpy(), atol=0.1)
