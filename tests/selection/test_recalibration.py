"""A recalibration: its effect on a covariance, and its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from poseharvest.errors import FormatError, ShapeError
from poseharvest.selection.recalibration import Recalibration


def curve(**changes: object) -> Recalibration:
    fields = {
        "sigma_mm": (10.0, 20.0, 40.0),
        "calibrated_mm": (20.0, 30.0, 30.0),
        "level": 0.9,
        "num_values": 500,
        "fitted_on": "a test",
    }
    return Recalibration.model_validate(fields | changes)


def random_covariances(num: int) -> torch.Tensor:
    roots = torch.randn(num, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return roots @ roots.mT * torch.logspace(0, 5, num, dtype=torch.float64)[:, None, None]


def test_knots_are_met_and_the_ratio_is_kept_outside():
    sigma = torch.tensor([1.0, 10.0, 20.0, 40.0, 400.0], dtype=torch.float64)
    torch.testing.assert_close(curve().factors(sigma) * sigma, torch.tensor([2.0, 20, 30, 30, 300]).double())


def test_halfway_between_knots_in_logarithms():
    sigma = torch.tensor([200.0**0.5], dtype=torch.float64)
    torch.testing.assert_close(curve().factors(sigma) * sigma, torch.tensor([600.0**0.5]).double())


def test_a_covariance_keeps_its_shape_and_axes():
    cov = random_covariances(30)
    out = curve().apply(cov)
    ratio = out / cov
    torch.testing.assert_close(ratio, ratio[:, :1, :1].expand_as(ratio))


def test_the_order_by_determinant_is_never_turned_round():
    cov = random_covariances(200)
    before, after = torch.linalg.det(cov), torch.linalg.det(curve().apply(cov))
    assert (after[before.argsort()].diff() >= -1e-9 * after.max()).all()


def test_one_knot_is_one_factor():
    cov = random_covariances(5)
    torch.testing.assert_close(curve(sigma_mm=(10.0,), calibrated_mm=(30.0,)).apply(cov), 9 * cov)


def test_what_is_no_covariance_is_left_as_it_is():
    cov = torch.stack([torch.zeros(3, 3), torch.diag(torch.tensor([1.0, 1.0, -1.0]))]).double()
    assert torch.equal(curve().apply(cov), cov)


def test_any_leading_axes_and_the_dtype_are_kept():
    cov = random_covariances(6).reshape(2, 3, 3, 3).float()
    assert curve().apply(cov).shape == cov.shape
    assert curve().apply(cov).dtype == torch.float32
    with pytest.raises(ShapeError, match=r"covariances: expected shape \(N 3 3\)"):
        curve().apply(torch.eye(2))


def test_written_and_read_it_is_the_same(tmp_path: Path):
    curve().write(tmp_path / "r.json")
    assert Recalibration.read(tmp_path / "r.json") == curve()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"calibrated_mm": (1.0,)}, "expected one calibrated_mm a knot, 3, got 1"),
        ({"sigma_mm": (10.0, 10.0, 40.0)}, "sigma_mm must rise"),
        ({"calibrated_mm": (20.0, 30.0, 29.0)}, "calibrated_mm must not fall"),
        ({"sigma_mm": (0.0, 20.0, 40.0)}, "expected positive sigmas"),
        ({"level": 1.5}, "less than 1"),
        ({"format": "something else"}, "poseharvest recalibration"),
    ],
)
def test_nonsense_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        curve(**changes)


def test_a_bad_file_is_named(tmp_path: Path):
    with pytest.raises(FormatError, match=r"none.json: is no recalibration: cannot be read: No such file"):
        Recalibration.read(tmp_path / "none.json")
    path = tmp_path / "bad.json"
    path.write_text("{")
    with pytest.raises(FormatError, match=r"bad.json: is no recalibration: not valid JSON"):
        Recalibration.read(path)
    path.write_text(json.dumps(curve().model_dump() | {"level": 2}))
    with pytest.raises(FormatError, match=r"bad.json: is no recalibration: level: "):
        Recalibration.read(path)
