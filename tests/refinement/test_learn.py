"""What the footage tells of the detector and the limbs, against what was put into it."""

from dataclasses import replace

import pytest
import torch
from scipy.stats import chi2, spearmanr

from pictorial_kit import STICK
from poseharvest.refinement.covariance_scale import covariance_factor
from poseharvest.refinement.learn import learn_refinement
from poseharvest.refinement.observations import DetectorNoise
from poseharvest.refinement.pose_fit import Agreement, fit_poses
from poseharvest.refinement.residuals import view_residuals
from poseharvest.refinement.rigid_limbs import RigidLimbs
from refinement_kit import LENGTHS, SIDE_PX, observed, scene, turning_stick

FRAMES = 160


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def learned(error_px: torch.Tensor, truth: torch.Tensor):
    seen = observed(truth, error_px, error_px.shape[1])
    return learn_refinement(seen, truth, RigidLimbs.of(STICK, LENGTHS, truth)), seen


def test_errors_of_views_and_joints_are_found():
    size = torch.tensor([
        [2.0, 3.0, 4.0, 6.0],
        [4.0, 6.0, 8.0, 12.0],
        [3.0, 3.0, 3.0, 3.0],
        [2.0, 2.0, 9.0, 2.0],
    ]).double()
    truth = turning_stick(FRAMES)
    found, _ = learned(size[None, :, :, None] * normal(FRAMES, 4, 4, 2), truth)
    ratio = found.noise.share * SIDE_PX / size
    # A view that alone is exact takes its own residuals with it, so that little tells how exact it is.
    assert ratio.log().abs().max() < 0.9
    assert ratio.log().abs().median() < 0.12
    assert found.noise.wrong_share < 0.03
    assert found.noise.constant_share < 0.1
    assert found.is_calibrated


def test_wrong_peaks_are_counted_apart_from_the_errors_of_right_ones():
    truth = turning_stick(FRAMES)
    is_wrong = torch.rand(FRAMES, 4, 4, 1, generator=torch.Generator().manual_seed(1)) < 0.1
    found, _ = learned(torch.where(is_wrong, 8.0, 1.0) * normal(FRAMES, 4, 4, 2), truth)
    assert float(found.noise.share.mean()) * SIDE_PX == pytest.approx(1.0, rel=0.12)
    assert found.noise.wrong_share == pytest.approx(0.1, abs=0.04)
    assert found.noise.wider == pytest.approx(8.0, rel=0.3)


def test_what_is_the_same_in_all_frames_is_told_from_what_varies():
    truth = turning_stick(FRAMES)
    found, _ = learned(1.2 * normal(1, 4, 4, 2, seed=2) + 0.8 * normal(FRAMES, 4, 4, 2, seed=3), truth)
    assert 0.4 < found.noise.constant_share < 0.85


def test_peaks_that_are_higher_are_found_to_be_better():
    truth = turning_stick(FRAMES)
    height = 0.3 + 0.6 * torch.rand(FRAMES, 4, 4, generator=torch.Generator().manual_seed(4)).double()
    seen = observed(truth, 1.0 * normal(FRAMES, 4, 4, 2) * (0.6 / height)[..., None], 4)
    found = learn_refinement(replace(seen, height=height), truth, RigidLimbs.of(STICK, LENGTHS, truth))
    assert 0.5 <= found.noise.height_power <= 1.5


@pytest.mark.parametrize(("bending_mm", "sigma_px"), [(0.0, 0.5), (12.0, 2.5), (25.0, 5.0)])
def test_the_tolerance_of_a_limb_is_how_much_it_varies(bending_mm, sigma_px):
    one = scene(FRAMES, sigma_px=sigma_px, bending_mm=bending_mm)
    limbs = learn_refinement(one.seen, one.truth, one.limbs).limbs
    arm = STICK.limbs_from_root.index(next(limb for limb in STICK.limbs if limb.child == "hand"))
    assert float(limbs.tolerance_mm[arm]) == pytest.approx(max(bending_mm, 2.5), rel=0.35)
    other = [number for number in range(len(STICK.limbs)) if number != arm]
    assert float(limbs.tolerance_mm[other].max()) < 4 + 2 * sigma_px
    length = torch.tensor(LENGTHS.of(STICK)).double()
    torch.testing.assert_close(limbs.length_mm[other], length[other], atol=2 + sigma_px, rtol=0)


def test_a_limb_that_is_looser_than_its_ends_are_known_tells_nothing():
    one = scene(FRAMES, sigma_px=0.5, bending_mm=40.0)
    limbs = learn_refinement(one.seen, one.truth, one.limbs).limbs
    assert torch.isinf(limbs.tolerance_mm).tolist() == [limb.child == "hand" for limb in STICK.limbs_from_root]


