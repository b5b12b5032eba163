"""OpenSim's motion files, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poseharvest.errors import FormatError
from poseharvest.kinematics.motion_file import read_motion

_HEAD = "Coordinates\nversion=1\nnRows=2\nnColumns=3\ninDegrees={}\n\nUnits are S.I. units\nendheader\n"


def test_names_times_and_values_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.mot"
    path.write_text(_HEAD.format("yes") + "time\tknee_angle_r\tpelvis_tx\n 0.5\t-12.25\t0.125\n 0.75\t1e2\t-1\n")
    motion = read_motion(path)
    assert motion.names == ("knee_angle_r", "pelvis_tx")
    assert motion.times_s.tolist() == [0.5, 0.75]
    np.testing.assert_array_equal(motion.values, [[-12.25, 0.125], [100, -1]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time\tx\n0\t1\n", "expected a motion file of OpenSim, with a line endheader"),
        (_HEAD.format("no") + "time\tx\n0\t1\n", "expected angles in degrees"),
        (_HEAD.format("yes") + "time\tx\n0\tone\n", "expected rows of 2 numbers: could not convert"),
        (_HEAD.format("yes") + "time\tx\n0\t1\t2\n", "expected rows of 2 numbers, got 3"),
        (_HEAD.format("yes"), "expected a row of names and rows of numbers"),
    ],
)
def test_other_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mot"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_motion(path)
