"""Joints that hardly any frame shows are reported as out of view, and their support by chance is removed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harvest_kit import make_records, make_rig, make_run
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.diagnosis.coverage import Coverage
from poseharvest.skeleton.definitions import MPII16

LEGS = ("knee", "ankle")
ARMS_AND_HEAD = ("wrist", "elbow", "shoulder", "head", "neck")
NUM_FRAMES = 40


def counted(words: tuple[str, ...], *, shown_in: int, persons: tuple[int, ...] = (0,)) -> Coverage:
    """Return the coverage of records in which person 0 has the named joints only in some frames."""
    coverage = Coverage(MPII16)
    for record in records(words, shown_in=shown_in, persons=persons):
        coverage.add(record)
    return coverage


def records(words, *, shown_in, persons=(0,)):
    hidden = torch.tensor([any(word in joint for word in words) for joint in MPII16.joints])
    return [
        replace(one, supported=~hidden | (one.frame < shown_in) | (one.person > 0))
        for one in make_records(range(NUM_FRAMES), persons)
    ]


@pytest.mark.parametrize(
    ("words", "part"),
    [(LEGS, "upper body only"), (ARMS_AND_HEAD, "lower body only"), (("wrist",), "not the whole body")],
)
def test_findings_say_which_part_of_the_body_is_in_view(words, part):
    (finding,) = counted(words, shown_in=1).findings()
    assert part in finding.message
    assert all(joint in finding.message for joint in MPII16.joints if any(word in joint for word in words))


def test_joints_that_some_frames_show_are_nothing_to_speak_of():
    assert counted(LEGS, shown_in=4).findings() == []
    assert counted(LEGS, shown_in=4).hardly_shown() == {}


def test_what_is_shown_by_chance_is_withdrawn_of_this_person_alone(tmp_path):
    people = (0, 1)
    coverage = counted(LEGS, shown_in=1, persons=people)
    with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16, records_per_part=7) as writer:
        for record in records(LEGS, shown_in=1, persons=people):
            writer.add(record)
        harvest = writer.finish(make_run(NUM_FRAMES), None, coverage.hardly_shown())
    legs = [i for i, joint in enumerate(MPII16.joints) if any(word in joint for word in LEGS)]
    for row in harvest.iter_selected():
        supported = row.annotations.supported
        assert bool(supported[legs].any()) == (row.annotations.person == 1)
        assert not (torch.as_tensor(row.selected) & ~supported).any()
        assert int(supported.sum()) == len(MPII16) - (0 if row.annotations.person else len(legs))
