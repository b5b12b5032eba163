"""A recalibration in a harvest: added columns, unchanged columns, and harvests of version 1."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from harvest_kit import make_records, make_rig, make_run
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.reselect import recalibrate, reselect
from poseharvest.annotations.schema import ADDED_COLUMNS, COVARIANCE_ENTRIES
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.select import SelectionRule
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


def as_version_1(harvest: Harvest) -> Harvest:
    """Remove the columns and keys that version 1 lacks."""
    for path in (harvest.path / "annotations").glob("*.parquet"):
        pq.write_table(pq.read_table(path).drop_columns(list(ADDED_COLUMNS)), path, write_page_checksum=True)
    path = harvest.path / "harvest.json"
    content = json.loads(path.read_text())
    del content["recalibration"]
    path.write_text(json.dumps(content | {"schema_version": 1}))
    return Harvest.open(harvest.path)


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


def test_a_harvest_of_version_1_reads_as_one_without_a_map(tmp_path: Path) -> None:
    new, old = write(tmp_path / "new", None), as_version_1(write(tmp_path / "old", None))
    assert old.info.schema_version == 1
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


@pytest.mark.parametrize("first_version", [True, False])
def test_a_finished_harvest_is_recalibrated_as_a_new_one_would_be(tmp_path: Path, first_version: bool) -> None:
    wanted, harvest = write(tmp_path / "wanted", CURVE), write(tmp_path / "h", None)
    (harvest.path / "report").mkdir()
    recalibrated = recalibrate(as_version_1(harvest) if first_version else harvest, CURVE)
    assert recalibrated.info.recalibration == CURVE
    assert recalibrated.info.model_copy(update={"created": wanted.info.created}) == wanted.info
    for a, b in zip(recalibrated.columns(None), wanted.columns(None), strict=True):
        assert a.equals(b)
    assert not (recalibrated.path / "report").exists()
    taken_away = recalibrate(recalibrated, None)
    assert taken_away.info.recalibration is None
    assert (joined(taken_away, "scale") == 1).all()


@pytest.mark.parametrize("first_version", [True, False])
def test_selecting_anew_keeps_the_map_and_brings_the_folder_up_to_date(tmp_path: Path, first_version: bool) -> None:
    harvest = write(tmp_path / "h", None if first_version else CURVE)
    if first_version:
        harvest = as_version_1(harvest)
    before = joined(harvest, "sigma")
    again = reselect(harvest, SelectionRule("trace", 0.5))
    assert again.info.schema_version == 2
    assert again.info.recalibration == (None if first_version else CURVE)
    np.testing.assert_array_equal(joined(again, "sigma"), before)
    assert set(ADDED_COLUMNS) <= set(pq.read_schema(next((again.path / "annotations").glob("*.parquet"))).names)
