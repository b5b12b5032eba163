"""The harvest in Python: its arrays are the records, whatever way they are read; it exports, reports and judges."""

from __future__ import annotations

import gc
import html
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import poseharvest
from export_kit import STRANGE
from harvest_kit import make_records, write_harvest
from people_kit import ListedPeople
from poseharvest import Harvest
from poseharvest.analysis.make_harvest import TemporaryHarvest
from poseharvest.annotations.reader import Harvest as StoredHarvest
from poseharvest.errors import ConfigError, HarvestError, StoreError
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.motion import MotionOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.selection.recalibration import Recalibration
from poseharvest.simulation import CLEAN, random_rig, simulate
from walker_kit import Recipe, write_walk

QUICK = HarvestOptions(inference=InferenceOptions(resolution=24), warm_up_frames=4, num_previews=1)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredHarvest:
    """Persons 1 and 4 in frames with gaps; person 4 is missing in some, and everything is smoothed."""
    records = [r for r in make_records((2, 3, 5, 6, 7, 9), (1, 4)) if (r.frame, r.person) not in {(3, 4), (9, 1)}]
    return write_harvest(tmp_path_factory.mktemp("h") / "two", records, motion=MotionOptions(0.1))


@pytest.fixture(scope="module")
def opened(stored: StoredHarvest) -> Harvest:
    return Harvest.open(stored.path)


def test_every_number_of_the_arrays_is_that_of_a_record(opened: Harvest, stored: StoredHarvest) -> None:
    """A second way: one record at a time, through another function of the reader."""
    assert opened.frame_numbers.tolist() == [2, 3, 5, 6, 7, 9]
    assert opened.person_numbers.tolist() == [1, 4]
    assert opened.positions.shape == (len(opened), 2, 16, 3)
    left = np.ones((6, 2), dtype=bool)
    for row in stored.iter_selected():
        record = row.annotations
        place = opened.frame_numbers.tolist().index(record.frame), [1, 4].index(record.person)
        left[place] = False
        shown = record.supported.numpy()
        assert opened.times_s[place[0]] == record.time_s
        np.testing.assert_array_equal(opened.supported[place], shown)
        np.testing.assert_array_equal(opened.selected[place], row.selected)
        for values, expected in (
            (opened.positions, record.mean),
            (opened.covariances, row.calibrated_cov),
            (opened.sigmas_mm, row.sigma_mm),
        ):
            np.testing.assert_allclose(values[place][shown], expected[shown], rtol=1e-12)
            assert np.isnan(values[place][~shown]).all()
        np.testing.assert_array_equal(opened.smooth_positions[place], row.smooth.mean)
        np.testing.assert_array_equal(opened.smooth_sigmas_mm[place], row.smooth.sigma_mm)
    assert np.argwhere(left).tolist() == [[1, 1], [5, 0]]
    for values in (opened.positions, opened.covariances, opened.sigmas_mm):
        assert np.isnan(values[left]).all()
    assert not opened.selected[left].any()


def test_a_gap_of_one_person_is_filled_in_the_smooth_arrays_alone(opened: Harvest) -> None:
    gap = opened.frame_numbers.tolist().index(3), 1
    assert np.isfinite(opened.smooth_positions[gap]).all(axis=-1).sum() > 10
    assert np.isnan(opened.positions[gap]).all()


def test_frames_come_in_order_with_everybody_in_them(opened: Harvest) -> None:
    frames = list(opened)
    assert len(frames) == len(opened) == 6
    assert [frame.frame for frame in frames] == opened.frame_numbers.tolist()
    people = [[row.annotations.person for row in frame.people] for frame in frames]
    assert people == [[1, 4], [1], [1, 4], [1, 4], [1, 4], [4]]


def test_covariances_are_those_of_the_recalibration(tmp_path: Path) -> None:
    records = make_records(range(4))
    plain = Harvest.open(write_harvest(tmp_path / "plain", records).path)
    twice = Recalibration(sigma_mm=(5.0,), calibrated_mm=(10.0,), level=0.9, num_values=100, fitted_on="a test")
    honest = write_walk(tmp_path / "honest", Recipe(num_frames=4, recalibration=twice))
    other = Harvest.open(honest.path)
    raw = np.stack([record.cov.numpy() for record in honest.iter_frames()])[:, None]
    np.testing.assert_allclose(other.covariances, 4 * raw, rtol=1e-9)
    np.testing.assert_allclose(other.sigmas_mm, np.linalg.det(other.covariances) ** (1 / 6), rtol=1e-9)
    np.testing.assert_allclose(
        plain.sigmas_mm[plain.supported], np.linalg.det(plain.covariances[plain.supported]) ** (1 / 6), rtol=1e-6
    )


def test_arrays_are_read_once_and_only_when_they_are_used(stored: StoredHarvest) -> None:
    opened = Harvest.open(stored.path)
    assert not {"positions", "covariances", "selected"} & set(vars(opened))
    assert opened.positions is opened.positions
    assert "covariances" not in vars(opened)


