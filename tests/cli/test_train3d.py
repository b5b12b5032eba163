"""`train3d` and `predict` as a user runs them, from videos on the disk to a table of poses."""

import csv

import pytest

from poseharvest.annotations.reader import Harvest


@pytest.fixture
def harvested(run, footage):
    out = footage.folder / "h"
    done = run("harvest", footage.capture, "--detector", footage.keypoints, "--out", out, "--resolution", 24)
    assert done.code == 0, done.err
    return out


def test_a_network_is_trained_gone_on_with_and_asked(run, footage, harvested):
    out = footage.folder / "net"
    small = ("--features", 2, "--input-px", 64, "--held-out", 0)
    done = run("train3d", harvested, "--out", out, "--epochs", 1, *small)
    assert done.code == 0, done.err
    assert "1 epochs," in done.out
    assert "no frames were held out" in done.out
    assert run("train3d", harvested, "--out", out, "--epochs", 2, *small, "--resume").code == 0
    again = run("train3d", harvested, "--out", out, "--epochs", 2, *small)
    assert (again.code, again.err.count("\n")) == (1, 1)
    view = Harvest.open(harvested).view_names[0]
    video = footage.capture / "videos" / f"{view}.mp4"
    asked = run(
        "predict", out, video, "--out", footage.folder / "p", "--calibration", harvested / "rig.json", "--view", view
    )
    assert asked.code == 0, asked.err
    assert "depth of the root: limb lengths" in asked.out
    with (footage.folder / "p" / "poses.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["frame"] for row in rows} == {str(frame) for frame in range(6)}
    assert all(float(row["z"]) > 0 for row in rows if row["joint"] == "pelvis")


def test_errors_are_one_line(run, footage, harvested):
    video = next((footage.capture / "videos").iterdir())
    video.unlink()
    missing = run("train3d", harvested, "--out", footage.folder / "net")
    assert (missing.code, missing.err.count("\n")) == (1, 1)
    assert video.stem in missing.err
    assert not (footage.folder / "net").exists()
    nothing = run("predict", footage.folder, video, "--out", footage.folder / "p")
    assert (nothing.code, nothing.err.count("\n")) == (1, 1)
    assert run("predict", footage.folder, video, "--out", footage.folder / "p", "--view", "a").code == 2
