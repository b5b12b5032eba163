"""The footage that a command reads later is the footage that was harvested."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from poseharvest.annotations.harvest_footage import check_footage, open_footage_of
from poseharvest.annotations.reader import Harvest
from poseharvest.capture.capture import Capture
from poseharvest.errors import CaptureError


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def harvested(run, footage, kept, monkeypatch) -> Harvest:
    """A harvest of the footage, which was named by a relative path."""
    out = footage.folder / "h"
    if not (kept / "h").exists():
        monkeypatch.chdir(footage.folder)
        done = run("harvest", "capture", "--detector", footage.keypoints, "--out", "h", "--resolution", 24)
        assert done.code == 0, done.err
        shutil.copytree(out, kept / "h")
        (kept / "made in").write_text(str(footage.folder))
        return Harvest.open(out)
    shutil.copytree(kept / "h", out)
    text = (out / "harvest.json").read_text()
    (out / "harvest.json").write_text(text.replace((kept / "made in").read_text(), str(footage.folder)))
    (out / "SHA256SUMS").unlink()
    return Harvest.open(out)


def checked(harvest: Harvest, folder: Path | None = None) -> Capture:
    capture = open_footage_of(harvest, folder)
    check_footage(harvest, capture)
    return capture


def other_pictures(capture: Path) -> None:
    """Put other pictures into a view, as many as before."""
    video = next((capture / "videos").iterdir())
    with av.open(str(video), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 240, 320, "yuv420p"
        for index in range(6):
            picture = np.full((240, 320, 3), 10 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def test_the_path_is_absolute(harvested, footage, tmp_path_factory, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert harvested.info.capture.path == str(footage.capture.resolve())
    assert checked(harvested).folder == footage.capture.resolve()


def test_other_footage_at_the_same_place_is_refused(harvested, footage) -> None:
    other_pictures(footage.capture)
    with pytest.raises(
        CaptureError, match=r"expected the footage of .*h, 6 pictures in \d+ bytes .* got other footage"
    ):
        checked(harvested)


def test_a_capture_that_moved_is_found_below_a_folder(harvested, footage) -> None:
    place = footage.folder / "disk" / "archive"
    other_pictures(Path(shutil.copytree(footage.capture, place / "a" / "capture")))
    shutil.copytree(footage.capture, place / "b" / "capture")
    shutil.rmtree(footage.capture)
    with pytest.raises(CaptureError, match="found no folder there: name it with --capture"):
        checked(harvested)
    assert checked(harvested, place).folder == place / "b" / "capture"
    assert checked(harvested, place / "b" / "capture").folder == place / "b" / "capture"
    with pytest.raises(CaptureError, match="got other footage"):
        checked(harvested, place / "a" / "capture")


def test_fingerprints_tell_pictures_apart_and_not_places(footage) -> None:
    first = Capture.open(footage.capture).fingerprints
    assert json.loads(json.dumps(first)) == first
    assert {frozenset(one) for one in first.values()} == {frozenset({"pictures", "bytes", "sha256"})}
    moved = Capture.open(shutil.copytree(footage.capture, footage.folder / "moved"))
    assert moved.fingerprints == first
    video = next((footage.capture / "videos").iterdir())
    content = bytearray(video.read_bytes())
    content[-1] ^= 1
    video.write_bytes(bytes(content))
    changed = Capture.open(footage.capture).fingerprints
    assert [view for view in first if changed[view] != first[view]] == [video.stem]


def harvest_of(run, footage, *more) -> Harvest:
    out = footage.folder / "timed"
    arguments = ("--detector", footage.keypoints, "--out", out, "--resolution", 24, "--ignore-audit", *more)
    done = run("harvest", footage.capture, *arguments)
    assert done.code == 0, done.err
    return Harvest.open(out)


def test_offsets_of_the_harvest_are_those_of_the_footage_later(run, footage) -> None:
    """They stood in capture.toml then, or were found by --sync; now they stand nowhere else."""
    view = next((footage.capture / "videos").iterdir()).stem
    settings = footage.capture / "capture.toml"
    settings.write_text(f'[offsets]\n{view} = "2 frames"\n[clock_rates]\n{view} = 1.0001\n')
    then = Capture.open(footage.capture)
    harvest = harvest_of(run, footage)
    assert harvest.info.capture.timing == {"offsets": {view: "2.0 frames"}, "clock_rates": {view: 1.0001}}
    settings.write_text('time_zero = "first_picture"\n')
    now = checked(harvest)
    assert np.array_equal(now.timeline.pictures, then.timeline.pictures)
    assert not np.array_equal(Capture.open(footage.capture).timeline.pictures, then.timeline.pictures)


def test_footage_that_is_turned_is_turned_once(run, footage) -> None:
    (footage.capture / "capture.toml").write_text("rotate = 180\n")
    harvest = harvest_of(run, footage)
    for camera, later in zip(harvest.rig, checked(harvest).rig, strict=True):
        assert torch.equal(camera.px_from_cam, later.px_from_cam)
        assert torch.equal(camera.rotation, later.rotation)


def test_a_harvest_of_an_older_version_goes_by_capture_toml(harvested, footage) -> None:
    text = json.loads((harvested.path / "harvest.json").read_text())
    del text["capture"]["timing"]
    (harvested.path / "harvest.json").write_text(json.dumps(text))
    view = next((footage.capture / "videos").iterdir()).stem
    (footage.capture / "capture.toml").write_text(f'[offsets]\n{view} = "2 frames"\n')
    older = Harvest.open(harvested.path)
    assert older.info.capture.timing is None
    expected = Capture.open(footage.capture).timeline.pictures
    assert np.array_equal(open_footage_of(older).timeline.pictures, expected)
