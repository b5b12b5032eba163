"""Between the fit and the marginal: a mixture of both places."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.refinement.learn import learn_refinement
from poseharvest.refinement.pose_fit import fit_poses
from poseharvest.refinement.refine import mix
from refinement_kit import scene

COV = torch.tensor([[40.0, 5.0, 0.0], [5.0, 20.0, -3.0], [0.0, -3.0, 90.0]]).double()[None, None]


def along(length_mm: float) -> torch.Tensor:
    return torch.tensor([[[2.0, -1.0, 2.0]]]).double() / 3 * length_mm


def test_where_both_agree_the_fit_stays():
    mixed = mix(along(0.0), COV, 0.4)
    assert float(mixed.offset.abs().max()) == 0
    torch.testing.assert_close(mixed.cov, COV)


@given(st.floats(0.1, 300), st.floats(0, 10))
def test_mean_and_covariance_are_those_of_draws_from_either_place(length_mm, usual):
    offset = along(length_mm)
    mixed = mix(offset, COV, usual)
    chance = float((mixed.offset * offset).sum() / offset.square().sum())
    assert 0 < chance < 1
    places, weights = torch.stack((torch.zeros(3).double(), offset[0, 0])), torch.tensor([1 - chance, chance]).double()
    mean = weights @ places
    spread = torch.einsum("n,na,nb->ab", weights, places - mean, places - mean)
    torch.testing.assert_close(mixed.offset[0, 0], mean, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(mixed.cov[0, 0], COV[0, 0] + spread, rtol=1e-6, atol=1e-3)


def test_the_farther_they_disagree_the_more_the_marginal_counts():
    offsets = [along(length) for length in (1.0, 10.0, 30.0, 100.0)]
    chances = [float(mix(one, COV, 0.3).offset.norm() / one.norm()) for one in offsets]
    assert chances == sorted(chances)
    assert chances[0] < 0.2
    assert chances[-1] > 0.9
    assert float(mix(offsets[1], COV, 3.0).offset.norm()) > float(mix(offsets[1], COV, 0.3).offset.norm())


@pytest.mark.parametrize("off_mm", [0.0, 20.0])
def test_the_usual_disagreement_is_that_of_the_frames(off_mm):
    one = scene(60, sigma_px=1.0)
    found = learn_refinement(one.seen, one.truth, one.limbs)
    fit = fit_poses(one.seen, one.truth, found.noise, found.limbs)
    off = torch.zeros_like(fit.points)
    off[..., 0] = off_mm
    squares = off_mm**2 * torch.linalg.inv(found.covariances(fit))[..., 0, 0] / 3
    assert found.compared(fit, fit.points + off).disagreement == pytest.approx(float(squares.clamp(max=10).mean()))
