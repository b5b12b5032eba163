"""Footage that is turned or resized against its calibration: named with what fits, and harvested as somebody says."""

from __future__ import annotations

import json

import av
import numpy as np
import pytest
import torch
from torch.testing import assert_close

from cases_kit import VIEWS, make_capture
from poseharvest import Capture, harvest, load_detector
from poseharvest.errors import CalibrationError
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions

pytestmark = pytest.mark.data

SERIALS = dict(zip(VIEWS, ("22269", "22270", "22271", "22272"), strict=True))
NUM_FRAMES = 6
OPTIONS = HarvestOptions(start=1, stop=NUM_FRAMES, inference=InferenceOptions(32), num_previews=0)


def turn(source, target, degrees):
    """Write a video with its pictures turned clockwise."""
    with av.open(str(source)) as container, av.open(str(target), "w") as out:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][: NUM_FRAMES + 1]
        turned = [np.ascontiguousarray(np.rot90(picture, -degrees // 90)) for picture in pictures]
        stream = out.add_stream("mpeg4", rate=60)
        stream.height, stream.width = turned[0].shape[:2]
        for picture in turned:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())


def halve(path):
    """Replace a video by one of half the size."""
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=60)
        stream.height, stream.width = (edge // 2 for edge in pictures[0].shape[:2])
        for picture in pictures:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[::2, ::2]), format="rgb24")))
        out.mux(stream.encode())


@pytest.fixture(scope="module")
def turned_videos(first_videos, tmp_path_factory):
    """The views turned by 90 degrees clockwise, but the last one the other way."""
    folder = tmp_path_factory.mktemp("turned")
    for view in VIEWS:
        turn(first_videos / f"{view}.mp4", folder / f"{view}.mp4", 270 if view == "cam04" else 90)
    return folder


def turn_keypoints(source, target, size, degrees):
    """Copy OpenPose files with their points where they lie in the turned picture."""
    height, width = size
    target.mkdir(parents=True)
    for path in sorted(source.glob("*.json"))[:NUM_FRAMES]:
        content = json.loads(path.read_text())
        for person in content["people"]:
            points = np.array(person["pose_keypoints_2d"]).reshape(-1, 3)
            x, y = points[:, 0].copy(), points[:, 1].copy()
            points[:, 0], points[:, 1] = (height - 1 - y, x) if degrees == 90 else (y, width - 1 - x)
            person["pose_keypoints_2d"] = points.ravel().tolist()
        (target / path.name).write_text(json.dumps(content))


def poses(capture, keypoints, out):
    detector = load_detector(str(keypoints), frame_offset=1, layout="body_25b")
    found = harvest(capture, detector, out, options=OPTIONS)
    return np.stack([frame.mean.numpy() for frame in found.iter_frames()])


def named(folder, videos, calibration):
    """A capture whose views have the names of Qualisys' cameras."""
    return make_capture(folder, videos, calibration=calibration, names=SERIALS)


def test_turned_footage_gives_the_same_pose(first_videos, turned_videos, scene_calibration, shared_dir, tmp_path):
    upright = Capture.open(make_capture(tmp_path / "upright", first_videos, calibration=scene_calibration))
    folder = make_capture(tmp_path / "turned", turned_videos, calibration=scene_calibration)
    with pytest.raises(CalibrationError, match=r"is the footage turned by 90 degrees\? --rotate 90 fits"):
        Capture.open(folder)
    turned = Capture.open(folder, rotate="cam01=90,cam02=90,cam03=90,cam04=270")
    source, keypoints = shared_dir / "captures" / "balance" / "openpose", tmp_path / "keypoints"
    for view, camera in zip(VIEWS, upright.rig, strict=True):
        degrees = 270 if view == "cam04" else 90
        turn_keypoints(source / f"{view}_json", keypoints / f"{view}_json", camera.image_size, degrees)
    first = poses(upright, source, tmp_path / "a")
    np.testing.assert_allclose(poses(turned, keypoints, tmp_path / "b"), first, atol=1.0)


def test_a_turn_that_qualisys_states_is_taken_from_the_footage(cases_dir, first_videos, turned_videos, tmp_path):
    case = cases_dir / "C05_qualisys_viewrotation90"
    upright = Capture.open(named(tmp_path / "upright", first_videos, case))
    turned = Capture.open(named(tmp_path / "turned", turned_videos, case))
    assert [camera.image_size[1] for camera in turned.rig] == [1920] * 4
    notes = [finding.message for finding in turned.findings if finding.severity == "note"]
    assert (
        len([line for line in notes if "turned by 90 degrees clockwise, as the calibration file states" in line]) == 4
    )
    point = torch.tensor([[0.0, 0.0, 900.0]], dtype=torch.float64)
    for one, other in zip(upright.rig, turned.rig, strict=True):
        x, y = one.at(0).project(point).pixels[0].tolist()
        assert other.at(0).project(point).pixels[0].tolist() == pytest.approx([one.image_size[0] - 1 - y, x])


@pytest.mark.parametrize("case", ["C08_qualisys_540p", "C32_calibrated_at_double"])
def test_footage_of_half_the_size(case, cases_dir, first_videos, scene_calibration, tmp_path):
    make = named if case.startswith("C08") else lambda *parts: make_capture(*parts[:2], calibration=parts[2])
    folder = make(tmp_path / case, first_videos, cases_dir / case)
    with pytest.raises(CalibrationError, match=r"calibrated 2176 x 3840 .*, got 10.. x 1920: .* --scale 0.5 fits"):
        Capture.open(folder)
    if case.startswith("C08"):
        assert len(Capture.open(folder, scale=0.5).rig) == 4
        return
    plain = Capture.open(make_capture(tmp_path / "plain", first_videos, calibration=scene_calibration))
    (folder / "capture.toml").write_text("scale = 0.5")
    point = torch.tensor([[0.0, 0.0, 900.0]], dtype=torch.float64)
    for one, other in zip(plain.rig, Capture.open(folder).rig, strict=True):
        assert_close(other.at(0).project(point).pixels, one.at(0).project(point).pixels, atol=0.3, rtol=0)


def test_a_size_stated_height_first_is_named(cases_dir, first_videos, tmp_path):
    folder = make_capture(tmp_path / "swapped", first_videos, calibration=cases_dir / "C16_size_swapped")
    with pytest.raises(
        CalibrationError, match=r"calibrated 1920 x 1088 .* width and height swapped in the calibration"
    ):
        Capture.open(folder)


def test_footage_of_which_some_views_are_resized(first_videos, scene_calibration, tmp_path):
    folder = make_capture(tmp_path / "mixed", first_videos, calibration=scene_calibration)
    halve(folder / "videos" / "cam02.mp4")
    with pytest.raises(CalibrationError, match=r'camera "cam02": .* \(scale = 0.5, or scale.cam02 = 0.5 for this view'):
        Capture.open(folder)
    (folder / "capture.toml").write_text("scale.cam02 = 0.5")
    capture = Capture.open(folder)
    assert [camera.image_size for camera in capture.rig][:2] == [(1920, 1080), (960, 540)]
