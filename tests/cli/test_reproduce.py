"""`reproduce` as a user runs it, with what OpenPose found in every sequence for a detector."""

from __future__ import annotations

import json

import pytest
import torch

from dataset_kits import kth_football
from dataset_kits.paper_data import NUM_FRAMES, shown, write_football
from dataset_kits.scene import joints
from poseharvest.cli.reproduce import DATA_SETS, EXPECTED, table_function
from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.skeleton.definitions import LSP14, MPII16
from poseharvest.tables.request import TableName

_STAND_INS = {"nose": "head_top", "eye": "head_top", "ear": "head_top", "toe": "ankle", "heel": "ankle"}
QUICK = ("--resolution", 16, "--floor", 0.00001, "--detector-option", "layout=body_25b")


def channel(name: str) -> int:
    if name in MPII16.joints:
        return MPII16.index(name)
    side, part = name.split("_", 1) if "_" in name else ("", name)
    stand_in = _STAND_INS[part.rsplit("_", 1)[-1]]
    return MPII16.index(stand_in if stand_in == "head_top" else f"{side}_{stand_in}")


@pytest.fixture
def keypoints(tmp_path):
    """What OpenPose would find of the sequence of Table 1, in a folder of its name."""
    poses = shown(LSP14, joints(LSP14, range(1, 1 + NUM_FRAMES)))
    for view, camera in enumerate(kth_football.CAMERAS):
        folder = tmp_path / "keypoints" / "Player 2" / "Sequence 1" / camera
        folder.mkdir(parents=True)
        for frame, pose in enumerate(poses):
            pixels = kth_football.affine(view, frame).project(torch.from_numpy(pose)).pixels
            rows = [value for name in LAYOUTS["body_25b"] for value in (*pixels[channel(name)].tolist(), 0.9)]
            content = json.dumps({"people": [{"pose_keypoints_2d": rows}]})
            (folder / f"{frame:012d}_keypoints.json").write_text(content)
    return tmp_path / "keypoints" / "{sequence}"


def test_a_table_is_printed_kept_and_gone_on_with(run, keypoints, tmp_path):
    data, out = write_football(tmp_path / "kth"), tmp_path / "out"
    arguments = ("reproduce", "table1", "--data", data, "--out", out, "--detector", keypoints, *QUICK)
    done = run(*arguments)
    assert done.code == 0, done.err
    assert "Table 1 (Sec. 4.3)" in done.out
    assert "three cameras" in done.out
    assert "PCP 3D, strict rule (both ends within 0.5 of the part's length), alignment none, 12 joints" in done.out
    assert "note: nothing of the truth was given to the harvests" in done.out
    written = json.loads((out / "table1.json").read_text())
    three = next(panel for panel in written["panels"] if panel["title"] == "three cameras")
    assert three["ours"][0]["scores"]["Average"]["value"] > 90
    assert written["settings"]["authors_setting"] is False
    units = sorted(path.stat().st_mtime_ns for path in out.rglob("unit.json"))
    assert len(units) == 4
    again = run(*arguments)
    assert again.out == done.out
    assert sorted(path.stat().st_mtime_ns for path in out.rglob("unit.json")) == units
    other = run(*arguments, "--authors-setting")
    assert (other.code, other.err.count("\n")) == (1, 1)
    assert "was made with authors_setting False" in other.err


def test_a_table_that_needs_a_network_says_so(run, keypoints, tmp_path):
    data = write_football(tmp_path / "kth")
    done = run("reproduce", "table3", "--data", data, "--out", tmp_path / "out", "--detector", keypoints, *QUICK)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "expected efficientpose, hourglass" in done.err
    assert not list((tmp_path / "out").rglob("harvest.json")), "it was said after harvesting"


@pytest.mark.parametrize("table", list(TableName))
def test_every_table_says_what_it_expected_where(run, tmp_path, table):
    assert callable(table_function(table, is_synthetic=False))
    assert table in EXPECTED
    assert table in DATA_SETS
    (tmp_path / "empty").mkdir()
    done = run("reproduce", table.value, "--data", tmp_path / "empty", "--out", tmp_path / "out")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert done.err.startswith(f"error: {tmp_path / 'empty'}: expected ")
    assert not (tmp_path / "out").exists()


def test_a_table_without_a_synthetic_form_says_so(run, tmp_path):
    done = run("reproduce", "table2", "--data", "synthetic", "--out", tmp_path / "out")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "table2: expected --data ROOT, a folder of Human3.6M with S9 and S11; on synthetic footage: " in done.err


@pytest.mark.parametrize("arguments", [("table9",), ("table4", "--seeds", "one"), ("table4", "--frame-step", "x")])
def test_wrong_usage(run, arguments, tmp_path):
    done = run("reproduce", *arguments, "--data", tmp_path, "--out", tmp_path / "out")
    assert done.code == 2
