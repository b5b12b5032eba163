"""What the 3D view gets is the harvest, rounded no more than stated."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.geometry.camera import AffineCamera
from poseharvest.geometry.rig import Rig
from poseharvest.report.moving_poses import (
    MAX_FRAMES,
    ROOT_STEP_MM,
    MotionTally,
    PoseSample,
    camera_shape,
    find_stage,
    pack_motion,
)


@pytest.fixture(scope="module")
def poses(harvest: Harvest) -> list[PoseSample]:
    tally = MotionTally((0, 39))
    for row in harvest.iter_selected():
        tally.add(row.annotations, row.selected.numpy())
    return tally.samples


def int16(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<i2").astype(float)


def test_positions_and_covariances_survive_packing(harvest: Harvest, poses: list[PoseSample]) -> None:
    packed = pack_motion(poses)
    means = int16(packed.means).reshape(len(poses), 16, 3) * packed.step_mm + packed.origin_mm
    expected = np.stack([row.mean.numpy() for row in harvest.iter_frames()])
    assert np.abs(means - expected).max() <= packed.step_mm / 2 + 1e-3
    assert packed.step_mm <= 0.5
    roots = int16(packed.roots).reshape(-1, 6) * ROOT_STEP_MM
    xx, xy, xz, yy, yz, zz = roots.T
    root = np.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz], -1).reshape(-1, 3, 3)
    cov = np.concatenate([row.cov.numpy() for row in harvest.iter_frames()])
    sigma = np.sqrt(np.linalg.eigvalsh(cov))
    np.testing.assert_allclose(np.sqrt(np.linalg.eigvalsh(root @ root)), sigma, atol=2 * ROOT_STEP_MM)


def test_states_tell_unseen_unselected_and_selected_apart(harvest: Harvest, poses: list[PoseSample]) -> None:
    states = np.frombuffer(base64.b64decode(pack_motion(poses).states), np.uint8).reshape(len(poses), 16)
    rows = list(harvest.iter_selected())
    assert states[5, harvest.skeleton.index("right_wrist")] == 0
    assert (states == 2).sum() == sum(int(row.selected.sum()) for row in rows)
    assert (states == 0).sum() == 1


def test_a_long_capture_is_thinned_evenly(harvest: Harvest) -> None:
    row = next(harvest.iter_selected())
    num_frames = 3 * MAX_FRAMES - 7
    tally = MotionTally((10, 9 + num_frames))
    for frame in range(10, 10 + num_frames):
        tally.add(replace(row.annotations, frame=frame), row.selected.numpy())
    frames = [sample.frame for sample in tally.samples]
    assert len(frames) <= MAX_FRAMES
    assert set(np.diff(frames)) == {tally.stride} == {3}


def test_a_huge_space_is_rounded_more_coarsely_but_never_wraps(poses: list[PoseSample]) -> None:
    far = [replace(poses[0], mean=poses[0].mean * 0 + offset) for offset in (-1e6, 1e6)]
    packed = pack_motion(far)
    means = int16(packed.means).reshape(2, 16, 3) * packed.step_mm + packed.origin_mm
    np.testing.assert_allclose(means, np.stack([pose.mean for pose in far]), atol=packed.step_mm)


def test_the_stage_has_up_floor_and_the_way_the_body_looks(harvest: Harvest, poses: list[PoseSample]) -> None:
    stage = find_stage(poses[:1], harvest.skeleton)
    assert stage.up == (0, 0, 1)
    assert stage.floor_mm == pytest.approx(poses[0].mean[:, 2].min(), abs=1)
    assert stage.facing[0] > 0.98  # the figure starts walking along x


def test_the_stage_turns_with_the_world(harvest: Harvest, poses: list[PoseSample]) -> None:
    x_up = np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]])  # z becomes x, x becomes -z
    turned = replace(poses[0], mean=(poses[0].mean @ x_up.T).astype(np.float32))
    stage = find_stage([turned], harvest.skeleton)
    assert stage.up == (1, 0, 0)
    assert stage.facing[2] < -0.98


def test_joints_out_of_sight_do_not_move_the_floor(harvest: Harvest, poses: list[PoseSample]) -> None:
    mean, state = poses[0].mean.copy(), poses[0].state.copy()
    wrist = harvest.skeleton.index("left_wrist")
    mean[wrist], state[wrist] = -9000, 0
    with_outlier = find_stage([replace(poses[0], mean=mean, state=state)], harvest.skeleton)
    without = find_stage(poses[:1], harvest.skeleton)
    assert with_outlier.floor_mm == pytest.approx(without.floor_mm)
    assert with_outlier.up == without.up
    assert np.dot(with_outlier.facing, without.facing) > 0.95


def test_a_camera_is_drawn_where_it_stands_and_sees_what_it_sees(rig: Rig) -> None:
    camera = rig.at(0)[0]
    shape = camera_shape("cam01", camera, np.zeros(3))
    assert shape.center == pytest.approx((3200, 2600, 1500))
    np.testing.assert_allclose(np.array(shape.axes), camera.rotation.numpy(), atol=2e-3)  # type: ignore[attr-defined]
    height, width = camera.image_size
    assert shape.half_fov[0] == pytest.approx(width / 2 / 420, rel=0.1)
    assert shape.half_fov[0] / shape.half_fov[1] == pytest.approx(width / height, rel=0.05)


def test_an_affine_camera_stands_before_the_people_on_its_line_of_sight() -> None:
    matrix = torch.tensor([[0.2, 0.0, 0.0, 80.0], [0.0, 0.0, -0.2, 45.0]], dtype=torch.float64)  # looks along y
    shape = camera_shape("far", AffineCamera("far", (90, 160), matrix), np.array([10.0, 20.0, 30.0]))
    assert np.abs(np.array(shape.axes[2])) == pytest.approx((0, 1, 0))
    assert shape.center[0] == pytest.approx(10)
    assert shape.center[2] == pytest.approx(30)
