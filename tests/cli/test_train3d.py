"""`train3d` and `predict` as a user runs them, from videos on the disk to a table of poses."""

import csv
import json
import shutil

import av
import numpy as np
import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.studio import sample


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the harvest is kept that the first test makes."""
    return tmp_path_factory.mktemp("kept") / "h"


@pytest.fixture
def harvested(run, footage, kept):
    """A harvest of the test's own footage: that of the first test's, under the other folder's name."""
    out = footage.folder / "h"
    if not kept.exists():
        done = run(
            "harvest", footage.capture, "--detector", footage.keypoints, "--out", out, "--resolution", 24, "--share", 1
        )
        assert done.code == 0, done.err
        shutil.copytree(out, kept)
        return out
    shutil.copytree(kept, out)
    record = json.loads((out / "harvest.json").read_text())
    record["capture"]["path"] = str(footage.capture)
    (out / "SHA256SUMS").unlink()
    (out / "harvest.json").write_text(json.dumps(record))
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
    answer = run(
        "predict", out, video, "--out", footage.folder / "p", "--calibration", harvested / "rig.json", "--view", view
    )
    assert answer.code == 0, answer.err
    assert "depth of the root: limb lengths" in answer.out
    with (footage.folder / "p" / "poses.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["frame"] for row in rows} == {str(frame) for frame in range(6)}
    assert all(float(row["z"]) > 0 for row in rows if row["joint"] == "pelvis")


def write_pan(path, num_frames):
    """A camera pans past somebody for some frames, and then looks at a wall."""
    picture = sample("generic", 90, 0, size=120, margin=3.5).image
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 200, "yuv420p"
        for frame in range(2 * num_frames):
            image = picture[105:305, 20 + 10 * frame : 340 + 10 * frame]
            image = image if frame < num_frames else np.full((200, 320, 3), 110, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(stream.encode())


def test_the_person_is_found_in_a_video(run, footage, harvested):
    net, video = footage.folder / "net", footage.folder / "pan.mp4"
    small = ("--epochs", 1, "--features", 2, "--input-px", 64, "--held-out", 0)
    assert run("train3d", harvested, "--out", net, *small).code == 0
    write_pan(video, 4)
    answer = run("predict", net, video, "--out", footage.folder / "p", "--detector", "hourglass")
    assert answer.code == 0, answer.err
    assert "window: found by hourglass" in answer.out
    assert "4 poses in 8 pictures, 4 in which nobody is found" in answer.out
    with (footage.folder / "p" / "poses.csv").open(newline="") as stream:
        assert {row["frame"] for row in csv.DictReader(stream)} == {"0", "1", "2", "3"}
    boxes = footage.folder / "p" / "boxes.csv"
    again = run("predict", net, video, "--out", footage.folder / "again", "--boxes", boxes)
    assert "4 poses in 8 pictures, 4 without a box" in again.out
    both = run("predict", net, video, "--out", footage.folder / "b", "--boxes", boxes, "--detector", "hourglass")
    assert (both.code, both.err) == (1, "error: windows: expected boxes or a detector that finds them, got both\n")
    lonely = run("predict", net, video, "--out", footage.folder / "b", "--weights", net / "weights.safetensors")
    assert lonely.code == 2
    option = run(
        "predict", net, video, "--out", footage.folder / "b", "--detector", "hourglass", "--detector-option", "a=1"
    )
    assert (option.code, option.err.count("\n")) == (1, 1)
    unknown = run("predict", net, video, "--out", footage.folder / "b", "--detector", "nobody")
    assert (unknown.code, unknown.err.count("\n")) == (1, 1)
    assert not (footage.folder / "b").exists()


def test_keypoint_files_say_where_the_person_is(run, footage, harvested):
    """The video's name is that of its keypoints; its pictures are those of a grey wall."""
    net = footage.folder / "net"
    small = ("--epochs", 1, "--features", 2, "--input-px", 64, "--held-out", 0)
    assert run("train3d", harvested, "--out", net, *small).code == 0
    video = next((footage.capture / "videos").iterdir())
    answer = run("predict", net, video, "--out", footage.folder / "p", "--detector", footage.keypoints)
    assert answer.code == 0, answer.err
    record = json.loads((footage.folder / "p" / "prediction.json").read_text())
    assert (record["window"], record["num_poses"], record["findings"]) == ("found by keypoints", 6, [])
    windows = Harvest.open(harvested)
    view = windows.view_names.index(video.stem)
    crop = next(iter(windows.iter_frames())).crops[view]
    with (footage.folder / "p" / "boxes.csv").open(newline="") as stream:
        first = next(csv.DictReader(stream))
    assert 1.25 * float(first["width"]) == pytest.approx(crop.side, rel=0.1)
    assert float(first["x"]) + float(first["width"]) / 2 == pytest.approx(crop.center[0], abs=0.05 * crop.side)


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
