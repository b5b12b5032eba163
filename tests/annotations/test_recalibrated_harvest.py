"""A recalibration in a harvest: added columns, unchanged columns, and harvests of older versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from harvest_kit import as_version, make_records, make_rig, make_run
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.reselect import recalibrate, reselect
from poseharvest.annotations.schema import ANNOTATION_SCHEMA, COVARIANCE_ENTRIES, SCHEMA_VERSION
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.rules import SelectionRule
from poseharvest.skeleton.definitions import MPII16

CURVE = Recalibration(
    sigma_mm=(10.0, 20.0, 40.0),
    calibrated_mm=(20.0, 30.0, 30.0),
    level=0.9,
    num_values=500,
    fitted_on="another rig",
)


def write(path: Path, recalibration: Recalibration | None) -> Harvest:
    with HarvestWriter(
        path, rig=make_rig(), skeleton=MPII16, records_per_part=4, recalibration=recalibration
    ) as writer:
        for record in make_records(range(10)):
            writer.add(record)
        return writer.finish(make_run(10))


def joined(harvest: Harvest, name: str) -> np.ndarray:
    return np.concatenate([np.asarray(part.column(name)) for part in harvest.columns([name])])


def test_scale_times_the_covariance_is_the_recalibrated_one(tmp_path: Path) -> None:
    harvest = write(tmp_path / "h", CURVE)
    for row in harvest.iter_selected():
        wanted = CURVE.apply(row.annotations.cov)
        torch.testing.assert_close(row.calibrated_cov, wanted)
        torch.testing.assert_close(row.calibrated.cov, wanted)
        torch.testing.assert_close(row.sigma_mm, torch.linalg.det(wanted) ** (1 / 6))
        assert torch.equal(row.calibrated.mean, row.annotations.mean)
    sigma = np.concatenate([row.sigma_mm.numpy() for row in harvest.iter_selected()])
    np.testing.assert_allclose(joined(harvest, "sigma"), sigma)
    assert np.ptp(joined(harvest, "scale")) > 0.1


def test_the_posterior_and_the_selection_are_not_touched(tmp_path: Path) -> None:
    plain, scaled = write(tmp_path / "a", None), write(tmp_path / "b", CURVE)
    for name in (*COVARIANCE_ENTRIES, "x", "det", "selected"):
        np.testing.assert_array_equal(joined(plain, name), joined(scaled, name))
    before, after = plain.info.selection, scaled.info.selection
    assert before.joints == after.joints
    assert before.largest_sigma_mm != after.largest_sigma_mm  # how wide the cut is in millimetres follows the map


def test_the_map_is_recorded(tmp_path: Path) -> None:
    write(tmp_path / "h", CURVE)
    assert Harvest.open(tmp_path / "h").info.recalibration == CURVE


def test_without_a_map_sigma_is_the_posteriors(tmp_path: Path) -> None:
    harvest = write(tmp_path / "h", None)
    assert harvest.info.recalibration is None
    assert (joined(harvest, "scale") == 1).all()
    np.testing.assert_allclose(joined(harvest, "sigma"), joined(harvest, "det") ** (1 / 6))


@pytest.mark.parametrize("version", [1, 2])
def test_a_harvest_of_an_older_version_reads_as_one_without_a_map(tmp_path: Path, version: int) -> None:
    new, old = write(tmp_path / "new", None), as_version(version, write(tmp_path / "old", None))
    assert old.info.schema_version == version
    for name in ("scale", "sigma", "det", "x"):
        np.testing.assert_array_equal(joined(old, name), joined(new, name))
    for a, b in zip(old.iter_selected(), new.iter_selected(), strict=True):
        assert torch.equal(a.annotations.cov, b.annotations.cov)
        assert torch.equal(a.calibrated_cov, b.calibrated_cov)
        assert torch.equal(a.annotations.inside, b.annotations.inside)
    for a, b in zip(old.columns(None), new.columns(None), strict=True):
        assert a.equals(b)
    (part, *_) = old.columns(["sigma", "frame"])
    assert part.column_names == ["sigma", "frame"]


@pytest.mark.parametrize("version", [1, 2, SCHEMA_VERSION])
def test_a_finished_harvest_is_recalibrated_as_a_new_one_would_be(tmp_path: Path, version: int) -> None:
    wanted, harvest = write(tmp_path / "wanted", CURVE), write(tmp_path / "h", None)
    (harvest.path / "report").mkdir()
    recalibrated = recalibrate(as_version(version, harvest), CURVE)
    assert recalibrated.info.recalibration == CURVE
    assert recalibrated.info.model_copy(update={"created": wanted.info.created}) == wanted.info
    for a, b in zip(recalibrated.columns(None), wanted.columns(None), strict=True):
        assert a.equals(b)
    assert not (recalibrated.path / "report").exists()
    taken_away = recalibrate(recalibrated, None)
    assert taken_away.info.recalibration is None
    assert (joined(taken_away, "scale") == 1).all()


@pytest.mark.parametrize("version", [1, 2, SCHEMA_VERSION])
def test_selecting_anew_keeps_the_map_and_brings_the_folder_up_to_date(tmp_path: Path, version: int) -> None:
    curve = None if version == 1 else CURVE
    harvest = as_version(version, write(tmp_path / "h", curve))
    before = joined(harvest, "sigma")
    again = reselect(harvest, SelectionRule("trace", 0.5))
    assert again.info.schema_version == SCHEMA_VERSION
    assert again.info.recalibration == curve
    np.testing.assert_array_equal(joined(again, "sigma"), before)
    columns = pq.read_schema(next((again.path / "annotations").glob("*.parquet"))).names
    assert columns == ANNOTATION_SCHEMA.names
