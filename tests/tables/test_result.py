"""Tables as data: no number without its protocol, means over seeds, requests that cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from poseharvest.errors import ConfigError
from poseharvest.evaluation.scores import MetricProtocol, Score
from poseharvest.tables.football.table3 import seed_columns
from poseharvest.tables.request import DetectorChoice, TableRequest
from poseharvest.tables.result import OurColumn, Panel, PaperColumn, ReproducedTable


def score(value: float, frames: int = 4) -> Score:
    return Score(value, MetricProtocol("MPJPE", "mm", 16, frames, 16 * frames, alignment="centroid"))


def test_protocols_are_told_once_for_the_rows_that_share_them():
    column = OurColumn("here", {"a": score(1), "b": score(2), "c": score(3, frames=5)})
    panel = Panel("mm", ("a", "b", "c", "d"), (PaperColumn("paper", {"a": 1.5}),), (column,))
    assert panel.protocols() == [
        "here: a, b: MPJPE, alignment centroid, 16 joints, 4 frames, mm",
        "here: c: MPJPE, alignment centroid, 16 joints, 5 frames, mm",
    ]
    table = ReproducedTable("table2", "caption", (panel,), ("a note",), {"step": 5})
    plain = json.loads(json.dumps(table.as_dict()))
    assert plain["panels"][0]["ours"][0]["scores"]["c"]["protocol"].endswith("5 frames, mm")
    assert plain["panels"][0]["paper"] == [{"title": "paper", "values": {"a": 1.5}}]


def test_several_seeds_have_a_mean_and_one_has_none():
    one = seed_columns("here", {0: {"a": score(1)}})
    assert [column.title for column in one] == ["here, seed 0"]
    *_, mean = seed_columns("here", {0: {"a": score(1)}, 3: {"a": score(2)}})
    assert mean.title == "here, mean"
    assert mean.scores["a"].value == 1.5
    assert "mean over 2 seeds" in str(mean.scores["a"].protocol)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame_step": 0}, "frame step: expected 1 or more, got 0"),
        ({"seeds": ()}, "seeds: expected one or more, each once, got none"),
        ({"seeds": (1, 1)}, "seeds: expected one or more, each once, got 1, 1"),
        ({"max_pictures": 0}, "max_pictures: expected 1 or more, got 0"),
    ],
)
def test_impossible_requests_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        TableRequest(Path("x"), Path("y"), **changes)


def test_a_sequence_s_own_keypoints_are_found_by_its_name(tmp_path):
    choice = DetectorChoice(str(tmp_path / "{sequence}"))
    with pytest.raises(Exception, match="S9/Posing 1"):
        choice.load("S9/Posing 1")
    assert choice.as_dict() == {"name": str(tmp_path / "{sequence}"), "weights": None, "options": {}}
