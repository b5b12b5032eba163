"""Harvests of keypoint files as people have them: the same poses as from the plain files and footage."""

from __future__ import annotations

import shutil

import pytest
import torch

from cases_kit import make_capture
from poseharvest import Capture, harvest, load_detector
from poseharvest.detectors.keypoint_capture import open_capture
from poseharvest.errors import CaptureError
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions

pytestmark = pytest.mark.data

SAME_MM = 0.1


def poses(capture, detector, out, start, stop):
    """The poses of some frames, by frame."""
    options = HarvestOptions(start=start, stop=stop, inference=InferenceOptions(24), num_previews=0)
    return [record.mean for record in harvest(capture, detector, out, options=options).iter_frames()]


@pytest.fixture(scope="module")
def walk(first_videos, scene_calibration, tmp_path_factory):
    folder = tmp_path_factory.mktemp("harvests") / "walk"
    return make_capture(folder, first_videos, calibration=scene_calibration)


@pytest.fixture(scope="module")
def plain(walk, cases_dir, tmp_path_factory):
    """Frames 6 to 8 of the whole capture: files 5 to 7 of pictures 6 to 8."""
    detector = load_detector(cases_dir / "K08_pose_folder_img" / "pose", frame_offset=1)
    return poses(Capture.open(walk), detector, tmp_path_factory.mktemp("plain") / "out", 6, 9)


def test_offsets_of_the_capture_move_the_keypoints_with_the_pictures(walk, cases_dir, plain, tmp_path):
    shutil.copytree(walk, tmp_path / "walk")
    shutil.copyfile(cases_dir / "K30_offset_keypoints" / "capture.toml", tmp_path / "walk" / "capture.toml")
    detector = load_detector(cases_dir / "K30_offset_keypoints" / "kp")
    found = poses(Capture.open(tmp_path / "walk"), detector, tmp_path / "out", 6, 9)
    assert (torch.stack(found) - torch.stack(plain)).norm(dim=-1).max() < SAME_MM


def test_without_footage_the_poses_are_the_same(scene_calibration, cases_dir, plain, tmp_path):
    shutil.copyfile(scene_calibration, tmp_path / scene_calibration.name)
    detector = load_detector(cases_dir / "K11_numbers_440" / "pose")
    capture = open_capture(tmp_path, detector)
    assert capture.num_frames == 19
    found = poses(capture, detector, tmp_path / "out", 5, 8)
    assert (torch.stack(found) - torch.stack(plain)).norm(dim=-1).max() < SAME_MM


@pytest.mark.slow
def test_a_unit_that_is_off_by_ten_is_named_and_no_unit_is_promised(cases_dir, tmp_path):
    """The file is in decimetres, read as metres."""
    detector = load_detector(cases_dir / "C02g_dm" / "kp")
    capture = open_capture(cases_dir / "C02g_dm", detector)
    with pytest.raises(
        CaptureError, match=r"got a person of 1\.\d+e\+04 mm; .* no other of mm, cm, m mends that"
    ) as error:
        harvest(
            capture, detector, tmp_path / "out", options=HarvestOptions(inference=InferenceOptions(24), num_previews=0)
        )
    assert "try unit" not in str(error.value)
