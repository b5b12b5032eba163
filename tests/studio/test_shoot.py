from __future__ import annotations

import numpy as np
import pytest
import torch

from poseharvest.errors import CaptureError, ConfigError
from poseharvest.geometry.camera import AffineCamera
from poseharvest.geometry.rig import Rig, inside_image, project_all
from poseharvest.skeleton.definitions import MPII16
from poseharvest.studio import ACTIONS, CaptureOptions, studio_capture


def test_frames_are_reproduced_whatever_was_asked_before(small_rig):
    options = CaptureOptions(small_rig)
    capture = studio_capture("target", 3, "Walking", 70, 5, options).capture
    again = studio_capture("target", 3, "Walking", 70, 5, options).capture
    streamed = list(capture.frames(62, 68))
    jumped = next(again.frames(66))
    assert [frame.index for frame in streamed] == list(range(62, 68))
    assert all(np.array_equal(a, b) for a, b in zip(streamed[4].images, jumped.images, strict=True))
    assert [image.shape for image in jumped.images] == [(120, 160, 3)] * 2
    assert not np.array_equal(streamed[0].images[0], streamed[4].images[0])


def test_the_truth_is_apart_from_the_capture(small_rig):
    shoot = studio_capture("generic", 1, "Greeting", 9, 2, CaptureOptions(small_rig))
    assert shoot.truth.skeleton is MPII16
    assert shoot.truth.positions.shape == (9, 16, 3)
    assert not any("truth" in name or "position" in name for name in dir(shoot.capture))


@pytest.mark.parametrize("action", ACTIONS)
def test_the_person_stays_in_view_of_the_studio_rig(action):
    shoot = studio_capture("target", 2, action, 60, 1)
    projection = project_all(shoot.capture.rig.at(0), shoot.truth.positions.reshape(-1, 3))
    for camera, pixels in zip(shoot.capture.rig, projection.pixels, strict=True):
        assert float(inside_image(pixels, camera.image_size).double().mean()) > 0.97


def test_a_subject_keeps_its_body_and_another_has_another(small_rig):
    def limb(subject: int, seed: int) -> float:
        truth = studio_capture("generic", subject, "Posing", 2, seed, CaptureOptions(small_rig)).truth
        hip, knee = (truth.positions[0, MPII16.index(f"left_{name}")] for name in ("hip", "knee"))
        return float((hip - knee).norm())

    assert limb(1, 0) == pytest.approx(limb(1, 7))
    assert limb(1, 0) != pytest.approx(limb(2, 0))


def test_wrong_requests_are_named(small_rig):
    affine = AffineCamera("far", (10, 12), torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0]]))
    with pytest.raises(CaptureError, match="expected perspective cameras that do not move, got others: far"):
        CaptureOptions(Rig((affine,)))
    with pytest.raises(ConfigError, match="expected a positive frame rate, got 0"):
        CaptureOptions(frame_rate=0)
    with pytest.raises(ConfigError, match=r'action: expected one of Directions, .*, got "Flying"'):
        studio_capture("generic", 1, "Flying", 3)
    with pytest.raises(ConfigError, match="expected at least one frame, got 0"):
        studio_capture("generic", 1, "Walking", 0)
    with pytest.raises(CaptureError, match="expected frames within 0 to 3, got 2 to 9"):
        studio_capture("generic", 1, "Walking", 3, 0, CaptureOptions(small_rig)).capture.frames(2, 9)


def test_a_camera_that_starts_later_sees_later_moments(small_rig):
    """Half a second is five frames: the second camera is five pictures ahead of the first."""
    together = CaptureOptions(small_rig, 10.0)
    apart = CaptureOptions(small_rig, 10.0, starts_s=(0.0, 0.5))
    frames = list(studio_capture("target", 3, "Walking", 12, 5, together).capture.frames())
    shifted = list(studio_capture("target", 3, "Walking", 12, 5, apart).capture.frames())
    assert np.array_equal(frames[2].images[0], shifted[2].images[0])
    # The noise goes by the frame's number: frame 2 shares it, and is left out.
    unlike = {
        frame.index: np.abs(frame.images[1].astype(int) - shifted[2].images[1].astype(int)).mean()
        for frame in frames
        if frame.index != 2
    }
    assert min(unlike, key=unlike.__getitem__) == 7
    truths = [studio_capture("target", 3, "Walking", 12, 5, one).truth.positions for one in (together, apart)]
    assert torch.equal(*truths)


def test_every_camera_needs_a_start(small_rig):
    with pytest.raises(ConfigError, match="expected a start of each camera, got 1"):
        CaptureOptions(small_rig, starts_s=(0.5,))
