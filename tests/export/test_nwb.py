"""NWB read back by pynwb, and by movement where it is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export_kit import STRANGE
from harvest_kit import FRAME_RATE, make_records, write_harvest
from poseharvest import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.registry import export, export_with_findings
from poseharvest.motion import MotionOptions

pytest.importorskip("ndx_pose", reason="needs pip install 'poseharvest[nwb]'")
pynwb = pytest.importorskip("pynwb")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    with pynwb.NWBHDF5IO(str(path), mode="r") as io:
        yield io.read()


@pytest.mark.parametrize("smooth", [True, False])
def test_every_person_and_joint_is_a_series(smooth: bool, tmp_path: Path) -> None:
    records = [r for r in make_records((2, 3, 5, 6), (0, 3)) if (r.frame, r.person) != (3, 3)]
    harvest = Harvest.open(write_harvest(tmp_path / "h", records, motion=MotionOptions(0.1)).path)
    poses = harvest.to_xarray(smooth=smooth)
    with opened(export(harvest, "nwb", tmp_path / "a.nwb", smooth=smooth)) as file:
        behavior = file.processing["behavior"]
        for person in (0, 3):
            found = behavior[f"person_{person}"]
            assert list(found.skeleton.nodes) == list(harvest.joint_names)
            limbs = [(harvest.joint_names[a], harvest.joint_names[b]) for a, b in np.array(found.skeleton.edges)]
            assert limbs == [(limb.parent, limb.child) for limb in harvest.skeleton.limbs]
            for joint in harvest.joint_names:
                series, place = found[joint], {"keypoints": joint, "individuals": f"person_{person}"}
                assert (series.unit, series.rate, series.starting_time) == ("meters", FRAME_RATE, 2 / FRAME_RATE)
                expected = poses["position"].sel(place).values / 1000
                np.testing.assert_allclose(np.array(series.data), expected, rtol=1e-12)
                np.testing.assert_array_equal(np.array(series.confidence), poses["confidence"].sel(place))


def test_the_start_of_the_session(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", make_records(range(3)))
    without = export_with_findings(harvest, "nwb", tmp_path / "a.nwb")
    assert [finding.topic for finding in without.findings] == ["time", "smooth"]
    with opened(without.path) as file:
        assert file.session_start_time == datetime.fromisoformat(harvest.info.created)
    start = "2026-05-04T10:30:00+02:00"
    given = export_with_findings(harvest, "nwb", tmp_path / "b.nwb", session_start=start, smooth=False)
    assert given.findings == ()
    with opened(given.path) as file:
        assert file.session_start_time == datetime.fromisoformat(start)
        assert file.session_start_time.utcoffset() == timedelta(hours=2)
    with pytest.raises(ConfigError, match=r'session_start: expected a time such as .*, got "yesterday"'):
        export(harvest, "nwb", tmp_path / "c.nwb", session_start="yesterday")


def test_movement_reads_it(tmp_path: Path) -> None:
    pytest.importorskip("movement", reason="movement is not installed: pip install movement, in a venv of its own")
    from movement.io import load_poses

    harvest = Harvest.open(STRANGE["three people"](tmp_path / "h").path)
    path = export(harvest, "nwb", tmp_path / "a.nwb", smooth=False, unit="mm")
    read = load_poses.from_nwb_file(str(path), pose_estimation_key="person_1")
    expected = harvest.to_xarray()["position"].sel(individuals=["person_1"])
    order = [str(name) for name in read["keypoints"].values]
    np.testing.assert_allclose(read["position"].values, expected.sel(keypoints=order).values, rtol=1e-9)


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harvest = write_harvest(tmp_path / "h", make_records(range(3)))
    monkeypatch.setitem(sys.modules, "ndx_pose", None)
    with pytest.raises(ConfigError, match=r"NWB: writing needs ndx-pose: pip install 'poseharvest\[nwb\]'"):
        export(harvest, "nwb", tmp_path / "a.nwb")
