"""The report of several people: each can be chosen, and each has a body."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harvest_kit import make_records, make_rig, make_run
from poseharvest.annotations.info import PersonInfo
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.report import report
from poseharvest.report.collect import collect
from poseharvest.skeleton.definitions import MPII16


def person(number: int, frames: int, length: float) -> PersonInfo:
    lengths = {limb.name: length for limb in MPII16.limbs}
    return PersonInfo(
        person=number, frames=frames, first_frame=0, last_frame=5, limb_lengths_mm=lengths, shells_mm=lengths
    )


@pytest.fixture(scope="module")
def harvest(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """Two people, of whom the second is there longer."""
    path = tmp_path_factory.mktemp("people") / "h"
    records = [r for r in make_records(range(6), persons=(0, 1)) if r.person == 1 or r.frame < 3]
    people = (person(0, 3, 211.0), person(1, 6, 322.0))
    run = make_run(6).model_copy(update={"limb_lengths_mm": {}, "people": people})
    with HarvestWriter(path, rig=make_rig(), skeleton=MPII16) as writer:
        for record in records:
            writer.add(record)
        return writer.finish(run)


def test_limbs_are_those_of_the_one_who_is_there_longest(harvest: Harvest) -> None:
    content = collect(harvest)
    assert content.people == (0, 1)
    assert content.measured_person == 1
    assert {limb.estimated_mm for limb in content.limbs} == {322.0}


def test_each_can_be_chosen_and_has_a_body(harvest: Harvest, tmp_path: Path) -> None:
    page = report(harvest.path, tmp_path / "page.html").read_text(encoding="utf-8")
    assert re.findall(r'<option value="(\d*)">', page) == ["", "0", "1"]
    assert ">211<" in page
    assert ">322<" in page
    take = json.loads(re.search(r'<script[^>]*id="take"[^>]*>(.*?)</script>', page, re.DOTALL).group(1))
    assert take["people"] == [[0, 1]] * 3 + [[1]] * 3


def test_one_person_has_nothing_to_choose(tmp_path: Path) -> None:
    path = tmp_path / "h"
    with HarvestWriter(path, rig=make_rig(), skeleton=MPII16) as writer:
        for record in make_records(range(3)):
            writer.add(record)
        writer.finish(make_run(3))
    assert collect(Harvest.open(path)).measured_person is None
    assert 'id="person"' not in report(path).read_text(encoding="utf-8")
