"""Laws of the fit between the voxels."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.stats import chi2

from pictorial_kit import STICK
from poseharvest.geometry.camera import Projection, StaticCamera
from poseharvest.geometry.rig import project_all
from poseharvest.refinement.observations import DetectorNoise
from poseharvest.refinement.pose_fit import fit_poses, is_held
from poseharvest.refinement.rigid_limbs import RigidLimbs
from refinement_kit import LENGTHS, SIDE_PX, observed, scene, turning_stick

NO_WRONG_PEAKS = 1e-9
SIGMA_PX = 1.0


@dataclass(frozen=True, eq=False)
class UnknownCamera:
    """A camera of a kind that no compiled loop knows, which sees what another one sees."""

    camera: StaticCamera

    def project(self, points: torch.Tensor) -> Projection:
        return self.camera.project(points)


def known_noise(num_views: int = 4, wrong_share: float = NO_WRONG_PEAKS) -> DetectorNoise:
    return DetectorNoise(torch.full((num_views, len(STICK)), SIGMA_PX / SIDE_PX).double(), wrong_share)


def rigid(limbs: RigidLimbs, tolerance_mm: float) -> RigidLimbs:
    known = torch.isfinite(limbs.tolerance_mm)
    return replace(limbs, tolerance_mm=torch.where(known, tolerance_mm, torch.inf))


@settings(max_examples=20, deadline=None)
@given(off=st.floats(0, 40), seed=st.integers(0, 1000), num_views=st.integers(3, 5))
def test_exact_peaks_give_the_exact_pose_from_any_start_nearby(off, seed, num_views):
    truth = turning_stick(3, seed=seed)
    seen = observed(truth, torch.zeros(3, num_views, len(STICK), 2).double(), num_views)
    start = truth + off * torch.randn(truth.shape, generator=torch.Generator().manual_seed(seed)).double() / 3**0.5
    noise = replace(known_noise(num_views), share=torch.full((num_views, len(STICK)), 0.03).double())
    fit = fit_poses(seen, start, noise, RigidLimbs.none(), most_steps=30)
    # What nothing holds at all is drawn to the start a little, with 300 mm of freedom.
    assert (fit.points - truth).norm(dim=-1).max() < 0.1 + 0.005 * off


def test_the_fit_minimises_the_energy_as_a_general_solver_does():
    """A second route: scipy on the sum of squares of the same residuals."""
    one = scene(2, sigma_px=SIGMA_PX)
    limbs = rigid(one.limbs, 8.0)
    fit = fit_poses(one.seen, one.truth, known_noise(), limbs, most_steps=40)
    used = torch.isfinite(limbs.tolerance_mm)
    first, second = limbs.first[used], limbs.second[used]

    def residuals(flat: np.ndarray) -> np.ndarray:
        points = torch.from_numpy(flat.reshape(len(STICK), 3))
        off = (project_all(one.seen.cameras[1], points).pixels - one.seen.pixels[1]) / SIGMA_PX
        length = (points[first] - points[second]).norm(dim=-1)
        stretch = (length - limbs.length_mm[used]) / limbs.tolerance_mm[used]
        loose = (points - one.truth[1]) / 300.0
        return torch.cat((off.flatten(), stretch, loose.flatten())).numpy()

    best = least_squares(residuals, one.truth[1].flatten().numpy(), xtol=1e-12, ftol=1e-12).x
    np.testing.assert_allclose(fit.points[1].flatten(), best, atol=0.1)


@pytest.mark.parametrize("tolerance_mm", [5.0, 30.0, 1e4])
def test_covariances_hold_the_truth_as_often_as_they_say(tolerance_mm):
    """Errors of the known size on 400 poses of four joints: limbs make poses better, and covariances know it."""
    one = scene(400, sigma_px=SIGMA_PX, seed=3)
    fit = fit_poses(one.seen, one.truth, known_noise(), rigid(one.limbs, tolerance_mm))
    error = fit.points - one.truth
    squares = torch.einsum("fja,fjab,fjb->fj", error, torch.linalg.inv(fit.cov), error)
    for level in (0.5, 0.9):
        held = float((squares < chi2.ppf(level, 3)).double().mean())
        assert held == pytest.approx(level, abs=0.05 if tolerance_mm > 10 else 0.09)


def test_limbs_make_poses_better():
    one = scene(200, sigma_px=2.0, seed=5)
    noise = replace(known_noise(), share=torch.full((4, len(STICK)), 2.0 / SIDE_PX).double())
    alone, held = (fit_poses(one.seen, one.truth, noise, limbs) for limbs in (RigidLimbs.none(), rigid(one.limbs, 2.0)))
    size = [float((fit.points - one.truth).norm(dim=-1).mean()) for fit in (alone, held)]
    assert size[1] < 0.93 * size[0]


def test_a_wrong_peak_loses_its_weight():
    truth = turning_stick(5)
    error = torch.zeros(5, 4, len(STICK), 2).double()
    error[:, 2, 1] = 25.0
    fit = fit_poses(observed(truth, error, 4), truth + 10, known_noise(wrong_share=0.03), RigidLimbs.none())
    assert (fit.points - truth).norm(dim=-1).max() < 3
    assert fit.linear.right[:, 2, 1].max() < 0.01
    assert fit.linear.right[:, 0].min() > 0.9


def test_a_joint_of_one_view_pulls_no_limb():
    """With one view a joint has no single place: the others are as they would be without it."""
    one = scene(4)
    seen = one.seen.seen.clone()
    seen[:, 1:, 0] = False
    part = replace(one.seen, seen=seen)
    limbs = rigid(one.limbs, 3.0)
    others = limbs.first.ne(0) & limbs.second.ne(0)
    rest = RigidLimbs(
        *(getattr(limbs, name)[others] for name in ("first", "second", "alike", "length_mm", "tolerance_mm"))
    )
    with_limb, without = (fit_poses(part, one.truth, known_noise(wrong_share=0.03), which) for which in (limbs, rest))
    assert not is_held(with_limb.linear)[:, 0].any()
    torch.testing.assert_close(with_limb.points[:, 1:], without.points[:, 1:], atol=0.05, rtol=0)


def test_compiled_steps_are_those_of_tensors():
    """The tensors' own steps are taken for cameras of a kind that the loops do not know, so one is made of each."""
    truth = turning_stick(4, seed=3)
    generator = torch.Generator().manual_seed(8)
    errors = 1.5 * torch.randn(4, 4, len(STICK), 2, generator=generator).double()
    errors[1, 2, 0] = 90.0
    seen = observed(truth, errors, 4)
    seen = replace(seen, seen=seen.seen & (torch.rand(seen.seen.shape, generator=generator) < 0.9))
    start = truth + 15 * torch.randn(truth.shape, generator=generator).double()
    noise, limbs = known_noise(wrong_share=0.05), rigid(RigidLimbs.of(STICK, LENGTHS, truth), 4.0)
    unknown = tuple(tuple(UnknownCamera(camera) for camera in row) for row in seen.cameras)
    for most_steps in (1, 2, 12):
        fast = fit_poses(seen, start, noise, limbs, most_steps=most_steps)
        slow = fit_poses(replace(seen, cameras=unknown), start, noise, limbs, most_steps=most_steps)
        assert float((fast.points - start).abs().max()) > 5
        torch.testing.assert_close(fast.points, slow.points, rtol=0, atol=1e-6)
