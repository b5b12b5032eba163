"""From heatmaps to posteriors, as a whole."""

from __future__ import annotations

import math

import pytest
import torch

from pictorial_kit import STICK, STICK_LENGTHS, STICK_POINTS, ring, seen_by, without_view
from poseharvest.errors import ConfigError, ShapeError
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton, limbs

CENTER = torch.tensor([20.0, -10.0, 850.0], dtype=torch.float64)
SMALL = InferenceOptions(resolution=24, neglect=0.0)


def model(options: InferenceOptions = SMALL, **more) -> PictorialStructures:
    return PictorialStructures(STICK, STICK_LENGTHS, options, dtype=torch.float64, **more)


def close(a, b, atol=1e-6):
    torch.testing.assert_close(a.mean, b.mean, rtol=0, atol=atol)
    torch.testing.assert_close(a.cov, b.cov, rtol=1e-6, atol=atol)
    assert a.log_evidence == pytest.approx(b.log_evidence, abs=1e-6)


def test_a_perfectly_seen_figure_is_found():
    cameras = ring(4)
    posterior = model().infer(seen_by(cameras, STICK_POINTS), cameras, CENTER)
    error = torch.linalg.vector_norm(posterior.mean - STICK_POINTS, dim=-1)
    assert float(error.max()) < 0.5 * posterior.volume.voxel_mm
    assert bool(posterior.supported.all())
    assert bool((torch.linalg.eigvalsh(posterior.cov) >= posterior.volume.voxel_mm**2 / 12 - 1e-6).all())


def test_the_order_of_views_does_not_matter():
    cameras, order = ring(4), (3, 1, 0, 2)
    heatmaps = seen_by(cameras, STICK_POINTS)
    mixed = Heatmaps(heatmaps.values[list(order)], tuple(heatmaps.crops[v] for v in order))
    close(model().infer(heatmaps, cameras, CENTER), model().infer(mixed, tuple(cameras[v] for v in order), CENTER))


def test_the_order_of_joints_does_not_matter():
    cameras, order = ring(3), [2, 0, 3, 1]
    heatmaps = seen_by(cameras, STICK_POINTS)
    names = tuple(STICK.joints[j] for j in order)
    other = Skeleton("mixed", names, limbs("head-hand", "belly-foot", "belly-head"))
    mixed = PictorialStructures(other, STICK_LENGTHS, SMALL, dtype=torch.float64)
    a = model().infer(heatmaps, cameras, CENTER)
    b = mixed.infer(Heatmaps(heatmaps.values[:, order], heatmaps.crops), cameras, CENTER)
    torch.testing.assert_close(a.mean[order], b.mean, rtol=0, atol=1e-6)
    torch.testing.assert_close(a.cov[order], b.cov, rtol=0, atol=1e-4)
    assert a.log_evidence == pytest.approx(b.log_evidence, abs=1e-8)


@pytest.mark.parametrize("steps", [(3, 0, 0), (-2, 5, 1)])
def test_moving_the_world_and_the_cameras_moves_the_pose(steps):
    heatmaps = seen_by(ring(3), STICK_POINTS)
    shift = torch.tensor(steps, dtype=torch.float64) * model().voxel_mm
    a = model().infer(heatmaps, ring(3), CENTER)
    b = model().infer(heatmaps, ring(3, shift=shift), CENTER + shift)
    torch.testing.assert_close(a.mean + shift, b.mean, rtol=0, atol=1e-6)
    torch.testing.assert_close(a.cov, b.cov, rtol=0, atol=1e-4)


def test_an_absent_view_is_neutral():
    cameras, rest = ring(4), [0, 1, 3]
    heatmaps = seen_by(cameras, STICK_POINTS)
    fewer = Heatmaps(heatmaps.values[rest], tuple(heatmaps.crops[v] for v in rest))
    close(
        model().infer(without_view(heatmaps, 2), cameras, CENTER),
        model().infer(fewer, tuple(cameras[v] for v in rest), CENTER),
    )


