from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.protocol import CroppedView
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.geometry.camera import AffineCamera
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import Rig
from poseharvest.simulation import REALISTIC, SyntheticCapture, random_rig, simulate
from poseharvest.simulation.scene import GroundTruth, make_scene


@pytest.fixture(scope="module")
def small_simulation():
    rig = random_rig(3, torch.Generator().manual_seed(1), image_size=(120, 200))
    return simulate(6, seed=2, rig=rig, frame_rate=10.0)


def test_frames_are_those_of_the_rig(small_simulation):
    capture = small_simulation.capture
    frames = list(capture.frames())
    assert [frame.index for frame in frames] == list(range(6))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 10 for i in range(6)])
    for frame in frames:
        assert [image.shape for image in frame.images] == [(120, 200, 3)] * 3
    assert (frames[0].images[0] != frames[5].images[0]).any()
    assert (frames[0].images[0] != frames[0].images[1]).any()


def test_a_part_is_that_part_of_the_whole(small_simulation):
    whole, part = list(small_simulation.capture.frames()), list(small_simulation.capture.frames(2, 4))
    assert [frame.index for frame in part] == [2, 3]
    for got, expected in zip(part, whole[2:4], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(got.images, expected.images, strict=True))
    assert [frame.index for frame in small_simulation.capture.frames(5)] == [5]
    assert list(small_simulation.capture.frames(6)) == []


def test_frames_come_one_by_one():
    endless = SyntheticCapture(make_scene(0), num_frames=10**9, render=False)
    stream = endless.frames()
    assert next(stream).index == 0
    assert next(endless.frames(10**9 - 1)).index == 10**9 - 1


def test_pictures_are_left_out_on_request():
    frame = next(simulate(2, render=False).capture.frames())
    assert frame.images == (None,) * 4


def test_the_truth_is_what_is_detected_and_filmed():
    capture, detector, truth = simulate(70, seed=3, errors=REALISTIC, render=False)
    assert truth.positions.shape == (70, 16, 3)
    assert_close(truth.positions[66], capture.scene.points(66)[:16], rtol=0, atol=0)
    assert_close(capture.truth.positions, truth.positions)
    maps = detector.detect([CroppedView(name, 66, Crop((500.0, 500.0), 1000.0), None) for name in capture.rig.names])
    peaks = maps.flatten(2).argmax(-1)
    places = Crop((500.0, 500.0), 1000.0).to_image(torch.stack((peaks % 64, peaks // 64), -1).double(), (64, 64))
    projected = torch.stack([camera.at(66).project(truth.positions[66]).pixels for camera in capture.rig])
    assert torch.linalg.vector_norm(places - projected, dim=-1).median() < 16


def test_a_frame_source_does_not_tell_the_truth():
    offered = {name for name in vars(FrameSource) if not name.startswith("_")}
    assert offered == {"name", "rig", "frame_rate", "num_frames", "frames"}
    assert all(hasattr(SyntheticCapture, name) or name in {"name", "num_frames"} for name in offered)
    assert not [name for name in offered if "truth" in name or "scene" in name]


def test_seeds_decide_everything():
    window = CroppedView("cam1", 4, Crop((500.0, 500.0), 600.0), None)
    first, again, other = (simulate(5, seed=seed, render=False) for seed in (1, 1, 2))
    assert torch.equal(first.truth.positions, again.truth.positions)
    assert torch.equal(first.detector.detect([window]), again.detector.detect([window]))
    assert not torch.allclose(first.truth.positions, other.truth.positions)


def test_a_longer_capture_begins_like_a_shorter_one():
    short, long = (simulate(n, seed=1, render=False).truth.positions for n in (10, 200))
    assert torch.equal(short, long[:10])


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (0, 7), (4, 2)])
def test_frames_outside_the_capture_are_refused(small_simulation, start, stop):
    with pytest.raises(CaptureError, match=f"synthetic capture: expected frames within 0 to 6, got {start} to {stop}"):
        small_simulation.capture.frames(start, stop)


def test_a_capture_needs_frames_and_a_rate():
    with pytest.raises(ConfigError, match="synthetic capture: expected at least one frame, got 0"):
        simulate(0)
    with pytest.raises(ConfigError, match="synthetic capture: expected a positive frame rate, got 0"):
        simulate(3, frame_rate=0)


def test_other_cameras_are_refused():
    affine = AffineCamera("kth", (100, 200), torch.eye(2, 4))
    with pytest.raises(CaptureError, match="expected perspective cameras that do not move, got others: kth"):
        simulate(3, rig=Rig((affine,)))


def test_the_truth_is_checked(scene):
    positions = scene.truth(3).positions.clone()
    positions[1, 2, 0] = torch.nan
    with pytest.raises(Exception, match="true positions: expected finite numbers, got 1 of 144"):
        GroundTruth(scene.truth(1).skeleton, positions)
