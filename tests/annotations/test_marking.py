"""Selection on a harvest: the column `selected`, the summary in harvest.json, and a new selection."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.reselect import reselect
from poseharvest.errors import StoreError
from poseharvest.selection.measures import MEASURES
from poseharvest.selection.rules import SelectionRule
from poseharvest.selection.telling_poses import Postures, certainties, telling_poses
from poseharvest.skeleton.definitions import MPII16

_WRIST = MPII16.index("left_wrist")  # unsupported in every fifth frame


def _selected(harvest: Harvest) -> NDArray[np.bool_]:
    return torch.stack([row.selected for row in harvest.iter_selected()]).numpy()


@pytest.mark.parametrize("persons", [(0,), (0, 1), (3, 7, 40)])
def test_the_best_seventy_percent_of_each_joint(tmp_path: Path, persons: tuple[int, ...]) -> None:
    """The share holds for each person: a less certain person keeps an equal share."""
    records = [
        replace(record, cov=record.cov * (1 + record.person) ** 2)
        for record in make_records(range(20), persons=persons)
    ]
    harvest = write_harvest(tmp_path / "h", records)
    selected = _selected(harvest)
    det = torch.stack([record.det for record in records]).numpy()
    supported = torch.stack([record.supported for record in records]).numpy()
    whose = np.array([record.person for record in records])
    for person in persons:
        of = whose == person
        assert selected[of].sum(0).tolist() == [11 if joint == _WRIST else 14 for joint in range(16)]
        for joint in range(16):
            selected_det, dropped = (det[of & flags[:, joint], joint] for flags in (selected, supported & ~selected))
            assert selected_det.max() < dropped.min()
    assert not (selected & ~supported).any()


def test_of_several_people_as_of_each_alone(tmp_path: Path) -> None:
    """The result does not depend on the size of the parts."""
    records = make_records(range(17), persons=(0, 1, 2))
    together = write_harvest(tmp_path / "h", records, records_per_part=5)
    for person in (0, 1, 2):
        own = [record for record in records if record.person == person]
        alone = write_harvest(tmp_path / str(person), own)
        np.testing.assert_array_equal(_selected(together)[person::3], _selected(alone))
        assert together.info.selection.people[person].person == person
        assert together.info.selection.people[person].joints == alone.info.selection.joints
        assert alone.info.selection.people == ()


def test_everybody_together_is_the_sum_and_the_worst(tmp_path: Path) -> None:
    records = make_records(range(10), persons=(0, 1))
    for rule, worst in ((SelectionRule("det", 0.5), max), (SelectionRule("score", 0.5), min)):
        selection = write_harvest(tmp_path / rule.measure, records, rule=rule).info.selection
        first, second = (one.joints for one in selection.people)
        for all_of_them, one, other in zip(selection.joints, first, second, strict=True):
            assert all_of_them.supported == one.supported + other.supported
            assert all_of_them.selected == one.selected + other.selected == (8 if one.joint == "left_wrist" else 10)
            assert one.threshold is not None
            assert other.threshold is not None
            assert all_of_them.threshold == worst(one.threshold, other.threshold)


def test_how_few_poses_tell_enough_is_that_of_all_poses_however_they_are_cut(tmp_path: Path) -> None:
    records = [replace(one, mean=one.mean.roll(one.frame // 5, 0)) for one in make_records(range(20), persons=(0, 1))]
    arrays = [torch.stack([getattr(one, name) for one in records]).numpy() for name in ("mean", "supported", "det")]
    postures, sigma = Postures.of(arrays[0], arrays[1]), arrays[2] ** (1 / 6)
    wanted = telling_poses(postures, certainties(sigma, arrays[1])).num_enough
    for size in (100, 7):
        harvest = write_harvest(tmp_path / f"h{size}", records, records_per_part=size)
        assert harvest.info.selection.telling is not None
        assert harvest.info.selection.telling.model_dump() == {"enough": wanted, "poses": 40}


def test_does_not_depend_on_the_parts(tmp_path: Path) -> None:
    records = make_records(range(13))
    one, many = (write_harvest(tmp_path / str(n), records, records_per_part=n) for n in (1, 100))
    np.testing.assert_array_equal(_selected(one), _selected(many))


def test_high_scores_are_the_good_ones(tmp_path: Path) -> None:
    records = make_records(range(9))
    harvest = write_harvest(tmp_path / "h", records, rule=SelectionRule("peak_score", 0.5))
    tables = list(harvest.columns(["views"]))
    values = np.concatenate([MEASURES["peak_score"].values(table, 3) for table in tables]).reshape(9, 16)
    selected = _selected(harvest)
    for joint in set(range(16)) - {_WRIST}:
        assert np.nanmin(values[selected[:, joint], joint]) > np.nanmax(values[~selected[:, joint], joint])
    threshold = harvest.info.selection.joints[0].threshold
    assert threshold == values[selected[:, 0], 0].min()


def test_harvest_json_tells_how_it_was_selected(tmp_path: Path) -> None:
    write_harvest(tmp_path / "h", make_records(range(10)))
    selection = json.loads((tmp_path / "h/harvest.json").read_text())["selection"]
    assert (selection["measure"], selection["share"]) == ("det", 0.7)
    wrist = selection["joints"][_WRIST]
    assert (wrist["joint"], wrist["supported"], wrist["selected"]) == ("left_wrist", 8, 6)
    assert wrist["threshold"] > 0


def test_a_limit_is_written_and_read_again(tmp_path: Path) -> None:
    rule = SelectionRule("det", share=1.0, limit=1.2)
    harvest = write_harvest(tmp_path / "h", make_records(range(20)), rule=rule)
    assert harvest.info.selection.rule == rule
    for joint in harvest.info.selection.joints:
        dets = [
            float(row.annotations.det[k])
            for row in harvest.iter_selected()
            for k in [harvest.skeleton.index(joint.joint)]
            if row.annotations.supported[k]
        ]
        surest = sorted(dets)[int(np.ceil(0.1 * len(dets))) - 1]
        assert joint.selected == sum(det <= surest * 1.2**6 for det in dets)
    assert reselect(harvest, SelectionRule()).info.selection.limit is None


def test_selecting_anew_equals_selecting_so_at_once(tmp_path: Path) -> None:
    records = make_records(range(12))
    first = write_harvest(tmp_path / "a", records)
    (tmp_path / "a/report").mkdir()
    (tmp_path / "a/report/report.html").write_text("of the first selection")
    at_once = write_harvest(tmp_path / "b", records, rule=SelectionRule("trace", 0.25))
    anew = reselect(first, SelectionRule("trace", 0.25))
    np.testing.assert_array_equal(_selected(anew), _selected(at_once))
    assert anew.info.selection == at_once.info.selection
    assert anew.info.capture == first.info.capture
    assert not (tmp_path / "a/report").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_harvest_that_cannot_be_read_stays_as_it_is(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", make_records(range(12)))
    part = tmp_path / "h/annotations/part-00002.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    before = {path: path.read_bytes() for path in (tmp_path / "h").rglob("*") if path.is_file()}
    with pytest.raises(StoreError, match=r"part-00002\.parquet: this part of the harvest is damaged"):
        reselect(harvest, SelectionRule(share=0.1))
    assert {path: path.read_bytes() for path in (tmp_path / "h").rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["h"]