def test_a_joint_that_no_camera_sees_is_placed_by_the_skeleton():
    cameras = ring(4)
    heatmaps = seen_by(cameras, STICK_POINTS)
    heatmaps.values[:, STICK.index("hand")] = 0
    around_head = torch.tensor([20.0, -10.0, 1000.0], dtype=torch.float64)  # a cube that holds the whole shell
    posterior = model().infer(heatmaps, cameras, around_head)
    assert posterior.supported.tolist() == [False, True, True, True]
    # All that is known is a shell around the head: its middle, and a spread of L / sqrt(3) along every axis.
    head = posterior.mean[STICK.index("head")]
    assert float((posterior.mean[0] - head).abs().max()) < 10
    assert float(posterior.cov[0].diagonal().mean().sqrt()) == pytest.approx(350 / math.sqrt(3), rel=0.1)


def test_sixteen_views_agree_in_single_and_double_precision():
    cameras = ring(16)
    heatmaps = seen_by(cameras, STICK_POINTS, height=1e-4)
    options = InferenceOptions(resolution=24, floor=1e-7)
    double = model(options).infer(heatmaps, cameras, CENTER)
    single = PictorialStructures(STICK, STICK_LENGTHS, options).infer(heatmaps, cameras, CENTER)
    torch.testing.assert_close(single.mean, double.mean, rtol=0, atol=0.05)
    torch.testing.assert_close(single.cov, double.cov, rtol=0.01, atol=1)
    assert single.log_evidence == pytest.approx(double.log_evidence, rel=1e-4)


def test_a_floor_of_zero_survives_a_joint_that_is_impossible():
    cameras = ring(2)
    heatmaps = seen_by(cameras, STICK_POINTS)
    heatmaps.values[0, 1] = 0
    posterior = model(InferenceOptions(resolution=24, floor=0.0)).infer(heatmaps, cameras, CENTER)
    assert posterior.log_evidence == -math.inf
    assert bool(torch.isfinite(posterior.mean).all())


def test_without_evidence_the_log_evidence_is_that_of_the_floor():
    """Every pose is as likely as any other: the mean likelihood is floor^(views x joints)."""
    heatmaps = Heatmaps(torch.zeros(2, 2, 5, 6), seen_by(ring(2), STICK_POINTS).crops)
    pair = Skeleton("pair", ("a", "b"), limbs("a-b"))
    options = InferenceOptions(resolution=48, floor=0.1, tolerance_mm=30.0)
    rod = PictorialStructures(pair, LimbLengths({("a", "b"): 60.0}), options, dtype=torch.float64)
    small = rod.infer(heatmaps, ring(2), CENTER)
    assert small.log_evidence == pytest.approx(4 * math.log(0.1), abs=1e-6)
    assert small.supported.tolist() == [False, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resolution": 1}, "resolution: expected at least 2 voxels, got 1"),
        ({"floor": 1.0}, "floor: expected 0 or more and less than 1, got 1.0"),
        ({"floor": -0.1}, "floor: expected 0 or more and less than 1, got -0.1"),
        ({"tolerance_mm": 0.0}, "tolerance_mm: expected a positive number, got 0.0"),
        ({"inference": "quick"}, 'inference: expected "exact" or "reference", got "quick"'),
        ({"refine": 3}, "refine: expected 1, 2 or 4, got 3"),
        ({"neglect": -0.1}, "neglect: expected 0 or more and less than 1, got -0.1"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        InferenceOptions(**options)


@pytest.mark.parametrize("threads", [1, 2])
def test_no_frames_have_no_posteriors(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert model(InferenceOptions(resolution=32)).infer_many([]) == []
    finally:
        torch.set_num_threads(before)


def test_cameras_must_be_as_many_as_views():
    with pytest.raises(ShapeError, match="cameras: expected one a view, 3, got 2"):
        FrameEvidence(seen_by(ring(3), STICK_POINTS), ring(2), CENTER)
    with pytest.raises(ShapeError, match=r"center: expected shape \(3\)"):
        FrameEvidence(seen_by(ring(3), STICK_POINTS), ring(3), CENTER[:2])
