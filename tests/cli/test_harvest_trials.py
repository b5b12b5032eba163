"""Many trials on one command line: one body, one table, and neither failures nor finished trials disturb the others."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.skeleton.limb_lengths import read_limb_lengths

QUICK = ("--resolution", 32, "--detector-option", "layout=body_25b", "--detector-option", "skeleton=mpii16")


@pytest.fixture
def project(footage):
    """Two trials with keypoints of their own, and the calibration around them."""
    root = footage.folder / "project"
    for name in ("walk1", "walk2"):
        shutil.copytree(footage.capture / "videos", root / name / "videos")
        shutil.copytree(footage.keypoints, root / name / "pose")
    (root / "calibration").mkdir()
    shutil.copy(footage.calibration, root / "calibration")
    return root


def table(out):
    with (out / "trials.csv").open(encoding="utf-8") as stream:
        return {row["trial"]: row for row in csv.DictReader(stream)}


def test_a_folder_of_trials(run, project, tmp_path):
    out = tmp_path / "out"
    done = run("harvest", project, "--out", out, "--detector", "pose", *QUICK)
    assert done.code == 0, done.err
    rows = table(out)
    assert {name: row["state"] for name, row in rows.items()} == {"walk1": "harvested", "walk2": "harvested"}
    assert rows["walk1"]["frames"] == "6 of 6"
    shared = read_limb_lengths(out / "limb_lengths.toml")
    for name in rows:
        harvest = Harvest.open(out / name)
        assert harvest.info.limb_lengths_mm == {"-".join(limb): mm for limb, mm in shared.mm.items()}
        assert harvest.info.options["limb_lengths_given"]
        assert (out / name / "report" / "index.html").is_file()
        assert harvest.info.detector.details["path"] == str(project / name / "pose")
    again = run("harvest", project, "--out", out, "--detector", "pose", *QUICK)
    assert again.code == 0, again.err
    assert {row["state"] for row in table(out).values()} == {"finished before"}
    assert f"limb lengths: those of {out / 'limb_lengths.toml'}; remove it to learn them again" in again.out


def test_one_that_fails_ends_no_other(run, project, tmp_path):
    shutil.copytree(project / "walk2", project / "walk0")
    (project / "walk0" / "capture.toml").write_text("frame_rte = 3\n")
    out = tmp_path / "out"
    done = run("harvest", project, "--out", out, "--detector", "pose", *QUICK)
    assert done.code == 1
    assert done.err.strip().splitlines()[-1].startswith("error: 1 of 3 trials failed: walk0: the reasons stand above")
    rows = table(out)
    assert [row["state"] for row in rows.values()] == ["failed", "harvested", "harvested"]
    assert 'unknown key "frame_rte"; did you mean "frame_rate"?' in rows["walk0"]["worst finding or reason"]
    assert "walk0: failed: " in done.out
    (project / "walk0" / "capture.toml").unlink()
    mended = run("harvest", project, "--out", out, "--detector", "pose", *QUICK)
    assert mended.code == 0, mended.err
    assert [row["state"] for row in table(out).values()] == ["harvested", "finished before", "finished before"]


def test_other_options_do_not_pass_for_the_same(run, project, tmp_path):
    out = tmp_path / "out"
    assert run("harvest", project, "--out", out, "--detector", "pose", *QUICK).code == 0
    before = json.loads((out / "walk1" / "harvest.json").read_text())
    other = run("harvest", project, "--out", out, "--detector", "pose", *QUICK, "--stop", 4)
    assert other.code == 1
    assert "already exists, and was made with other options" in table(out)["walk1"]["worst finding or reason"]
    assert json.loads((out / "walk1" / "harvest.json").read_text()) == before
    assert run("harvest", project, "--out", out, "--detector", "pose", *QUICK, "--stop", 4, "--overwrite").code == 0
    assert table(out)["walk1"]["frames"] == "4 of 6"


def test_trials_by_name_with_lengths_of_one_s_own(run, project, tmp_path, footage):
    lengths = tmp_path / "subject.toml"
    out = tmp_path / "first"
    assert run("harvest", project, "--out", out, "--detector", "pose", *QUICK).code == 0
    shutil.copy(out / "limb_lengths.toml", lengths)
    calibration = ("--calibration", footage.calibration, "--limb-lengths", lengths)
    paths = (project / "walk2", project / "walk1")
    done = run("harvest", *paths, "--out", tmp_path / "out", "--detector", "pose", *QUICK, *calibration)
    assert done.code == 0, done.err
    assert list(table(tmp_path / "out")) == ["walk2", "walk1"]
    assert not (tmp_path / "out" / "limb_lengths.toml").exists()


def test_several_people_have_bodies_of_their_own(run, project, tmp_path):
    done = run("harvest", project, "--out", tmp_path / "out", "--detector", "pose", *QUICK, "--people", "all")
    assert done.code == 0, done.err
    assert "limb lengths: each person has their own, known again in later trials where that is sure" in done.out
    assert not (tmp_path / "out" / "limb_lengths.toml").exists()
    rows = table(tmp_path / "out")
    assert rows["walk1"]["who"] == "0"
    assert rows["walk2"]["who"].startswith("0 (") or rows["walk2"]["who"] == "1 (unsure)"
    (known,) = Harvest.open(tmp_path / "out" / "walk2").info.known_people
    assert known.person == 0
    again = run("harvest", project, "--out", tmp_path / "out", "--detector", "pose", *QUICK, "--people", "all")
    assert again.code == 0, again.err
    after = table(tmp_path / "out")
    assert {row["state"] for row in after.values()} == {"finished before"}
    assert [row["who"] for row in after.values()] == [row["who"] for row in rows.values()]


def test_what_trials_cannot_have(run, project, tmp_path):
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("frame,view,x,y,width,height\n")
    done = run("harvest", project, "--out", tmp_path / "out", "--detector", "pose", "--boxes", boxes)
    assert done.err == "error: --boxes: expected one capture, since boxes belong to its frames, got several trials\n"
    done = run("harvest", project, "--out", "s3://bucket/x", "--detector", "pose")
    assert done.err.startswith("error: --out: expected a local folder for several trials, got s3:")


def test_a_trial_of_somebody_else_is_named(run, project, tmp_path):
    """The third trial is filmed with a calibration in which everything is a fifth larger."""
    shutil.copytree(project / "walk2", project / "walk3")
    text = json.loads((project / "calibration" / "studio.rig.json").read_text())
    for camera in text["cameras"]:
        camera["translation"] = [1.2 * value for value in camera["translation"]]
    (project / "walk3" / "larger.rig.json").write_text(json.dumps(text))
    done = run("harvest", project, "--out", tmp_path / "out", "--detector", "pose", *QUICK)
    assert done.code == 0, done.err
    assert "warning: walk3: limbs are 20% longer than in the other trials" in done.out
    messages = [finding.message for finding in Harvest.open(tmp_path / "out" / "walk3").info.findings]
    assert any("20% longer in the footage than the lengths that were given" in message for message in messages)


@pytest.mark.data
@pytest.mark.slow
def test_real_people_keep_their_numbers_in_a_second_trial(run, shared_dir, tmp_path):
    """One real take of several people, cut into two trials."""
    capture = shared_dir / "captures" / "multiperson"
    project = tmp_path / "project"
    for trial, frames in (("first", range(50)), ("second", range(50, 100))):
        for view in ("cam01", "cam02", "cam03", "cam04"):
            folder = project / trial / "pose" / f"{view}_json"
            folder.mkdir(parents=True)
            for number, frame in enumerate(frames):
                source = capture / "reference" / "pose2d" / f"{view}_json" / f"{view}.{frame:04d}.json"
                shutil.copy(source, folder / f"{view}.{number:04d}.json")
        (project / trial / "capture.toml").write_text("frame_rate = 60\n")
    calibration = ("--calibration", capture / "calibration" / "Calib.qca.txt")
    done = run("harvest", project, "--out", tmp_path / "out", "--detector", "pose", "--people", "all", *calibration)
    assert done.code == 0, done.err
    first, second = (Harvest.open(tmp_path / "out" / name).info for name in ("first", "second"))
    thighs = [
        {one.person: one.measured_mm.get("left_hip-left_knee") for one in info.people} for info in (first, second)
    ]
    named = {one.person for one in second.people if one.name_state == "known"}
    assert {0, 1} <= named  # the woman and the man, who are seen in all views
    assert all(abs(thighs[1][person] / thighs[0][person] - 1) < 0.1 for person in (0, 1))
    assert thighs[0][0] < 0.8 * thighs[0][1]