def test_covariances_know_where_views_agree_less_than_usual():
    """Errors of one size leave all factors at about 1; where sizes differ by joint and frame, factors rank errors."""
    truth = turning_stick(FRAMES)
    spread = torch.exp(0.7 * normal(FRAMES, 1, 4, 1, seed=11))
    factors, sizes = [], []
    for error in (normal(FRAMES, 4, 4, 2, seed=12), spread * normal(FRAMES, 4, 4, 2, seed=12)):
        found, seen = learned(error, truth)
        fit = fit_poses(seen, truth, found.noise, found.limbs)
        factors.append(Agreement.of(fit).factors(found.freedom))
        sizes.append((fit.points - truth).norm(dim=-1))
    assert factors[0].std() < 0.1 < factors[1].std()
    assert spearmanr(factors[1].flatten(), sizes[1].flatten()).statistic > 0.35


def test_given_lengths_stay():
    one = scene(40)
    given = replace(one.limbs, length_mm=one.limbs.length_mm * 1.03)
    found = learn_refinement(one.seen, one.truth, given, lengths_are_given=True).limbs
    torch.testing.assert_close(found.length_mm, given.length_mm)


def test_left_out_residuals_need_no_fit_of_their_own():
    """A second route: leave the view out, fit the others, and look how far its peak is."""
    one = scene(6, sigma_px=0.3)
    noise = DetectorNoise(torch.full((4, 4), 0.3 / SIDE_PX).double(), wrong_share=1e-9)
    fit = fit_poses(one.seen, one.truth, noise, RigidLimbs.none())
    residuals = view_residuals(one.seen, fit)
    others = fit_poses(one.seen.without(2), one.truth, noise, RigidLimbs.none())
    jacobian, cov = fit.linear.jacobian[:, 2], residuals.cov
    leverage = jacobian @ cov @ jacobian.mT * fit.linear.precision[:, 2, :, None, None]
    predicted = torch.linalg.solve(torch.eye(2).double() - leverage, residuals.share[:, 2, :, :, None] * SIDE_PX)
    from poseharvest.refinement.observations import look

    direct = one.seen.pixels[:, 2] - look(one.seen.cameras, others.points, with_jacobian=False).pixels[:, 2]
    torch.testing.assert_close(predicted.squeeze(-1), direct, atol=0.05, rtol=0.02)


def test_covariances_that_are_too_small_are_widened():
    one = scene(FRAMES, sigma_px=1.5)
    # The limbs are taken for rigid and are not: the fit is more sure than it should be.
    bent = scene(FRAMES, sigma_px=1.5, bending_mm=60.0)
    noise = DetectorNoise(torch.full((4, 4), 1.5 / SIDE_PX).double(), wrong_share=0.002)
    factors = []
    for taken in (one, bent):
        limbs = replace(taken.limbs, tolerance_mm=torch.full_like(taken.limbs.tolerance_mm, 2.0))
        fit = fit_poses(taken.seen, taken.truth, noise, limbs)
        factors.append(covariance_factor(taken.seen, fit, noise, limbs))
    assert factors[0] is not None
    assert factors[1] is not None
    assert factors[0] < 1.25 < factors[1]


def test_a_fit_whose_model_does_not_hold_changes_nothing():
    one = scene(4)
    found = learn_refinement(one.seen, one.truth, one.limbs)
    assert found.is_trusted
    assert not replace(found, cov_factor=5.0).is_trusted
    untouched = [object(), object()]
    assert replace(found, cov_factor=5.0).refine([None, None], untouched) == untouched


def test_two_views_cannot_be_calibrated_and_say_so():
    one = scene(40, num_views=2)
    assert not learn_refinement(one.seen, one.truth, one.limbs).is_calibrated


@pytest.mark.parametrize(("num_views", "wrong"), [(4, False), (3, False), (4, True)])
def test_learned_covariances_hold_the_truth_without_any_truth(num_views, wrong):
    truth = turning_stick(FRAMES, seed=9)
    is_wrong = torch.rand(FRAMES, num_views, 4, 1, generator=torch.Generator().manual_seed(8)) < (0.08 if wrong else 0)
    found, seen = learned(torch.where(is_wrong, 9.0, 1.0) * normal(FRAMES, num_views, 4, 2, seed=7), truth)
    fit = fit_poses(seen, truth, found.noise, found.limbs)
    error, cov = fit.points - truth, found.cov_factor * fit.cov
    squares = torch.einsum("fja,fjab,fjb->fj", error, torch.linalg.inv(cov), error)
    assert float((squares < chi2.ppf(0.9, 3)).double().mean()) == pytest.approx(0.9, abs=0.05)
    assert float((squares < chi2.ppf(0.5, 3)).double().mean()) == pytest.approx(0.5, abs=0.09)
