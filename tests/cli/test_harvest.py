"""`poseharvest harvest` and `audit`, from files to files; and everything that a folder can have wrong."""

from __future__ import annotations

import io
import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harvest_kit import small_disk
from poseharvest.annotations.reader import Harvest
from poseharvest.cli.app import main
from poseharvest.evaluation.pose_error import pose_errors
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.rules import SelectionRule, selection_rule

# The skeleton of the truth: what stands for feet and face here is none of it.
QUICK = ("--resolution", 32, "--detector-option", "layout=body_25b", "--detector-option", "skeleton=mpii16")


def arguments(footage, *more):
    """A harvest that needs no weights."""
    return ("harvest", footage.capture, "--detector", footage.keypoints, "--out", footage.folder / "out", *QUICK, *more)


def test_from_footage_to_a_harvest_with_its_report(run, footage):
    done = run(*arguments(footage))
    assert done.code == 0, done.err
    assert not done.err
    out = footage.folder / "out"
    assert re.search(r"6 of 6 frames, 3 views, [1-6] of 6 poses show 95 % of the postures", done.out)
    assert f"harvest: {out}" in done.out
    assert f"report:  {out / 'report' / 'index.html'}" in done.out
    assert (out / "report" / "index.html").stat().st_size > 10_000
    harvest = Harvest.open(out)
    assert harvest.info.capture.path == str(footage.capture)
    detector = harvest.info.detector
    assert detector.name == "keypoints"
    assert set(detector.details) == {"path", "rows", "frame_offset", "numbers", "sigma_px"}
    assert {"left_wrist", "left_eye"} <= set(detector.details["rows"])
    assert harvest.preview_frames == tuple(range(6))
    assert pose_errors(harvest, footage.truth).mean_mm < 60


def test_more_or_fewer_pictures_are_kept(run, footage):
    done = run(*arguments(footage, "--report-pictures", 3))
    assert done.code == 0, done.err
    assert Harvest.open(footage.folder / "out").preview_frames == (1, 3, 5)
    assert run(*arguments(footage, "--report-pictures", -1, "--overwrite")).code == 2


def test_a_cluster_needs_ray(run, footage, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    done = run(*arguments(footage, "--ray", "local"))
    assert done.code == 1
    assert done.err.strip().endswith("--ray: needs Ray: pip install poseharvest[ray]")
    assert not (footage.folder / "out").exists()


def test_options_reach_the_library(run, footage):
    lengths = footage.folder / "subject.toml"
    first = run(*arguments(footage, "--stop", 4))
    assert first.code == 0, first.err
    info = Harvest.open(footage.folder / "out").info
    lines = [f'"{limb}" = {length + 1:.3f}' for limb, length in info.limb_lengths_mm.items()]
    lengths.write_text("[limb_lengths_mm]\n" + "\n".join(lines) + "\n")
    boxes = footage.folder / "boxes.csv"
    boxes.write_text("frame,view,x,y,width,height\n" + "".join(f"1,cam{i},0,0,320,240\n" for i in (1, 2, 3)))
    command = (
        "--limb-lengths",
        lengths,
        "--boxes",
        boxes,
        "--floor",
        0.02,
        "--height-power",
        2,
        "--tolerance-mm",
        90,
        "--share",
        0.5,
    )
    done = run(*arguments(footage, *command, "--measure", "trace", "--start", 1, "--stop", 4, "--overwrite"))
    assert done.code == 0, done.err
    harvest = Harvest.open(footage.folder / "out")
    info = harvest.info
    assert [record.frame for record in harvest.iter_frames()] == [1, 2, 3]
    assert next(harvest.iter_frames()).crops[0].side == 400
    inference = info.options["inference"]
    assert (inference["resolution"], inference["floor"], inference["tolerance_mm"]) == (32, 0.02, 90.0)
    assert inference["height_power"] == 2.0
    assert (info.selection.measure, info.selection.share) == ("trace", 0.5)
    assert info.options["limb_lengths_given"] is True
    assert json.loads((footage.folder / "out" / "harvest.json").read_text())["limb_lengths_mm"] == info.limb_lengths_mm


def test_a_limit_decides_alone_unless_a_share_is_given_too():
    assert selection_rule("det", None, None) == SelectionRule()
    assert selection_rule("det", None, 1.3) == SelectionRule("det", share=1.0, limit=1.3)
    assert selection_rule("trace", 0.5, 1.3) == SelectionRule("trace", share=0.5, limit=1.3)


def test_a_recalibration_file_is_applied_and_recorded(run, footage):
    curve = Recalibration(sigma_mm=(5.0,), calibrated_mm=(10.0,), level=0.9, num_values=80, fitted_on="another <rig>")
    path = footage.folder / "map.json"
    curve.write(path)
    done = run(*arguments(footage, "--recalibration", path, "--stop", 3, "--resolution", 16))
    assert done.code == 0, done.err
    assert "sigma is recalibrated, by a map fitted on another <rig>" in done.out
    harvest = Harvest.open(footage.folder / "out")
    assert harvest.info.recalibration == curve
    assert "recalibration" not in harvest.info.options
    assert all(row.scale.tolist() == pytest.approx([4] * 16) for row in harvest.iter_selected())
    assert "another &lt;rig&gt;" in (harvest.path / "report" / "index.html").read_text()


def test_a_file_that_is_no_recalibration_is_named(run, footage):
    path = footage.folder / "map.json"
    path.write_text('{"format": "poseharvest recalibration"}')
    done = run(*arguments(footage, "--recalibration", path))
    assert done.code == 1
    assert "map.json: is no recalibration: sigma_mm: Field required" in done.err
    assert not (footage.folder / "out").exists()


def test_views_may_be_chosen(run, footage):
    done = run(*arguments(footage, "--views", "cam1, cam3", "--stop", 3, "--resolution", 16))
    assert done.code == 0, done.err
    assert Harvest.open(footage.folder / "out").view_names == ("cam1", "cam3")


def two_calibrations(footage):
    """Two that differ: the same cameras twice would be one."""
    content = json.loads(footage.calibration.read_text())
    content["cameras"][0]["translation"][0] += 100
    footage.calibration.with_name("older.rig.json").write_text(json.dumps(content))


def another_size(footage):
    edit(footage, lambda camera: camera.update(image_size=[480, 640]))


def edit(footage, change: Callable[[dict], None]) -> None:
    """Change the first camera of the calibration."""
    content = json.loads(footage.calibration.read_text())
    change(content["cameras"][0])
    footage.calibration.write_text(json.dumps(content))


def metres(footage):
    content = json.loads(footage.calibration.read_text())
    for camera in content["cameras"]:
        camera["translation"] = [value / 1000 for value in camera["translation"]]
    footage.calibration.write_text(json.dumps(content))


def one_view(footage):
    for name in ("cam2", "cam3"):
        footage.video(name).unlink()
    content = json.loads(footage.calibration.read_text())
    content["cameras"] = content["cameras"][:1]
    footage.calibration.write_text(json.dumps(content))


def truncated(footage):
    video = footage.video("cam2")
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])


