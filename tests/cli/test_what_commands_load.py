"""What one command alone needs is loaded by no other: each says here what it must not hold when it is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

EXTRAS = {
    "transformers",
    "onnxruntime",
    "onnx",
    "h5py",
    "cdflib",
    "ezc3d",
    "pygltflib",
    "faster_coco_eval",
    "xarray",
    "matplotlib",
    "opensim",
    "ray",
    "rerun",
    "sleap_io",
    "pynwb",
}
"""What only extras bring: no first command needs one. PyArrow itself loads pandas where that is installed."""

RUN = """
import sys
from poseharvest.cli.app import main
try:
    main()
except SystemExit as end:
    code = end.code
print("LOADED", code, *sorted({name.split(".")[0] for name in sys.modules}))
"""


def loaded_by(*arguments: object) -> set[str]:
    """The libraries that a command holds when it is done."""
    ran = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"},
    )
    _, code, *names = ran.stdout.splitlines()[-1].split()
    assert code in {"0", "None"}, ran.stdout + ran.stderr
    return set(names)


@pytest.mark.slow
def test_commands_load_no_library_of_another(footage):
    out = footage.folder / "harvest"
    harvest = loaded_by(
        *("harvest", footage.capture, "--detector", footage.keypoints, "--out", out),
        *("--resolution", 16, "--ignore-audit"),
    )
    assert harvest & EXTRAS == set()
    csv = loaded_by("export", out, "--format", "csv", "--out", footage.folder / "poses.csv")
    assert csv & EXTRAS == set()
    c3d = loaded_by("export", out, "--format", "c3d", "--out", footage.folder / "poses.c3d")
    assert c3d & EXTRAS == {"ezc3d"}, "the test can fail: this format needs its library"
    report = loaded_by("report", out)
    assert report & EXTRAS == set()
    weights = loaded_by("weights", "--network", "hourglass", "--out", footage.folder / "hourglass.safetensors")
    assert weights & (EXTRAS | {"scipy", "numba", "pyarrow", "jinja2"}) == set()
