"""Between the fit and the marginal: a mixture of both places, as far as left-out views ask for it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.refinement.learn import learn_refinement
from poseharvest.refinement.pose_fit import PoseFit, fit_poses
from poseharvest.refinement.refine import Mixing
from refinement_kit import scene

COV = torch.tensor([[40.0, 5.0, 0.0], [5.0, 20.0, -3.0], [0.0, -3.0, 90.0]]).double()[None, None]


def along(length_mm: float) -> torch.Tensor:
    return torch.tensor([[[2.0, -1.0, 2.0]]]).double() / 3 * length_mm


def fit_with(right: list[float]) -> PoseFit:
    """A fit of one joint to peaks that are right with these probabilities."""
    one = scene(1, num_views=len(right))
    limbs = replace(one.limbs, tolerance_mm=torch.full_like(one.limbs.tolerance_mm, math.inf))
    fit = fit_poses(one.seen, one.truth, learn_refinement(one.seen, one.truth, one.limbs).noise, limbs)
    chances = torch.tensor(right, dtype=torch.float64)[None, :, None].expand(1, -1, fit.points.shape[1])
    return replace(fit, linear=replace(fit.linear, right=chances, seen=torch.ones_like(chances, dtype=torch.bool)))


ALL_RIGHT = fit_with([1.0, 1.0, 1.0])


def test_where_both_agree_the_fit_stays():
    mixed = Mixing(4.0, 0.4).mix(ALL_RIGHT, along(0.0), COV)
    assert float(mixed.offset.abs().max()) == 0
    torch.testing.assert_close(mixed.cov, COV.expand_as(mixed.cov))


@given(st.floats(0.1, 300), st.floats(0, 10), st.floats(0.5, 100))
def test_mean_and_covariance_are_those_of_draws_from_either_place(length_mm, usual, half_at):
    offset = along(length_mm)
    mixed = Mixing(half_at, usual).mix(ALL_RIGHT, offset, COV)
    found, cov = mixed.offset[0, 0], mixed.cov[0, 0]
    chance = float((found * offset[0, 0]).sum() / offset.square().sum())
    assert 0 < chance < 1
    places, weights = torch.stack((torch.zeros(3).double(), offset[0, 0])), torch.tensor([1 - chance, chance]).double()
    mean = weights @ places
    spread = torch.einsum("n,na,nb->ab", weights, places - mean, places - mean)
    torch.testing.assert_close(found, mean, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(cov, COV[0, 0] + spread, rtol=1e-6, atol=1e-3)


def test_the_farther_they_disagree_the_more_the_marginal_counts():
    def chance(length_mm: float, usual: float = 0.3) -> float:
        offset = along(length_mm)
        return float(Mixing(6.0, usual).mix(ALL_RIGHT, offset, COV).offset[0, 0].norm() / offset.norm())

    chances = [chance(length) for length in (1.0, 10.0, 30.0, 100.0)]
    assert chances == sorted(chances)
    assert chances[0] < 0.2
    assert chances[-1] > 0.9
    assert chance(10.0, usual=3.0) > chance(10.0)


def test_what_wrong_peaks_explain_says_nothing_against_the_fit():
    offset, mixing = along(60.0), Mixing(6.0, 0.3)
    explained, unexplained = (mixing.mix(fit, offset, COV) for fit in (fit_with([1.0, 0.0, 1.0]), ALL_RIGHT))
    assert float(explained.offset.norm()) == 0
    assert float(unexplained.offset[0, 0].norm()) > 30
    torch.testing.assert_close(explained.cov[0, 0], COV[0, 0])


def test_an_infinite_half_leaves_the_fit_alone():
    mixed = Mixing(math.inf, 3.0).mix(ALL_RIGHT, along(60.0), COV)
    assert float(mixed.offset.norm()) == 0


@pytest.mark.parametrize("off_mm", [0.0, 2.0])
def test_the_usual_disagreement_is_that_of_the_frames(off_mm):
    one = scene(60, sigma_px=1.0)
    found = learn_refinement(one.seen, one.truth, one.limbs)
    fit = fit_poses(one.seen, one.truth, found.noise, found.limbs)
    fit = replace(fit, linear=replace(fit.linear, right=torch.ones_like(fit.linear.right)))
    off = torch.zeros_like(fit.points)
    off[..., 0] = off_mm
    squares = off_mm**2 * torch.linalg.inv(found.covariances(fit))[..., 0, 0] / 3
    assert found.compared(fit, fit.points + off).mixing.usual == pytest.approx(float(squares.mean()))
