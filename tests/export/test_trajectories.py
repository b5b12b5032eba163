"""Trajectories of smooth positions: the default of formats for people, with short gaps filled."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.export import export
from poseharvest.export.even_frames import find_track
from poseharvest.export.registry import EXPORTERS, export_with_findings
from poseharvest.export.trajectories import poses_of
from poseharvest.export.trc import TrcOptions
from poseharvest.motion import MotionOptions
from poseharvest.skeleton.definitions import MPII16

FRAMES = (2, 3, 4, 6, *range(8, 24))
WRIST = MPII16.index("left_wrist")  # not supported in frames 10, 15 and 20


def steady(frames: tuple[int, ...] | range, persons: tuple[int, ...] = (0,)) -> list:
    """Random people who stand still, with noise of a few millimetres."""
    records = make_records(frames, persons)
    noise = torch.tensor(np.random.default_rng(1).normal(size=(len(records), 16, 3)) * 3)
    poses = {person: next(r.mean for r in records if r.person == person) for person in persons}
    return [replace(r, mean=poses[r.person] + noise[i]) for i, r in enumerate(records)]


@pytest.fixture(scope="module")
def smoothed(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """One person in frames 2 to 23, not found in frames 5 and 7, smoothed."""
    return write_harvest(tmp_path_factory.mktemp("smooth") / "h", steady(FRAMES), motion=MotionOptions(0.1))


def read_trc(path: Path) -> np.ndarray:
    """(F, 2 + 3 J) with frame and time first; NaN for an empty cell."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[6:]]
    return np.array([[float(cell) if cell else np.nan for cell in row[: 2 + 48]] for row in rows])


def as_written(harvest: Harvest, **options: object) -> tuple[np.ndarray, np.ndarray]:
    """Points (F, J, 3) mm as the exporters get them, NaN where not shown, and sigmas."""
    chosen = TrcOptions(**options)  # type: ignore[arg-type]
    poses = list(poses_of(harvest, find_track(harvest, chosen, "a file"), chosen))
    nothing = torch.full((16, 3), torch.nan, dtype=torch.float64)
    points = [nothing if p is None else torch.where(p.shown[:, None], p.points, torch.nan) for p in poses]
    sigmas = [nothing[:, 0] if p is None else torch.where(p.shown, p.sigma_mm, torch.nan) for p in poses]
    return torch.stack(points).numpy(), torch.stack(sigmas).numpy()


def test_smooth_positions_are_the_default_and_raw_ones_a_choice(smoothed: Harvest, tmp_path: Path) -> None:
    for exporter in (EXPORTERS["trc"], EXPORTERS["c3d"]):
        assert exporter.options().smooth is True
    rows = {row.annotations.frame: row for row in smoothed.iter_selected()}
    table = read_trc(export(smoothed, "trc", tmp_path / "a.trc", unit="mm", up="keep"))
    raw = read_trc(export(smoothed, "trc", tmp_path / "b.trc", unit="mm", up="keep", smooth=False))
    for line, raw_line in zip(table, raw, strict=True):
        frame = int(line[0]) - 1
        if frame in rows:
            np.testing.assert_allclose(line[2:].reshape(-1, 3), rows[frame].smooth.mean, rtol=1e-8)
            known = rows[frame].annotations.supported.numpy()
            np.testing.assert_allclose(
                raw_line[2:].reshape(-1, 3)[known], rows[frame].annotations.mean[known], rtol=1e-8
            )


def test_short_gaps_are_filled_in_the_smooth_file_alone(smoothed: Harvest) -> None:
    smooth, sigma = as_written(smoothed)
    raw, _ = as_written(smoothed, smooth=False)
    assert np.isfinite(smooth).all()
    assert np.isfinite(sigma).all()
    gaps = np.isnan(raw).any(-1)
    assert np.flatnonzero(gaps.all(1)).tolist() == [3, 5]  # frames 5 and 7
    assert np.flatnonzero(gaps[:, WRIST]).tolist() == [3, 5, 8, 13, 18]


def test_what_is_not_selected_can_be_left_out(smoothed: Harvest) -> None:
    smooth, _ = as_written(smoothed, blank="unselected")
    raw, _ = as_written(smoothed, blank="unselected", smooth=False)
    np.testing.assert_array_equal(np.isnan(smooth), np.isnan(raw))


def test_with_nothing_left_out_a_long_gap_shows_the_raw_position(tmp_path: Path) -> None:
    records = [
        replace(r, supported=torch.where(torch.arange(16) == WRIST, torch.tensor(not 8 <= r.frame < 16), True))
        for r in steady(range(24))
    ]
    harvest = write_harvest(tmp_path / "h", records, motion=MotionOptions(0.1))
    everything, _ = as_written(harvest, blank="none")
    supported, _ = as_written(harvest)
    raw, _ = as_written(harvest, blank="none", smooth=False)
    assert np.flatnonzero(np.isnan(supported[:, WRIST, 0])).tolist() == list(range(8, 16))
    np.testing.assert_array_equal(everything[8:16, WRIST], raw[8:16, WRIST])
    np.testing.assert_array_equal(np.where(np.isnan(supported), 0, everything), np.nan_to_num(supported))


def test_each_person_has_the_gaps_of_their_own(tmp_path: Path) -> None:
    records = [r for r in steady(range(1, 12), (0, 3)) if (r.frame, r.person) != (6, 3)]
    harvest = write_harvest(tmp_path / "h", records, motion=MotionOptions(0.1))
    mean = {person: as_written(harvest, person=person)[0] for person in (0, 3)}
    assert np.isfinite(mean[3]).all()
    assert np.abs(mean[3][5] - mean[3][4]).max() < 20
    assert np.abs(mean[0][5] - mean[3][5]).max() > 100


def test_a_harvest_without_smooth_positions_is_written_raw_with_a_note(harvest: Harvest, tmp_path: Path) -> None:
    exported = export_with_findings(harvest, "trc", tmp_path / "a.trc")
    assert [finding.topic for finding in exported.findings].count("smooth") == 1
    quiet = export_with_findings(harvest, "trc", tmp_path / "b.trc", smooth=False)
    assert "smooth" not in [finding.topic for finding in quiet.findings]
    assert (tmp_path / "a.trc").read_text() == (tmp_path / "b.trc").read_text()


def test_labels_for_networks_are_the_raw_positions(smoothed: Harvest, tmp_path: Path) -> None:
    unsmoothed = write_harvest(tmp_path / "h", steady(FRAMES))
    one, other = export(smoothed, "coco", tmp_path / "one"), export(unsmoothed, "coco", tmp_path / "other")
    names = [path.relative_to(one) for path in sorted((one / "annotations").iterdir())]
    assert len(names) == 3
    for name in names:
        contents = [json.loads((folder / name).read_text()) for folder in (one, other)]
        assert contents[0]["annotations"]
        assert contents[0]["annotations"] == contents[1]["annotations"]
