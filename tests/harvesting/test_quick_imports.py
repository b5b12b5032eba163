"""What a harvest of keypoint files loads: the import of libraries that it does not use is felt in a short one."""

from __future__ import annotations

import subprocess
import sys

import pytest

COMMAND = """
import sys
from poseharvest.cli.app import main
sys.argv = ["poseharvest", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sorted(set(sys.modules)))
"""
NEVER = ("pandas", "matplotlib", "scipy.ndimage", "scipy.stats", "tomlkit", "transformers")
SELDOM = (*NEVER, "scipy.optimize", "scipy.fft")  # for people who are exchanged, cameras at fault, and wide marginals


def test_what_harvests_and_reports_is_imported_without_what_it_seldom_needs():
    code = "import sys, poseharvest.harvesting.harvest_capture, poseharvest.report.html; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "poseharvest.report.html" in loaded
    assert [name for name in SELDOM if name in loaded] == []


@pytest.mark.slow
@pytest.mark.data
def test_a_harvest_by_keypoints_loads_no_library_that_it_does_not_use(shared_dir, tmp_path):
    balance = shared_dir / "captures" / "balance"
    command = [
        *("harvest", balance, "--calibration", balance / "calibration" / "calib_scene.toml"),
        *("--detector", balance / "openpose", "--detector-option", "frame_offset=1"),
        *("--stop", "24", "--out", tmp_path / "harvest"),
    ]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, command)], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert "poseharvest.report.collect" in loaded  # the whole way has been gone
    assert [name for name in NEVER if name in loaded] == []
