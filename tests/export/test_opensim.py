"""TRC through OpenSim itself: its reader sees what was written, and its inverse kinematics runs or was said not to."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from harvest_kit import FRAME_RATE, make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.export.registry import export, export_with_findings
from walker_kit import walking_pose

pytestmark = pytest.mark.skipif(
    find_spec("opensim") is None, reason="needs OpenSim: pip install 'poseharvest[opensim]'"
)

FRAMES = (0, 1, 2, 6, 7, 8)  # three empty ones in between

# In a process of its own: OpenSim ends it where no marker is known.
_READ = """
import sys, opensim
opensim.Logger.setLevelString("error")
table = opensim.TimeSeriesTableVec3(sys.argv[1])
print(*table.getColumnLabels())
for time, row in zip(table.getIndependentColumn(), range(table.getNumRows())):
    values = table.getRowAtIndex(row)
    print(repr(time), *(repr(values[j][k]) for j in range(table.getNumColumns()) for k in range(3)))
"""
_SOLVE = """
import sys, opensim
folder, trc, out = sys.argv[1:]
opensim.Logger.setLevelString("error")
markers = opensim.MarkerSet(folder + "/Markers_Coco17.xml")
for i in range(markers.getSize()):
    name = markers.get(i).getName()
    side = {"L": "left_", "R": "right_"}.get(name[0], "")
    markers.get(i).setName(side + name[1:].lower() if side else {"Neck": "upper_neck"}.get(name, name))
model = opensim.Model(folder + "/Model_Pose2Sim_simple.osim")
model.updateMarkerSet(markers)
model.initSystem()
tool = opensim.InverseKinematicsTool()
tool.setModel(model)
tool.setMarkerDataFileName(trc)
tool.setStartTime(-1e9)
tool.setEndTime(1e9)
tool.setOutputMotionFileName(out)
sys.exit(0 if tool.run() else 1)
"""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """A walk, z up; nobody is found in frames 3 to 5."""
    records = make_records(FRAMES)
    for record in records:
        record.mean[:] = torch.tensor(walking_pose(0.2 * record.frame))
    return write_harvest(tmp_path_factory.mktemp("opensim") / "walk", records)


def run_python(script: str, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.mark.parametrize(("gaps", "frames"), [("fill", range(9)), ("empty", range(9)), ("skip", FRAMES)])
@pytest.mark.parametrize("unit", ["m", "mm"])
def test_opensim_reads_what_was_written(gaps: str, frames: range, unit: str, walk: Harvest, tmp_path: Path) -> None:
    done = run_python(_READ, tmp_path, export(walk, "trc", tmp_path / "a.trc", gaps=gaps, unit=unit, blank="none"))
    labels, *lines = done.stdout.splitlines()
    assert labels.split() == list(walk.skeleton.joints), done.stderr
    numbers = np.array([line.split() for line in lines], dtype=float)
    np.testing.assert_allclose(numbers[:, 0], np.array(frames) / FRAME_RATE, rtol=1e-7)
    points = dict(zip(frames, numbers[:, 1:].reshape(len(frames), -1, 3), strict=True))
    scale = 1000 if unit == "m" else 1
    for record in walk.iter_frames():
        np.testing.assert_allclose(points[record.frame] * scale, record.mean.numpy()[:, [1, 2, 0]], atol=1e-4)


@pytest.mark.data
@pytest.mark.parametrize("gaps", ["fill", "empty", "skip"])
def test_inverse_kinematics_runs_or_was_said_not_to(gaps: str, walk: Harvest, shared_dir: Path, tmp_path: Path) -> None:
    if not (shared_dir / "opensim").is_dir():
        pytest.skip(f"no OpenSim model at {shared_dir / 'opensim'}")
    written = export_with_findings(walk, "trc", tmp_path / "a.trc", gaps=gaps)
    done = run_python(_SOLVE, tmp_path, shared_dir / "opensim", written.path, tmp_path / "a.mot")
    warned = any("inverse kinematics ends there" in finding.message for finding in written.findings)
    assert warned == (gaps == "empty")
    assert (done.returncode == 0) == (not warned), done.stdout + done.stderr
    if not warned:
        header, rows = (tmp_path / "a.mot").read_text().split("endheader\n")
        frames = range(9) if gaps == "fill" else FRAMES
        assert f"nRows={len(frames)}" in header
        times = [float(row.split()[0]) for row in rows.splitlines()[1:]]
        np.testing.assert_allclose(times, np.array(frames) / FRAME_RATE, atol=1e-7)
