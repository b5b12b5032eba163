"""The memory of a harvest does not depend on the capture's length."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from poseharvest.harvesting.annotate import give_back_memory
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.job import Job
from poseharvest.simulation import CLEAN, random_rig, simulate

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs /proc to know what memory a process holds"
)

_HARVEST = """
import sys
from dataclasses import replace
import torch
from localization_kit import ChangedDetector
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation import CLEAN, random_rig, simulate
torch.set_num_threads(1)
rig = random_rig(3, torch.Generator().manual_seed(1))
simulation = simulate(int(sys.argv[1]), 0, rig=rig, errors=CLEAN, render=False)
class BackAndForth(ChangedDetector):
    def detect(self, views):
        return self.inner.detect([replace(v, frame=abs((v.frame + 9) % 18 - 9)) for v in views])
detector = BackAndForth(replace(simulation.detector, heatmap_size=(32, 32)), lambda view, maps: maps)
options = HarvestOptions(inference=InferenceOptions(resolution=32), warm_up_frames=10)
harvest(simulation.capture, detector, sys.argv[2], options=options)
sys.stdout.write(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def peak_megabytes(num_frames: int, out: Path) -> float:
    """The most memory that a process of its own holds; getrusage would count that of the process that started it."""
    command = [sys.executable, "-c", _HARVEST, str(num_frames), str(out)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
    return int(done.stdout) / 1024


def resident_megabytes() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


@pytest.mark.slow
@pytest.mark.long
def test_a_capture_20_times_as_long_uses_the_same_memory(tmp_path: Path) -> None:
    """The same frames forth and back: how much a frame needs depends on what it shows.

    Compared is the most that the whole process ever holds. The long capture fills a part of the harvest, the short
    one none; both learn the subject from 10 frames.
    """
    short, long = (peak_megabytes(count, tmp_path / str(count)) for count in (10, 200))
    assert long < 1.1 * short, (long, short)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no malloc_trim")
def test_what_is_free_between_pieces_in_use_is_given_back() -> None:
    pieces = [bytes([i % 255 + 1]) * 50_000 for i in range(2000)]
    kept = pieces[::40]
    del pieces
    before = resident_megabytes()
    give_back_memory()
    assert resident_megabytes() < before - 50
    assert len(kept) == 50


def test_the_more_a_frame_holds_the_fewer_frames_wait() -> None:
    def ahead(num_cameras: int, side: int, people: int | None = 1) -> int:
        rig = random_rig(num_cameras, torch.Generator().manual_seed(0))
        simulation = simulate(1, 0, rig=rig, errors=CLEAN, render=False)
        detector = replace(simulation.detector, heatmap_size=(side, side))
        options = HarvestOptions(people=people)
        return Job(simulation.capture, detector, options, None, None, lambda _: None).frames_ahead

    assert [ahead(4, 64), ahead(16, 64), ahead(16, 256)] == [40, 16, 4]  # 1, 4 and 64 MiB a frame
    assert [ahead(4, 64, 2), ahead(4, 64, 4), ahead(4, 64, None)] == [32, 16, 8]
