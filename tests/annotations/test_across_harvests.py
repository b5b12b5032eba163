"""A selection from several harvests equals that of one: splitting a capture into takes changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.across_harvests import iter_marked, select_comparable, select_together
from poseharvest.selection.rules import SelectionRule

RULES = {
    "det": SelectionRule(share=0.6),
    "peak_score": SelectionRule("peak_score", share=0.6),
    "limit": SelectionRule(share=1.0, limit=1.05),
}


def own(harvest):
    return np.stack([np.asarray(row.selected) for row in harvest.iter_selected()])


def seen_records(persons=(0,), vague=1.0):
    """Ten frames in which every joint is seen, with covariances `vague` times as large."""
    records = make_records(range(10), persons)
    return [replace(one, cov=vague * one.cov, supported=torch.ones_like(one.supported)) for one in records]


@pytest.mark.parametrize("name", RULES)
def test_a_capture_in_takes_is_selected_as_the_whole(tmp_path, name):
    rule, records = RULES[name], make_records(range(14))
    whole = write_harvest(tmp_path / "whole", records, rule=rule)
    takes = [write_harvest(tmp_path / f"{a}", records[a:b], rule=rule) for a, b in ((0, 3), (3, 11), (11, 14))]
    for select in (select_together, select_comparable):
        marks = select(takes)
        assert [len(mark) for mark in marks] == [3, 8, 3]
        assert np.array_equal(np.concatenate(marks), own(whole))


def test_what_came_out_badly_is_left_to_what_came_out_well(tmp_path):
    takes = [write_harvest(tmp_path / "clear", seen_records()), write_harvest(tmp_path / "v", seen_records(vague=100))]
    clear, vague = select_comparable(takes)
    assert clear.all(), "half of all rows, and seven tenths of all are wanted"
    assert vague.sum(0).tolist() == [4] * vague.shape[1]
    for take in takes:
        assert own(take).sum(0).tolist() == [7] * vague.shape[1]


@pytest.mark.parametrize(
    "change",
    [
        {"detector": {"name": "another"}},
        {"detector": {"heatmap_size": (32, 32)}},
        {"options": {"inference": {"sharpen": 2.0}}},
        {"selection": {"share": 0.3}},
        {"selection": {"measure": "trace"}},
    ],
    ids=lambda change: "-".join(f"{k}.{next(iter(v))}" for k, v in change.items()),
)
def test_harvests_that_do_not_compare_keep_their_own_selection(tmp_path, change):
    one, two, odd = (write_harvest(tmp_path / f"{vague}", seen_records(vague=vague)) for vague in (1, 100, 10000))
    (section, values), info = *change.items(), odd.info
    of_section = getattr(info, section)
    changed = {**of_section, **values} if isinstance(of_section, dict) else of_section.model_copy(update=values)
    odd = replace(odd, info=info.model_copy(update={section: changed}))
    marks = select_comparable([one, odd, two])
    assert np.array_equal(marks[1], own(odd))
    for actual, expected in zip((marks[0], marks[2]), select_together([one, two]), strict=True):
        assert np.array_equal(actual, expected)


def test_one_alone_keeps_a_share_of_each_of_its_people(tmp_path):
    near, far = seen_records(), seen_records((1,), vague=100)
    records = [record for pair in zip(near, far, strict=True) for record in pair]
    harvest = write_harvest(tmp_path / "h", records)
    (marks,) = select_comparable([harvest])
    assert np.array_equal(marks, own(harvest))
    assert marks[0::2].sum(0).tolist() == marks[1::2].sum(0).tolist() == [7] * marks.shape[1]


def test_rows_are_streamed_with_their_marks(tmp_path):
    harvest = write_harvest(tmp_path / "h", make_records(range(6)))
    marks = np.random.default_rng(0).random((6, len(harvest.skeleton))) < 0.5
    rows = list(iter_marked(harvest, marks))
    assert np.array_equal(np.stack([np.asarray(row.selected) for row in rows]), marks)
    assert [row.annotations.frame for row in rows] == list(range(6))
    with pytest.raises(ValueError, match="zip"):
        list(iter_marked(harvest, marks[:5]))
