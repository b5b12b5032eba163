"""Smoothing of a harvest: its columns, the frames it fills, and what it leaves as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from harvest_kit import as_version, make_records, make_rig, make_run, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.reselect import reselect
from poseharvest.annotations.schema import SMOOTH_COLUMNS
from poseharvest.annotations.smoothing import joint_groups
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.errors import StoreError
from poseharvest.motion import JointTrack, MotionOptions, smooth
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.rules import SelectionRule
from poseharvest.skeleton.definitions import MPII16

OPTIONS = MotionOptions(longest_gap_s=0.11)
WRIST = MPII16.index("left_wrist")  # not supported in every fifth frame


def moving(records: Sequence[FrameAnnotations]) -> list[FrameAnnotations]:
    """The records with poses that move smoothly, but for noise of 5 mm; each person on a way of their own."""
    rng = np.random.default_rng(2)
    base = torch.tensor(rng.uniform(-500, 500, (16, 3)))
    out = []
    for record in records:
        way = 300 * np.sin(3 * record.time_s + record.person + np.arange(48).reshape(16, 3))
        out.append(replace(record, mean=base + torch.tensor(way + 5 * rng.normal(size=(16, 3)))))
    return out


def leaving_out(frames: Sequence[int], num_frames: int = 40, persons: Sequence[int] = (0,)) -> list[FrameAnnotations]:
    return moving([r for r in make_records(range(num_frames), persons) if r.frame not in frames])


def column(harvest: Harvest, name: str) -> np.ndarray:
    parts = [part.column(name).to_pylist() for part in harvest.columns([name])]
    return np.array([np.nan if value is None else value for part in parts for value in part])


def test_the_columns_are_the_smooth_positions_of_each_persons_supported_joints(tmp_path: Path) -> None:
    records = leaving_out((), persons=(0, 1))
    harvest = write_harvest(tmp_path / "h", records, motion=OPTIONS)
    for person in (0, 1):
        own = [record for record in records if record.person == person]
        arrays = [torch.stack([getattr(r, name) for r in own]).numpy() for name in ("mean", "cov", "supported")]
        assert harvest.info.motion is not None
        errors = harvest.info.motion.errors.error_times()
        track = JointTrack(np.array([r.time_s for r in own]), *arrays, errors)
        wanted = smooth(track, joint_groups(MPII16), OPTIONS)
        rows = [row.smooth for row in harvest.iter_selected() if row.annotations.person == person]
        np.testing.assert_allclose(torch.stack([row.mean for row in rows]), wanted.mean, rtol=1e-12)
        np.testing.assert_allclose(torch.stack([row.sigma_mm for row in rows]), wanted.sigma_mm, rtol=1e-12)
        np.testing.assert_array_equal(torch.stack([row.filled for row in rows]), wanted.filled)
        assert wanted.filled[:, WRIST].any()
    motion = harvest.info.motion
    assert [one.person for one in motion.people] == [0, 1]
    assert motion.people[1].joints[0].process_noise == pytest.approx(wanted.process_noise[0])


def test_raw_positions_and_the_selection_are_not_touched(tmp_path: Path) -> None:
    records = leaving_out((11, 12))
    raw = write_harvest(tmp_path / "raw", records)
    smoothed = write_harvest(tmp_path / "smooth", records, motion=OPTIONS)
    for a, b in zip(raw.columns(None), smoothed.columns(None), strict=True):
        added = [*SMOOTH_COLUMNS, "filled"]
        assert a.drop_columns(added).equals(b.drop_columns(added))
    assert raw.info.selection == smoothed.info.selection


def test_frames_without_a_record_are_rows_of_their_own(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", leaving_out((11, 12, 31)), motion=OPTIONS)
    filled = harvest.filled_poses()
    assert [pose.frame for pose in filled] == [11, 12, 31]
    assert [pose.time_s for pose in filled] == pytest.approx([0.22, 0.24, 0.62])
    head = MPII16.index("head_top")
    recorded = {row.annotations.frame: row.smooth for row in harvest.iter_selected()}
    for pose, before, after in zip(filled, (10, 10, 30), (13, 13, 32), strict=True):
        assert pose.filled[head]
        both = [torch.linalg.vector_norm(pose.mean[head] - recorded[k].mean[head]) for k in (before, after)]
        assert max(both) < 120  # at most 900 mm/s for 0.06 s, and noise
    assert harvest.info.motion is not None
    assert harvest.info.motion.filled_records == 3
    assert harvest.info.motion.longest_filled_s == pytest.approx(0.08)  # the left wrist is not supported in frame 10


def test_pandas_puts_both_tables_together(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", leaving_out((11, 12)), motion=OPTIONS)
    rows = pd.concat([pd.read_parquet(harvest.path / name) for name in ("annotations", "filled")])
    smooth_rows = rows[rows.joint == "pelvis"].sort_values("frame")
    assert smooth_rows.frame.tolist() == list(range(40))
    assert smooth_rows.x_smooth.notna().all()
    assert smooth_rows.x.isna().tolist() == smooth_rows.filled.tolist() == [k in {11, 12} for k in range(40)]


def test_a_gap_that_is_too_long_stays_empty(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", leaving_out(range(11, 17)), motion=OPTIONS)  # 0.14 s
    assert harvest.filled_poses() == []
    assert harvest.info.motion is not None
    assert len(pd.read_parquet(harvest.path / "filled")) == 0


def test_the_cut_into_parts_does_not_matter(tmp_path: Path) -> None:
    records = leaving_out((11, 12), persons=(0, 3))
    few = write_harvest(tmp_path / "few", records, motion=OPTIONS, records_per_part=100)
    many = write_harvest(tmp_path / "many", records, motion=OPTIONS, records_per_part=3)
    for name in (*SMOOTH_COLUMNS, "filled"):
        np.testing.assert_array_equal(column(few, name), column(many, name))


def test_every_nth_frame_is_no_gap(tmp_path: Path) -> None:
    records = [record for record in leaving_out(()) if record.frame % 4 == 0]
    harvest = write_harvest(tmp_path / "h", [r for r in records if r.frame != 20], motion=MotionOptions(0.2))
    assert [pose.frame for pose in harvest.filled_poses()] == [20]


def test_frames_that_do_not_follow_one_another_are_not_smoothed(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", leaving_out(()))
    assert harvest.info.motion is None
    assert np.isnan(column(harvest, "x_smooth")).all()
    assert not column(harvest, "filled").any()
    assert not (harvest.path / "filled").exists()
    (first, *_) = harvest.iter_selected()
    assert not first.smooth.has_position.any()


def test_a_missing_position_is_null(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", leaving_out(()), motion=MotionOptions(0.0))
    table = pq.read_table(harvest.path / "annotations", columns=["joint", "frame", "x_smooth", "sigma_smooth"])
    assert table.column("x_smooth").null_count == table.column("sigma_smooth").null_count == 8
    assert not np.isnan(table.column("x_smooth").drop_null().to_numpy()).any()


def test_the_recalibrated_covariances_are_the_measurements(tmp_path: Path) -> None:
    curve = Recalibration(
        sigma_mm=(1.0, 40.0), calibrated_mm=(1.0, 400.0), level=0.9, num_values=500, fitted_on="another rig"
    )
    records = leaving_out(())
    with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16, recalibration=curve) as writer:
        for record in records:
            writer.add(record)
        harvest = writer.finish(make_run(40), motion=OPTIONS)
    mean, cov, known = (torch.stack([getattr(r, name) for r in records]) for name in ("mean", "cov", "supported"))
    times = np.array([r.time_s for r in records])
    assert harvest.info.motion is not None
    errors = harvest.info.motion.errors.error_times()
    track = JointTrack(times, mean.numpy(), curve.apply(cov).numpy(), known.numpy(), errors, is_calibrated=True)
    wanted = smooth(track, joint_groups(MPII16), OPTIONS)
    rows = torch.stack([row.smooth.mean for row in harvest.iter_selected()])
    np.testing.assert_allclose(rows, wanted.mean, rtol=1e-9)
    raw = smooth(replace(track, cov=cov.numpy()), joint_groups(MPII16), OPTIONS)
    assert np.nanmax(np.abs(wanted.mean - raw.mean)) > 0.1


def test_selecting_anew_keeps_the_smooth_positions(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", leaving_out((11, 12)), motion=OPTIONS)
    before = {name: column(harvest, name) for name in SMOOTH_COLUMNS}
    again = reselect(harvest, SelectionRule("trace", 0.5))
    for name in SMOOTH_COLUMNS:
        np.testing.assert_array_equal(column(again, name), before[name])
    assert [pose.frame for pose in again.filled_poses()] == [11, 12]
    assert again.info.motion == harvest.info.motion


@pytest.mark.parametrize("version", [1, 2])
def test_older_harvests_have_no_smooth_positions(tmp_path: Path, version: int) -> None:
    harvest = as_version(version, write_harvest(tmp_path / "h", leaving_out(())))
    assert harvest.info.motion is None
    assert all(not row.smooth.has_position.any() for row in harvest.iter_selected())
    assert harvest.filled_poses() == []
    (part, *_) = harvest.columns(["filled", "x_smooth"])
    assert part.column("x_smooth").null_count == part.num_rows


def test_a_missing_table_of_filled_frames_is_named(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", leaving_out((11,)), motion=OPTIONS)
    (harvest.path / "filled/part-00000.parquet").unlink()
    with pytest.raises(StoreError, match=r"filled: missing part-00000\.parquet of 1 parts"):
        Harvest.open(harvest.path)
