"""A dragged joint: the most likely point by what was known and by the pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from torch import Tensor

from poseharvest.errors import ShapeError
from poseharvest.geometry.dragged_point import DRAG_SIGMA_PX, drag_point
from poseharvest.geometry.image_covariance import projection_jacobian
from poseharvest.geometry.rig import Rig, project_all
from walker_kit import walker_rig

RIG = walker_rig()
MEAN = torch.tensor([120.0, -300.0, 1100.0], dtype=torch.float64)
ROOT = torch.tensor([[22.0, 0, 0], [6, 14, 0], [-4, 5, 31]], dtype=torch.float64)
COV = ROOT @ ROOT.T


def pixels_at(point: Tensor, views: tuple[int, ...], rig: Rig = RIG) -> Tensor:
    pixels = torch.full((len(rig), 2), torch.nan, dtype=torch.float64)
    seen = project_all(rig.at(0), point[None]).pixels[:, 0]
    pixels[list(views)] = seen[list(views)]
    return pixels


@pytest.mark.parametrize("views", [(0,), (1, 2), (0, 1, 3)])
def test_a_small_correction_is_the_least_sum_of_squares(views: tuple[int, ...]) -> None:
    pixels = pixels_at(MEAN + torch.tensor([8.0, 5.0, -9.0]), views)
    found = drag_point(RIG.at(0), MEAN, COV, pixels)
    assert found.widening == 1.0
    precision = torch.linalg.inv(COV).numpy()

    def squares(point: np.ndarray) -> float:
        off = point - MEAN.numpy()
        seen = project_all(RIG.at(0), torch.from_numpy(point)[None]).pixels[:, 0]
        return float(off @ precision @ off + ((seen - pixels)[list(views)] / DRAG_SIGMA_PX).square().sum())

    least = minimize(squares, MEAN.numpy(), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-13})
    assert np.allclose(found.mean.numpy(), least.x, atol=1e-4)
    jacobians = torch.cat([projection_jacobian(RIG.at(0)[view], found.mean[None])[0] for view in views])
    information = torch.linalg.inv(COV) + jacobians.T @ jacobians / DRAG_SIGMA_PX**2
    assert torch.allclose(found.cov @ information, torch.eye(3, dtype=torch.float64), atol=1e-7)


def test_the_pixel_of_the_estimate_itself_leaves_it_and_makes_it_surer() -> None:
    found = drag_point(RIG.at(0), MEAN, COV, pixels_at(MEAN, (2,)))
    assert torch.allclose(found.mean, MEAN, atol=1e-6)
    values = torch.linalg.eigvalsh(COV - found.cov)
    assert float(values[0]) > -1e-3
    assert float(values[1]) > 1


@given(far_mm=st.floats(200, 700), angle=st.floats(0, 2 * math.pi), lift=st.floats(-1, 1))
def test_a_large_correction_in_two_views_follows_the_hand(far_mm: float, angle: float, lift: float) -> None:
    way = torch.tensor([math.cos(angle), math.sin(angle), lift], dtype=torch.float64)
    true = MEAN + far_mm * way / way.norm()
    found = drag_point(RIG.at(0), MEAN, COV, pixels_at(true, (0, 1)))
    assert found.widening > 1
    assert float((found.mean - true).norm()) < 0.12 * far_mm
    assert float(found.residual_px[[0, 1]].max()) < DRAG_SIGMA_PX
    assert not bool(found.contradicts.any())
    off = found.mean - true
    assert float(off @ torch.linalg.inv(found.cov) @ off) < 9


def test_one_view_says_little_of_the_depth() -> None:
    true = MEAN + torch.tensor([300.0, -200.0, 100.0], dtype=torch.float64)
    one, two = (drag_point(RIG.at(0), MEAN, COV, pixels_at(true, views)) for views in ((0,), (0, 1)))
    assert float(one.residual_px[0]) < DRAG_SIGMA_PX
    assert float(torch.linalg.eigvalsh(one.cov)[-1]) > 3 * float(torch.linalg.eigvalsh(two.cov)[-1])


def test_views_that_contradict_one_another_are_named() -> None:
    pixels = pixels_at(MEAN, (0, 1, 2))
    assert not bool(drag_point(RIG.at(0), MEAN, COV, pixels).contradicts.any())
    pixels[2] += torch.tensor([90.0, 60.0])
    found = drag_point(RIG.at(0), MEAN, COV, pixels)
    assert bool(found.contradicts[2])
    assert not bool(found.contradicts[3])


def test_the_order_of_the_views_and_a_moved_world_do_not_matter() -> None:
    pixels = pixels_at(MEAN + 40, (0, 3))
    found = drag_point(RIG.at(0), MEAN, COV, pixels)
    order = [2, 3, 0, 1]
    turned = drag_point([RIG.at(0)[view] for view in order], MEAN, COV, pixels[order])
    assert torch.allclose(turned.mean, found.mean, atol=1e-5)
    assert torch.equal(torch.isnan(turned.residual_px), torch.isnan(found.residual_px[order]))


def test_nothing_dragged_and_a_camera_that_does_not_see_are_errors() -> None:
    with pytest.raises(ShapeError, match="expected a dragged position in at least one view"):
        drag_point(RIG.at(0), MEAN, COV, pixels_at(MEAN, ()))
    behind = 3 * RIG.at(0)[0].center  # type: ignore[attr-defined]
    with pytest.raises(ShapeError, match="does not see its harvested position"):
        drag_point(RIG.at(0), behind, COV, pixels_at(MEAN, (0,)))
