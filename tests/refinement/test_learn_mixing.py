"""Left-out views decide between the fit and the marginal, without any truth."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pictorial_kit import MAP_SIZE, STICK, ring
from poseharvest.geometry.crop import crop_around
from poseharvest.geometry.rig import project_all
from poseharvest.heatmaps.encode import gaussian_maps
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.refinement.learn import learn_refinement
from poseharvest.refinement.learn_mixing import learn_mixing
from poseharvest.refinement.observations import DetectorNoise, observe
from poseharvest.refinement.refine import Refinement
from poseharvest.refinement.rigid_limbs import RigidLimbs
from refinement_kit import LENGTHS, turning_stick

FRAMES = 16


def frames_of(truth: Tensor, num_views: int, error_px: float) -> list[FrameEvidence]:
    """What a detector shows of the poses (F, J, 3), its blobs moved by normal errors."""
    generator, cameras, frames = torch.Generator().manual_seed(3), ring(num_views), []
    for points in truth:
        maps, crops = [], []
        for pixels in project_all(cameras, points).pixels:
            moved = pixels + error_px * torch.randn(pixels.shape, generator=generator, dtype=torch.float64)
            crops.append(crop_around(pixels, 1.6))
            maps.append(0.8 * gaussian_maps(crops[-1].to_window(moved, MAP_SIZE), MAP_SIZE, sigma_px=1.5))
        frames.append(FrameEvidence(Heatmaps(torch.stack(maps), tuple(crops)), tuple(cameras), points.mean(0)))
    return frames


class Marginals:
    """A stand-in for the sums on the grid: the truth, off by normal errors of a size; frames may come several times."""

    def __init__(self, truth: Tensor, off_mm: float) -> None:
        noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
        self.means = truth + off_mm * noise

    def __call__(self, frames: list[FrameEvidence]) -> list[JointPosterior]:
        cov = torch.eye(3).expand(len(STICK), 3, 3) * 900
        supported = torch.ones(len(STICK), dtype=torch.bool)
        return [
            JointPosterior(mean, cov, supported, 0.0, None, 0.0)  # type: ignore[arg-type]
            for mean in (self.means[number % len(self.means)] for number in range(len(frames)))
        ]


def refinement_of(truth: Tensor, frames: list[FrameEvidence], tolerance_mm: float = 2.0) -> Refinement:
    limbs = RigidLimbs.of(STICK, LENGTHS, truth)
    limbs = replace(limbs, tolerance_mm=torch.full_like(limbs.tolerance_mm, tolerance_mm))
    noise = DetectorNoise(torch.full((len(frames[0].cameras), len(STICK)), 0.02).double(), wrong_share=0.002)
    return replace(learn_refinement(observe(frames, truth), truth, limbs), noise=noise, limbs=limbs, cov_factor=1.0)


def test_a_fit_that_is_right_counts_more_than_a_coarse_grid():
    truth = turning_stick(FRAMES, seed=2)
    frames = frames_of(truth, 4, error_px=2.0)
    found = learn_mixing(frames, Marginals(truth, off_mm=30.0), refinement_of(truth, frames))
    assert found.mixing.half_at >= 16


def test_a_fit_with_wrong_limbs_counts_less_than_a_grid_that_is_right():
    """The limbs are taken for rigid, and are longer than the fit believes."""
    truth = turning_stick(FRAMES, seed=2)
    frames = frames_of(truth, 4, error_px=2.0)
    wrong = refinement_of(truth, frames)
    wrong = replace(wrong, limbs=replace(wrong.limbs, length_mm=wrong.limbs.length_mm * 0.85))
    found = learn_mixing(frames, Marginals(truth, off_mm=3.0), wrong)
    assert found.mixing.half_at <= 4


@pytest.mark.parametrize("num_views", [1, 2])
def test_too_few_views_decide_nothing(num_views):
    truth = turning_stick(FRAMES, seed=2)
    frames = frames_of(truth, num_views, error_px=2.0)
    before = Refinement(
        DetectorNoise.usual(num_views, len(STICK)), RigidLimbs.of(STICK, LENGTHS, truth), 1.0, 50.0, FRAMES, True
    )
    assert learn_mixing(frames, Marginals(truth, 3.0), before) is before
    assert math.isfinite(before.mixing.half_at)


def test_a_fit_that_is_not_trusted_is_left_as_it_is():
    truth = turning_stick(4, seed=2)
    frames = frames_of(truth, 3, error_px=2.0)
    before = replace(refinement_of(truth, frames), cov_factor=5.0)
    assert learn_mixing(frames, Marginals(truth, 3.0), before) is before
