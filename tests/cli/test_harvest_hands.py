"""`poseharvest harvest --hands`, from a calibration and keypoint files to a table of finger joints."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.calibration.native import write_rig
from poseharvest.simulation.hand_scene import LAYOUT, make_hand_scene
from poseharvest.skeleton.hands import HAND_JOINTS

OPTIONS = ("--detector-option", f"layout={LAYOUT}", "--detector-option", "frame_offset=0", "--resolution", 16)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Six frames of a person with hands: keypoint files and a calibration."""
    folder = tmp_path / "capture"
    scene = make_hand_scene(folder / "pose", 6, 0)
    write_rig(scene.capture.rig, folder / "rig.json")
    return folder


def test_hands_are_in_the_harvest_and_in_its_exports(run, capture, tmp_path):
    out = tmp_path / "out"
    done = run("harvest", capture, "--detector", capture / "pose", "--hands", "--out", out, *OPTIONS)
    assert done.code == 0, done.err
    assert "limb lengths; those of the hands stand in harvest.json" in done.out
    assert "left_index_1-left_index_2" not in done.out
    harvest = Harvest.open(out)
    assert harvest.info.hands.frames_seen == {"left": 6, "right": 6}
    assert harvest.skeleton.joints[-40:] == HAND_JOINTS
    assert harvest.info.limb_lengths_mm["left_wrist-left_middle_1"] == pytest.approx(95, abs=15)
    assert "left thumb 1" in (out / "report" / "index.html").read_text()
    for name in ("csv", "trc", "coco", "bvh"):
        made = run("export", out, "--format", name, "--out", tmp_path / f"hands.{name}")
        assert made.code == 0, made.err
    with (tmp_path / "hands.csv").open() as stream:
        joints = {row["joint"] for row in csv.DictReader(stream)}
    assert {*HAND_JOINTS} <= joints
    assert "left_pinky_4" in (tmp_path / "hands.trc").read_text()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ("--people", 2),
            "error: --hands: expected one person in frames in a row, got several people: leave --hands out",
        ),
        (("--moments",), "error: --hands: expected one person in frames in a row, got moments: leave --hands out"),
    ],
)
def test_hands_are_of_one_person(run, capture, tmp_path, more, message):
    done = run(
        "harvest", capture, "--detector", capture / "pose", "--hands", "--out", tmp_path / "out", *OPTIONS, *more
    )
    assert done.code == 1
    assert message in done.err
    assert not (tmp_path / "out").exists()


def test_files_without_hands_are_refused(run, footage):
    out = footage.folder / "out"
    done = run("harvest", footage.capture, "--detector", footage.keypoints, "--hands", "--out", out)
    assert done.code == 1
    assert "expected keypoint files that hold hands" in done.err
    assert done.err.count("\n") == 1
    assert not out.exists()


def test_the_help_says_what_hands_need(run):
    shown = " ".join(run("harvest", "--help").out.split())
    assert "--hands" in shown
    assert "from keypoint files that hold hands or a whole-body network" in shown