DAMAGES = {
    "no calibration": (lambda f: f.calibration.unlink(), "expected a calibration, found none"),
    "two calibrations": (two_calibrations, "expected one calibration, found 2: older.rig.json, studio.rig.json"),
    "video without camera": (
        lambda f: f.video("cam4").write_bytes(f.video("cam1").read_bytes()),
        'no calibrated camera for footage "cam4"',
    ),
    "truncated video": (truncated, "cam2.mp4"),
    "another size": (another_size, "expected footage of the calibrated 640 x 480 (width x height), got 320 x 240"),
    "NaN": (lambda f: edit(f, lambda c: c["rotation"][0].__setitem__(0, math.nan)), "rotation"),
    "no rotation": (lambda f: edit(f, lambda c: c["rotation"][0].__setitem__(0, 3.0)), "rotation must be orthonormal"),
    "metres as millimetres": (metres, "are metres given as millimetres? try unit=m"),
    "one view": (one_view, "expected at least two"),
    "no capture": (lambda f: f.capture.rename(f.folder / "elsewhere"), "expected a capture, a folder with footage"),
}


@pytest.mark.parametrize("command", ["harvest", "audit"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_capture_is_one_line(run, footage, damage, command):
    """Exit 1, the error named on one line, and nothing half-written."""
    spoil, message = DAMAGES[damage]
    spoil(footage)
    done = run(*arguments(footage)) if command == "harvest" else run("audit", footage.capture)
    assert done.code == 1
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert message in done.err
    assert not [path.name for path in footage.folder.iterdir() if "out" in path.name]


def test_a_size_that_differs_by_less_than_a_hundredth_is_a_warning(run, footage):
    edit(footage, lambda camera: camera.update(image_size=[242, 320]))
    done = run("audit", footage.capture)
    assert done.code == 0, done.err
    assert 'warning: camera "cam1": calibrated at 320 x 242, footage is 320 x 240 (width x height)' in done.out
    assert "fit to be harvested" in done.out


def test_the_audit_may_be_ignored_or_the_unit_given(run, footage):
    """What the rig says in millimetres is in metres; other formats take the unit."""
    metres(footage)
    done = run(*arguments(footage, "--ignore-audit", "--stop", 4, "--resolution", 16))
    assert done.code == 0, done.err
    assert "error: rig: the median distance between cameras" in done.out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--resolution", 1), "error: --resolution: expected at least 2 voxels, got 1"),
        (("--share", 1.5), "error: --share: expected a number from 0 to 1, got 1.5"),
        (("--limit", 0.5), "error: --limit: expected a number of 1 or more, got 0.5"),
        (("--measure", "size"), "error: --measure: expected one of det, "),
        (("--views", "cam1,cam9"), "cam9"),
        (("--views", "cam1"), "expected at least two"),
        (("--start", 6), "error: capture: expected a first frame of 0 to 5, got 6"),
        (("--detector-option", "layout"), 'error: --detector-option: expected name=value, got "layout"'),
        (("--detector-option", "colour=red"), 'got "colour"'),
        (("--detector", "nothing"), 'error: --detector: expected "efficientpose", "hourglass", '),
        (
            ("--detector", "efficientpose", "--weights", "no.h5"),
            "no.h5: expected the weights of efficientpose, got no file",
        ),
        (("--boxes", "no.csv"), "error: no.csv: boxes cannot be read: No such file or directory"),
        (("--limb-lengths", "no.toml"), "error: no.toml: limb lengths: cannot be read"),
        (("--device", "abacus"), 'error: --device: "abacus" cannot be used: '),
    ],
)
def test_wrong_options_are_one_line(run, footage, more, message):
    done = run(*arguments(footage, *more))
    assert done.code == 1
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not (footage.folder / "out").exists()


