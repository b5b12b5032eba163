"""CSV read back by another tool holds the harvest's numbers."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import harvest_kit
from harvest_kit import make_records, make_rig, make_run, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.errors import ConfigError
from poseharvest.export.registry import export, export_with_findings
from poseharvest.geometry.rig import Rig
from poseharvest.motion import MotionOptions
from poseharvest.selection.recalibration import Recalibration
from poseharvest.skeleton.definitions import MPII16

pandas = pytest.importorskip("pandas")


def test_long_holds_every_number(harvest_of_two: Harvest, tmp_path: Path) -> None:
    # By default older versions of pandas read the last digit by guess.
    table = pandas.read_csv(export(harvest_of_two, "csv", tmp_path / "a.csv"), float_precision="round_trip")
    rows = list(harvest_of_two.iter_selected())
    assert len(table) == len(rows) * 16
    for index in (0, 5, 11):
        part, record = table.iloc[index * 16 : index * 16 + 16], rows[index].annotations
        assert (part.frame == record.frame).all()
        assert (part.person == record.person).all()
        assert part.joint.tolist() == list(harvest_of_two.skeleton.joints)
        assert part.selected.tolist() == rows[index].selected.tolist()
        shown = record.supported.numpy()
        np.testing.assert_array_equal(part[["x_mm", "y_mm", "z_mm"]].to_numpy()[shown], record.mean.numpy()[shown])
        np.testing.assert_array_equal(part.cov_xz_mm2.to_numpy()[shown], record.cov[:, 0, 2].numpy()[shown])
        np.testing.assert_array_equal(part.det_mm6.isna(), ~shown)
        np.testing.assert_array_equal(part[["top/side_u_px", "top/side_v_px"]], record.pixels[2].numpy())
        assert part.right_inside.tolist() == record.inside[1].tolist()


def test_wide_in_metres_without_unreliable_joints(harvest: Harvest, tmp_path: Path) -> None:
    path = export(harvest, "csv", tmp_path / "a.csv", layout="wide", unit="m", blank="unselected")
    table = pandas.read_csv(path)
    rows = list(harvest.iter_selected())
    assert table.shape == (len(rows), 3 + 11 * 16)
    for row, (_, cells) in zip(rows, table.iterrows(), strict=True):
        assert cells.time_s == row.annotations.time_s
        for k, joint in enumerate(harvest.skeleton.joints):
            position = cells[[f"{joint}_{axis}_m" for axis in "xyz"]].to_numpy(float)
            assert cells[f"{joint}_selected"] == bool(row.selected[k])
            if row.selected[k]:
                np.testing.assert_allclose(position * 1000, row.annotations.mean[k].numpy(), rtol=1e-12)
                assert cells[f"{joint}_det_m6"] * 1e18 == pytest.approx(float(row.annotations.det[k]))
            else:
                assert np.isnan(position).all()


def test_blank_none_keeps_everything(harvest: Harvest, tmp_path: Path) -> None:
    table = pandas.read_csv(export(harvest, "csv", tmp_path / "a.csv", blank="none"))
    assert not table.x_mm.isna().any()
    assert not table.supported.all()


@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("bom", [False, True])
def test_a_decimal_comma_holds_the_same_numbers(layout: str, bom: bool, harvest: Harvest, tmp_path: Path) -> None:
    plain = export(harvest, "csv", tmp_path / "plain.csv", layout=layout)
    comma = export(harvest, "csv", tmp_path / "comma.csv", layout=layout, decimal=",", bom=bom)
    assert comma.read_bytes().startswith(b"\xef\xbb\xbf") == bom
    assert "." not in comma.read_text(encoding="utf-8-sig").replace("top/side", "")
    encoding = "utf-8-sig" if bom else "utf-8"
    pandas.testing.assert_frame_equal(
        pandas.read_csv(comma, sep=";", decimal=",", encoding=encoding),
        pandas.read_csv(plain),
    )


def test_a_number_that_is_missing_is_an_empty_cell(tmp_path: Path) -> None:
    record = make_records([0])[0]
    record.pixels[0, 0] = torch.nan
    path = export(write_harvest(tmp_path / "h", [record]), "csv", tmp_path / "a.csv")
    assert "nan" not in path.read_text()
    assert np.isnan(pandas.read_csv(path).left_u_px[0])


def test_a_range_of_frames(harvest_of_two: Harvest, tmp_path: Path) -> None:
    table = pandas.read_csv(export(harvest_of_two, "csv", tmp_path / "a.csv", start=2, stop=4))
    assert table.frame.unique().tolist() == [2, 3]
    nothing = export_with_findings(harvest_of_two, "csv", tmp_path / "b.csv", start=90)
    assert nothing.findings[0].message.startswith("no pose lies in these frames")


def test_wrong_options(harvest: Harvest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='layout: expected one of long, wide, got "tall"'):
        export(harvest, "csv", tmp_path / "a.csv", layout="tall")
    with pytest.raises(ConfigError, match='unit: expected one of mm, cm, m, got "ft"'):
        export(harvest, "csv", tmp_path / "a.csv", unit="ft")
    with pytest.raises(ConfigError, match='blank: expected one of none, unsupported, unselected, got "bad"'):
        export(harvest, "csv", tmp_path / "a.csv", blank="bad")
    with pytest.raises(ConfigError, match=r'decimal: expected one of \., ,, got ";"'):
        export(harvest, "csv", tmp_path / "a.csv", decimal=";")


def test_sigma_is_recalibrated_and_the_covariance_is_not(tmp_path: Path) -> None:
    twice = Recalibration(sigma_mm=(5.0,), calibrated_mm=(10.0,), level=0.9, num_values=100, fitted_on="a test")
    records = make_records(range(3))
    with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16, recalibration=twice) as writer:
        for record in records:
            writer.add(record)
        harvest = writer.finish(make_run(3))
    table = pandas.read_csv(export(harvest, "csv", tmp_path / "a.csv", blank="none", unit="cm"))
    det, cov = (np.stack([getattr(r, name).numpy() for r in records]).ravel() for name in ("det", "cov"))
    np.testing.assert_allclose(table.det_cm6 * 1e6, det)
    np.testing.assert_allclose(table.cov_xx_cm2 * 100, cov[::9])
    np.testing.assert_allclose(table.scale, 4)
    np.testing.assert_allclose(table.sigma_cm * 10, 2 * det ** (1 / 6))
    export(harvest, "coco", tmp_path / "coco")
    content = json.loads((tmp_path / "coco/annotations/left.json").read_text())
    assert content["info"]["poseharvest"]["recalibrated_on"] == "a test"
    extras = content["annotations"][0]["poseharvest"]
    np.testing.assert_allclose(extras["sigma_mm"], 2 * np.array(extras["det_mm6"]) ** (1 / 6), rtol=1e-6)
    np.testing.assert_allclose(extras["scale"], 4)


@pytest.fixture(scope="module")
def smoothed(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """Person 0 in frames 0 to 9 without frame 4, person 3 in all of them; a random walk, smoothed."""
    records = [record for record in make_records(range(10), (0, 3)) if (record.frame, record.person) != (4, 0)]
    return write_harvest(tmp_path_factory.mktemp("csv") / "h", records, motion=MotionOptions())


def test_long_holds_the_smooth_positions_beside_the_raw_ones(smoothed: Harvest, tmp_path: Path) -> None:
    table = pandas.read_csv(export(smoothed, "csv", tmp_path / "a.csv", unit="cm"))
    places = [(frame, person) for frame in range(10) for person in (0, 3)]
    assert table.groupby(["frame", "person"], sort=False).ngroups == len(places)
    assert list(table[["frame", "person"]].drop_duplicates().itertuples(index=False, name=None)) == places
    columns = ["x_smooth_cm", "y_smooth_cm", "z_smooth_cm"]
    for row in smoothed.iter_selected():
        record = row.annotations
        part = table[(table.frame == record.frame) & (table.person == record.person)]
        np.testing.assert_allclose(part[columns] * 10, row.smooth.mean, rtol=1e-12)
        np.testing.assert_allclose(part.sigma_smooth_cm * 10, row.smooth.sigma_mm, rtol=1e-12)
        assert part.filled.tolist() == row.smooth.filled.tolist()
    (pose,) = smoothed.filled_poses()
    gap = table[(table.frame == 4) & (table.person == 0)]
    np.testing.assert_allclose(gap[columns] * 10, pose.mean, rtol=1e-12)
    assert gap.filled.all()
    assert not gap.supported.any()
    assert gap.left_inside.isna().all()
    assert gap.x_cm.isna().all()


def test_wide_has_a_row_for_a_filled_frame(smoothed: Harvest, tmp_path: Path) -> None:
    table = pandas.read_csv(export(smoothed, "csv", tmp_path / "a.csv", layout="wide"))
    assert len(table) == 20
    (pose,) = smoothed.filled_poses()
    gap = table[(table.frame == 4) & (table.person == 0)].iloc[0]
    for k, joint in enumerate(smoothed.skeleton.joints):
        position = [gap[f"{joint}_{axis}_smooth_mm"] for axis in "xyz"]
        np.testing.assert_allclose(position, pose.mean[k], rtol=1e-12)
        assert np.isnan(gap[f"{joint}_x_mm"])
    selected = pandas.read_csv(export(smoothed, "csv", tmp_path / "b.csv", layout="wide", blank="unselected"))
    wanted = selected[[f"{joint}_selected" for joint in smoothed.skeleton.joints]].to_numpy()
    smooth = selected[[f"{joint}_x_smooth_mm" for joint in smoothed.skeleton.joints]].notna().to_numpy()
    np.testing.assert_array_equal(smooth, wanted)


def test_without_smoothing_its_cells_are_empty(harvest: Harvest, tmp_path: Path) -> None:
    table = pandas.read_csv(export(harvest, "csv", tmp_path / "a.csv"))
    assert table.x_smooth_mm.isna().all()
    assert not table.filled.any()


def test_a_view_called_like_a_formula_is_none_for_a_spreadsheet(tmp_path, monkeypatch):
    rig = harvest_kit.make_rig()
    renamed = Rig((replace(rig.cameras[0], name="=1+1"), *rig.cameras[1:]))
    monkeypatch.setattr(harvest_kit, "make_rig", lambda: renamed)
    harvest = harvest_kit.write_harvest(tmp_path / "harvest", harvest_kit.make_records(range(2)))
    with export(harvest, "csv", tmp_path / "a.csv").open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.reader(stream))
    assert "'=1+1_u_px" in rows[0]
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row)
