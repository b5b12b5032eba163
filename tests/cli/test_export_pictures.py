"""`export --pictures` on real files: the pictures are those that were harvested, wherever the footage lies now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.capture.capture import Capture


@pytest.fixture
def harvested(run, footage) -> Harvest:
    done = run(
        "harvest", footage.capture, "--detector", footage.keypoints, "--out", footage.folder / "h", "--resolution", 24
    )
    assert done.code == 0, done.err
    return Harvest.open(footage.folder / "h")


def test_pictures_are_written_from_the_command_line(run, footage, harvested):
    out = footage.folder / "coco"
    done = run("export", harvested.path, "--format", "coco", "--out", out, "--pictures")
    assert done.code == 0, done.err
    assert "not the one that was harvested" not in done.out
    moments = list(Capture.open(footage.capture).frames())
    for number, view in enumerate(harvested.view_names):
        content = json.loads((out / "annotations" / f"{view}.json").read_text())
        assert len(content["images"]) == len(moments) == 6
        for image in content["images"]:
            picture = cv2.imread(str(out / "images" / image["file_name"]), cv2.IMREAD_COLOR_RGB)
            original = moments[image["poseharvest"]["frame"]].images[number]
            assert picture.shape == (image["height"], image["width"], 3)
            assert np.abs(picture.astype(int) - original).max() <= 2  # the next picture is brighter by 1 on average
            assert abs(picture.mean() - original.mean()) < 0.4


def test_footage_that_moved_is_named(run, footage, harvested):
    place = shutil.move(footage.capture, footage.folder / "elsewhere")
    arguments = ("export", harvested.path, "--format", "coco", "--out", footage.folder / "coco", "--pictures")
    done = run(*arguments)
    assert done.code == 1
    assert "found no folder there: name it with --capture" in done.err
    assert run(*arguments, "--capture", place).code == 0
    assert len(list((footage.folder / "coco" / "images").rglob("*.jpg"))) == 18


def other_offsets(footage, harvest: Harvest) -> str:
    """Let a view start a frame later than it did when it was harvested."""
    name = harvest.view_names[0]
    (footage.capture / "capture.toml").write_text(f'[offsets]\n{name} = "1 frames"\n')
    return name


def test_pictures_are_those_of_the_harvest_s_own_offsets(run, footage, harvested):
    arguments = ("export", harvested.path, "--format", "coco", "--pictures", "--out")
    assert run(*arguments, footage.folder / "before").code == 0
    other_offsets(footage, harvested)
    assert run(*arguments, footage.folder / "after").code == 0
    before, after = (sorted((footage.folder / name / "images").rglob("*.jpg")) for name in ("before", "after"))
    assert [path.read_bytes() for path in before] == [path.read_bytes() for path in after]


def test_other_offsets_than_those_of_an_older_harvest_are_refused(run, footage, harvested):
    """It does not say which offsets it was made with."""
    name = other_offsets(footage, harvested)
    record = json.loads((harvested.path / "harvest.json").read_text())
    del record["capture"]["timing"]
    (harvested.path / "harvest.json").write_text(json.dumps(record))
    (harvested.path / "SHA256SUMS").unlink()
    done = run("export", harvested.path, "--format", "coco", "--out", footage.folder / "coco", "--pictures")
    assert done.code == 1
    assert f"{name}, frame 0: expected the picture that was harvested, the capture has none" in done.err


def test_sleap_s_labels_name_the_picture_of_each_view_s_own_clock(run, footage):
    """One view starts a frame later: SLEAP counts its pictures, not our frames."""
    sio = pytest.importorskip("sleap_io", reason="needs pip install 'poseharvest[sleap]'")
    late = sorted(path.stem for path in (footage.capture / "videos").iterdir())[0]
    (footage.capture / "capture.toml").write_text(f'[offsets]\n{late} = "1 frames"\n')
    out = footage.folder / "h"
    done = run("harvest", footage.capture, "--detector", footage.keypoints, "--out", out, "--resolution", 24)
    assert done.code == 0, done.err
    done = run("export", out, "--format", "sleap", "--out", footage.folder / "a.slp")
    assert done.code == 0, done.err
    harvest, labels = Harvest.open(out), sio.load_slp(str(footage.folder / "a.slp"))
    moments = {moment.index: moment for moment in Capture.open(footage.capture).frames()}
    rows = {row.annotations.frame: row for row in harvest.iter_selected()}
    assert len(labels) > 10
    for labelled in labels:
        view = [str(footage.video(name).resolve()) for name in harvest.view_names].index(labelled.video.filename)
        moment = next(one for one in moments.values() if one.number(view) == labelled.frame_idx)
        assert abs(labelled.image.mean() - moment.images[view].mean()) < 0.5
        row = rows[moment.index]
        shown = (row.selected & row.annotations.inside[view]).numpy()
        expected = row.annotations.pixels[view].numpy()[shown]
        np.testing.assert_allclose(labelled.instances[0].numpy()[shown], expected, atol=1e-3)
    assert {one.frame_idx for one in labels if Path(one.video.filename).stem == late} <= set(range(6))
