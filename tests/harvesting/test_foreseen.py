"""What would fail at the end of a harvest is said before the first frame."""

from __future__ import annotations

import shutil
from collections import namedtuple
from dataclasses import replace

import pytest

from poseharvest.errors import CaptureError, StoreError
from poseharvest.harvesting import foreseen
from poseharvest.harvesting.foreseen import check_foreseen
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.job import Job

Usage = namedtuple("Usage", "total used free")


class Changed:
    """A capture with some of its attributes changed."""

    def __init__(self, capture, **changes):
        self._capture = capture
        vars(self).update(changes)

    def __getattr__(self, name):
        return getattr(self._capture, name)


def job_of(simulation, options):
    return Job(simulation.capture, simulation.detector, options, None, None, lambda _: None)


@pytest.mark.parametrize("part", ["name", "camera"])
def test_a_name_that_is_not_utf_8_is_named_before_the_first_frame(simulation, quick, tmp_path, part):
    bad = b"caf\xe9".decode("utf-8", "surrogateescape")
    capture, rig = simulation.capture, simulation.capture.rig
    renamed = replace(rig, cameras=(replace(rig.cameras[0], name=bad), *rig.cameras[1:]))
    spoilt = Changed(capture, **({"name": bad} if part == "name" else {"rig": renamed}))
    read = []
    with pytest.raises(CaptureError, match=r"expected names in UTF-8, got '.*caf\\udce9.*: rename it"):
        harvest(spoilt, simulation.detector, tmp_path / "out", options=quick, on_progress=read.append)
    assert not read
    assert list(tmp_path.iterdir()) == []


def test_the_estimate_is_what_a_harvest_takes(simulation, quick, harvested, tmp_path, monkeypatch):
    """It is never more than a harvest takes, so that no disk with enough room is refused, and at least half of it."""
    taken = sum(path.stat().st_size for path in harvested.path.rglob("*.parquet"))
    records = harvested.info.counts.records
    joints, views = len(harvested.skeleton), len(harvested.view_names)
    needed = records * joints * (foreseen._BYTES_A_JOINT + foreseen._BYTES_A_VIEW * views)
    assert taken / 2 < needed < taken
    monkeypatch.setattr(foreseen, "_SPARE_BYTES", 0)
    wanted = replace(quick, start=0, stop=records)
    for free, is_enough in ((needed, True), (needed - 1, False)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: Usage(10**12, 0, free))
        if is_enough:
            check_foreseen(job_of(simulation, wanted), tmp_path / "new" / "out")
            continue
        with pytest.raises(StoreError, match=r"out: expected about .* GB free for \d+ poses, got .* another disk"):
            check_foreseen(job_of(simulation, wanted), tmp_path / "new" / "out")