@pytest.mark.parametrize("more", [("--resolution", "many"), ("--colour", "red"), ("--unit", "inch")])
def test_wrong_usage_exits_with_2(run, footage, more):
    done = run(*arguments(footage, *more))
    assert done.code == 2
    assert "Traceback" not in done.err
    assert not (footage.folder / "out").exists()


def test_weights_of_another_network_or_hash(run, footage, monkeypatch):
    """A file that is named is used as it is; one in the cache must be the published one."""
    bad = footage.folder / "weights.h5"
    bad.write_bytes(b"not weights")
    done = run("harvest", footage.capture, "--out", footage.folder / "out", "--weights", bad)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "weights.h5" in done.err
    cache = footage.folder / "cache" / "efficientpose_i"
    cache.mkdir(parents=True)
    (cache / "EfficientPoseI.h5").write_bytes(b"not weights")
    monkeypatch.setenv("POSEHARVEST_CACHE", str(cache.parent))
    done = run("harvest", footage.capture, "--out", footage.folder / "out")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "EfficientPoseI.h5: expected sha256 003aea" in done.err


def test_an_output_that_exists_is_not_touched(run, footage):
    out = footage.folder / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    done = run(*arguments(footage))
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "out: already exists: choose another output, or ask to overwrite it" in done.err
    done = run(*arguments(footage, "--overwrite"))
    assert done.code == 1
    assert "is not an output of this kind: it is not overwritten" in done.err
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]


def test_a_full_disk_leaves_nothing(run, footage):
    disk = footage.folder / "disk"
    disk.mkdir()
    with small_disk(disk, 12):
        done = run("harvest", footage.capture, "--detector", footage.keypoints, "--out", disk / "out", *QUICK)
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert re.search(r"disk/out: expected about 0\.\d+ GB free for 6 poses, got [\d.e-]+ GB", done.err)
        assert not list(disk.iterdir())


def test_keypoints_that_show_nobody(run, footage, tmp_path: Path):
    """Files of a person who was never there: each view sees somebody, but no two at one place."""
    empty = tmp_path / "empty"
    for name in ("cam1", "cam2", "cam3"):
        (empty / name).mkdir(parents=True)
        (empty / name / f"{name}_000000000000_keypoints.json").write_text('{"people": []}')
    arguments = ("harvest", footage.capture, "--detector", empty, "--out", footage.folder / "out", *QUICK)
    done = run(*arguments)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "capture: nobody was found in frames 0 to 5: no two views agree on a person" in done.err


def test_people_is_a_number_or_all(run, footage):
    everybody = run(*arguments(footage, "--people", "all", "--stop", 4, "--resolution", 16))
    assert everybody.code == 0, everybody.err
    assert Harvest.open(footage.folder / "out").info.options["people"] is None
    assert len(Harvest.open(footage.folder / "out").info.people) == 1
    assert run(*arguments(footage, "--people", "some")).code == 2


def test_a_name_that_the_pipe_has_no_letters_for_gives_no_traceback(footage, monkeypatch):
    folder = footage.capture.rename(footage.capture.with_name("Gr\u00fcn \u2192 1"))
    pipes = [io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True) for _ in range(2)]
    monkeypatch.setattr(sys, "argv", ["poseharvest", "audit", str(folder)])
    monkeypatch.setattr(sys, "stdout", pipes[0])
    monkeypatch.setattr(sys, "stderr", pipes[1])
    with pytest.raises(SystemExit) as end:
        main()
    output, wrong = (pipe.buffer.getvalue() for pipe in pipes)
    assert (end.value.code or 0, b"Traceback" in wrong) == (0, False)
    assert rb"Gr\xfcn \u2192 1: " in output
