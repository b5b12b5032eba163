"""Faults planted on one camera are named with the camera and the kind, and nothing is named where nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from faulty_camera_kit import FLIP, NUM, RATE, SIZE, cameras, changed, filmed, moved, turned, zoomed
from poseharvest.diagnosis.camera_faults import far_shares, find_fault
from poseharvest.diagnosis.shown_joints import ShownJoints
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.refit import turned_camera
from poseharvest.skeleton.definitions import MPII16


def fault(rig: tuple[Camera, ...], pixels: np.ndarray):
    return find_fault(rig, ShownJoints(np.arange(len(pixels[0])), pixels), RATE, FLIP)


@settings(max_examples=4)
@given(st.sampled_from([2, 3, 4]), st.floats(0.2, 6.0))
def test_nothing_is_named_where_nothing_is_wrong(num_views: int, noise_px: float):
    rig = cameras()[:num_views]
    assert fault(rig, filmed(rig, noise_px=noise_px)) is None


@settings(max_examples=6)
@given(
    st.integers(0, 3),
    st.sampled_from([
        (turned(5, 0), "place"),
        (turned(-5, 1), "place"),
        (turned(8, 2), "place"),
        (moved(200, 0), "place"),
        (moved(-200, 1), "place"),
        (zoomed(1.1), "focal length"),
        (zoomed(0.9), "focal length"),
    ]),
)
def test_a_wrong_calibration_is_named(view: int, planted: tuple[Callable[[Camera], Camera], str]):
    change, kind = planted
    rig = cameras()
    found = fault(rig, filmed(changed(rig, view, change)))
    assert found is not None
    assert (found.views, found.kind, found.wrong) == ((rig[view].name,), kind, (rig[view].name,))
    assert found.is_plain


ALL_OFF = [
    ((0.3, 1), (0.3, 1), (-0.3, 0), (-0.3, 1)),
    ((-0.5, 0), (0.5, 1), (0.5, 1), (-0.5, 0)),
    *(
        tuple((0.3 * sign, axis) for sign, axis in zip(signs, axes, strict=True))
        for signs, axes in (((1, -1, 1, 1), (0, 1, 1, 0)), ((-1, 1, 1, -1), (1, 0, 1, 0)))
    ),
]
"""Degrees and axis of the turn of each camera."""


@pytest.mark.parametrize("turns", ALL_OFF)
def test_of_cameras_that_are_all_a_little_off_none_is_blamed_alone(turns: tuple[tuple[float, int], ...]):
    rig = aged = cameras()
    for view, (degrees, axis) in enumerate(turns):
        aged = changed(aged, view, turned(degrees, axis))
    found = fault(rig, filmed(aged))
    if found is None:
        return
    assert not found.is_plain  # so that no camera is left out
    says_so = f"the others are still up to {found.others_px:.0f} px off, so no single camera explains it"
    doubts = "a fault of another camera explains nearly as much"
    assert (says_so if found.others_px else doubts) in found.finding.message
    assert "calibrate all cameras anew" in found.finding.message


def test_it_is_said_that_no_single_camera_explains_it():
    rig = aged = cameras()
    for view, (degrees, axis) in enumerate(ALL_OFF[1]):
        aged = changed(aged, view, turned(degrees, axis))
    found = fault(rig, filmed(aged))
    assert found is not None
    assert found.others_px > found.moved_px / 2


@settings(max_examples=4)
@given(st.integers(0, 3), st.sampled_from([-15, -5, 5, 15]))
def test_a_late_camera_is_named(view: int, frames: int):
    rig = cameras()
    found = fault(rig, filmed(rig, late=tuple(float(frames * (v == view)) for v in range(4))))
    assert found is not None
    assert (found.views, found.kind) == ((rig[view].name,), "delay")
    assert ("behind" if frames > 0 else "ahead of") in found.text
    assert float(found.text.split()[3]) == pytest.approx(abs(frames), abs=0.5)


@pytest.mark.parametrize("view", [0, 2])
def test_a_view_that_lost_pictures_has_another_rate(view: int):
    rig = cameras()
    pixels = filmed(rig)
    kept = np.sort(np.random.default_rng(1).permutation(NUM)[: int(0.7 * NUM)])
    short = np.full_like(pixels[view], np.nan)
    short[: len(kept)] = pixels[view][kept]
    pixels[view] = short
    found = fault(rig, pixels)
    assert found is not None
    assert (found.views, found.kind) == ((rig[view].name,), "rate")


@settings(max_examples=4)
@given(st.integers(0, 3), st.sampled_from([90, 180, 270]))
def test_pictures_that_were_turned_are_named_with_the_angle(view: int, degrees: int):
    rig = cameras()
    found = fault(rig, filmed(changed(rig, view, lambda camera: turned_camera(camera, degrees))))
    assert found is not None
    assert (found.views, found.kind) == ((rig[view].name,), "turned")
    assert f"by {degrees} degrees clockwise" in found.text


@pytest.mark.parametrize("names_follow", [True, False])
def test_mirrored_pictures_are_named(names_follow: bool):
    """A network that sees a mirrored person takes the left for the right; names from markers stay."""
    rig = cameras()
    pixels = filmed(rig)
    pixels[1, ..., 0] = SIZE[1] - 1 - pixels[1, ..., 0]
    if names_follow:
        pixels[1] = pixels[1][:, np.asarray(FLIP)]
    found = fault(rig, pixels)
    assert found is not None
    assert (found.views, found.kind) == ((rig[1].name,), "mirrored")


def test_exchanged_cameras_are_named_as_a_pair():
    rig = cameras()
    pixels = filmed(rig)[[2, 1, 0, 3]]
    found = fault(rig, pixels)
    assert found is not None
    assert (set(found.views), found.kind) == ({rig[0].name, rig[2].name}, "exchanged")


def test_two_views_of_the_same_pictures_are_named_as_a_pair_and_the_wrong_one_is_known():
    rig = cameras()
    pixels = filmed(rig)
    pixels[3] = pixels[1] + 0.4
    found = fault(rig, pixels)
    assert found is not None
    assert (set(found.views), found.kind, found.wrong) == ({rig[1].name, rig[3].name}, "same pictures", (rig[3].name,))


def test_a_picture_that_stands_still_is_named():
    rig = cameras()
    pixels = filmed(rig)
    pixels[2] = pixels[2][10]
    found = fault(rig, pixels)
    assert found is not None
    assert (found.views, found.kind) == ((rig[2].name,), "frozen")


def test_a_view_of_something_else_is_named():
    rig = cameras()
    pixels = filmed(rig)
    pixels[0] = np.random.default_rng(0).uniform((0, 0), SIZE[::-1], pixels[0].shape)
    found = fault(rig, pixels)
    assert found is not None
    assert (found.views, found.kind) == ((rig[0].name,), "unlike")
    shares = far_shares(rig, ShownJoints(np.arange(NUM), pixels))
    assert shares[0] > 0.8
    assert (shares[1:] < 0.2).all()


def test_the_order_of_the_views_and_the_place_of_the_world_do_not_matter():
    rig = cameras()
    pixels = filmed(changed(rig, 1, turned(5, 1)))
    turn = torch.as_tensor(Rotation.from_rotvec([0.3, -0.5, 1.1]).as_matrix())
    shift = torch.tensor([900.0, -400.0, 250.0]).double()
    order = [2, 0, 3, 1]
    moved_rig = tuple(
        replace(
            rig[v], rotation=rig[v].rotation @ turn.T, translation=rig[v].translation - rig[v].rotation @ turn.T @ shift
        )
        for v in order
    )
    found, again = fault(rig, pixels), fault(moved_rig, pixels[order])
    assert found is not None
    assert again is not None
    assert (again.views, again.kind) == (found.views, found.kind)
    assert again.moved_px == pytest.approx(found.moved_px, rel=0.05)


def test_with_nothing_to_compare_nothing_is_named():
    rig = cameras()
    assert fault(rig, np.full((4, NUM, len(MPII16), 2), np.nan)) is None
    assert fault(rig[:2], filmed(rig[:2])) is None


def test_each_suspect_is_named_before_it_is_judged():
    rig = cameras()
    wrong = changed(rig, 2, turned(5, 0))
    shown, steps = ShownJoints(np.arange(NUM), filmed(rig)), []
    found = find_fault(wrong, shown, RATE, FLIP, steps.append)
    assert found is not None
    assert found.kind == "place"
    assert steps == [camera.name for camera in rig]
