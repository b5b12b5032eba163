"""A harvest in processes that are started as other systems start them: spawned, or by a server that forks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

PROGRAM = """
import multiprocessing
import sys
from pathlib import Path

from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation.crowd import simulate_crowd


def run(out):
    simulation = simulate_crowd(1, 12, num_views=3)
    options = HarvestOptions(num_previews=0, inference=InferenceOptions(resolution=16))
    harvest(simulation.capture, simulation.keypoints, out, options=options)


if __name__ == "__main__":
    method, folder = sys.argv[1], Path(sys.argv[2])
    multiprocessing.set_start_method(method)
    run(folder / "here")
    child = multiprocessing.Process(target=run, args=(folder / "child",))
    child.start()
    child.join()
    print(multiprocessing.get_start_method(), child.exitcode)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*/part-*.parquet"))}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", pytest.param("forkserver", marks=pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no fork"))])  # fmt: skip
def test_a_process_and_its_child_harvest_the_same(method: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, str(program), method, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert (ran.returncode, ran.stdout) == (0, f"{method} 0\n"), ran.stderr
    assert contents(tmp_path / "here")
    assert contents(tmp_path / "here") == contents(tmp_path / "child")