def test_the_object_is_short_in_words_and_escapes_names(opened: Harvest, tmp_path: Path) -> None:
    assert repr(opened).startswith('<Harvest "trial": 6 of 10 frames, 2 people, 16 joints, 3 views, ')
    assert len(repr(opened)) < 120
    page = opened._repr_html_()
    assert "<th>people</th><td>2</td>" in page
    assert "warning: the man is 3 m tall" in page
    evil = "<script>alert(1)</script>"
    named = Harvest.open(write_walk(tmp_path / "h", Recipe(num_frames=3, pictured=(), capture_name=evil)).path)
    assert evil not in named._repr_html_()
    assert html.escape(evil) in named._repr_html_()


@pytest.mark.parametrize("strange", STRANGE)
def test_strange_harvests_have_arrays_a_report_and_a_judgement(strange: str, tmp_path: Path) -> None:
    harvest = Harvest.open(STRANGE[strange](tmp_path / "h").path)
    assert harvest
    shape = (len(harvest), len(harvest.person_numbers), 16)
    assert harvest.positions.shape == (*shape, 3)
    assert harvest.covariances.shape == (*shape, 3, 3)
    assert len(list(harvest)) == len(harvest)
    known = np.isfinite(harvest.positions).all(-1)
    np.testing.assert_array_equal(known, harvest.supported)
    assert not (harvest.selected & ~harvest.supported).any()
    page = harvest.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert harvest.info.capture.name in page
    assert [check.name for check in harvest.evaluate().checks][-1] == "smoothness"


def test_the_report_goes_into_the_harvest_by_default(tmp_path: Path) -> None:
    harvest = Harvest.open(write_harvest(tmp_path / "h", make_records(range(3))).path)
    assert harvest.report() == harvest.path / "report" / "index.html"


def test_truth_may_be_a_table(opened: Harvest) -> None:
    checks = opened.evaluate(opened.path / "annotations" / "part-00000.parquet").checks
    overall = next(check for check in checks if "all joints" in check.scores).scores["all joints"]
    assert overall.value == pytest.approx(0, abs=1e-9)


def test_exports_go_by_their_names(opened: Harvest, tmp_path: Path) -> None:
    assert opened.export("csv", tmp_path / "a.csv", layout="wide").read_text().startswith("frame,time_s,person,")
    with pytest.raises(ConfigError, match=r'format: expected one of .*, got "xls"'):
        opened.export("xls", tmp_path / "b")


def test_a_saved_harvest_is_the_same(opened: Harvest, tmp_path: Path) -> None:
    copy = opened.save(tmp_path / "copy")
    assert type(copy) is Harvest
    assert copy.info == opened.info
    np.testing.assert_array_equal(copy.positions, opened.positions)
    with pytest.raises(StoreError, match="copy: already exists"):
        opened.save(tmp_path / "copy")
    assert opened.save(tmp_path / "copy", overwrite=True).info == opened.info


def test_a_harvest_without_a_folder_lives_as_long_as_the_object(tmp_path: Path) -> None:
    rig = random_rig(3, torch.Generator().manual_seed(8), image_size=(240, 320))
    simulation = simulate(5, 1, rig=rig, errors=CLEAN, render=False)
    inside = poseharvest.harvest(simulation.capture, simulation.detector, options=QUICK)
    outside = poseharvest.harvest(simulation.capture, simulation.detector, tmp_path / "h", options=QUICK)
    assert (type(inside), type(outside)) == (TemporaryHarvest, Harvest)
    np.testing.assert_array_equal(inside.positions, outside.positions)
    with pytest.raises(ConfigError, match="this harvest has no folder: name the HTML file"):
        inside.report()
    assert inside.report(tmp_path / "page.html").is_file()
    assert inside.export("trc", tmp_path / "a.trc").is_file()
    assert type(inside.save(tmp_path / "saved")) is Harvest
    folder = inside.path
    del inside
    gc.collect()
    assert not folder.parent.exists()
    np.testing.assert_array_equal(Harvest.open(tmp_path / "saved").positions, outside.positions)


@pytest.mark.parametrize("how", ["overwrite", "resume"])
def test_without_a_folder_nothing_is_gone_on_with(how: str) -> None:
    simulation = simulate(2, 1, render=False)
    with pytest.raises(ConfigError, match="out: expected a folder to overwrite or to go on with, got none"):
        poseharvest.harvest(simulation.capture, simulation.detector, **{how: True})


@pytest.mark.parametrize("people", [1, None])
def test_nobody_is_said_in_one_line_and_leaves_nothing(people: int | None, tmp_path: Path) -> None:
    """There is no harvest of nobody: what is missing is said where it would be made."""
    rig = random_rig(3, torch.Generator().manual_seed(8), image_size=(240, 320))
    simulation = simulate(5, 1, rig=rig, errors=CLEAN, render=False)
    empty = ListedPeople(rig, lambda frame, view: [])
    with pytest.raises(HarvestError, match="nobody was found in frames 0 to 4: no two views agree") as caught:
        poseharvest.harvest(simulation.capture, empty, tmp_path / "h", options=replace(QUICK, people=people))
    assert "\n" not in str(caught.value)
    with pytest.raises(HarvestError):
        poseharvest.harvest(simulation.capture, empty, options=replace(QUICK, people=people))
    assert list(tmp_path.iterdir()) == []
