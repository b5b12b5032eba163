from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from poseharvest.capture.capture import Capture
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.evaluation.tracks import read_tracks
from poseharvest.geometry.rig import Rig
from poseharvest.studio import CaptureOptions, studio_capture, write_capture, write_truth


@pytest.mark.parametrize("footage", ["video", "images"])
def test_a_written_capture_opens_like_any_other(tmp_path, small_rig, footage):
    shoot = studio_capture("generic", 1, "Walking", 4, 0, CaptureOptions(small_rig))
    folder = write_capture(shoot.capture, tmp_path / "walk", footage=footage)
    opened = Capture.open(folder)
    assert opened.num_frames == 4
    assert opened.rig.names == small_rig.names
    torch.testing.assert_close(opened.rig.camera("cam2").px_from_cam, small_rig.camera("cam2").px_from_cam)
    for ours, theirs in zip(shoot.capture.frames(), opened.frames(), strict=True):
        for a, b in zip(ours.images, theirs.images, strict=True):
            assert np.abs(a.astype(int) - b.astype(int)).mean() < 4


def test_the_truth_is_what_evaluation_reads(tmp_path, small_rig):
    truth = studio_capture("generic", 1, "Walking", 3, 0, CaptureOptions(small_rig)).truth
    write_truth(truth, tmp_path / "truth.parquet")
    tracks = read_tracks(tmp_path / "truth.parquet")
    assert tracks.joints == truth.skeleton.joints
    np.testing.assert_allclose(tracks.positions, truth.positions)


def test_nothing_is_overwritten(tmp_path, small_rig):
    capture = studio_capture("generic", 1, "Walking", 1, 0, CaptureOptions(small_rig)).capture
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(CaptureError, match="expected an empty folder for the capture, it holds files"):
        write_capture(capture, tmp_path)
    with pytest.raises(ConfigError, match='footage: expected video or images, got "film"'):
        write_capture(capture, tmp_path / "new", footage="film")


@pytest.mark.parametrize("name", ["../cam", "/tmp/cam", "a/b", "..", "a\\b", "a\0b"])
def test_no_name_leads_out_of_the_folder(tmp_path, small_rig, name):
    capture = studio_capture("generic", 1, "Walking", 1, 0, CaptureOptions(small_rig)).capture
    rig = Rig((replace(small_rig.cameras[0], name=name), *small_rig.cameras[1:]))
    renamed = SimpleNamespace(name="walk", rig=rig, frame_rate=25.0, frames=capture.frames)
    with pytest.raises(ConfigError, match="expected names of cameras that a file can have"):
        write_capture(renamed, tmp_path / "deep" / "walk", footage="images")
    assert list(tmp_path.iterdir()) == []
