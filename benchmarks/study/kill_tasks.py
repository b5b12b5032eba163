"""Commands of every kind to kill, on a small capture of keypoints and on small drawn footage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import torch

from poseharvest.simulation import random_rig, simulate
from poseharvest.tables.studio.filming import Filming, film
from study.killed_commands import KillTask
from study.killed_harvests import write_keypoints

COARSE: Final = ("--resolution", "24")
FILMING: Final = Filming(num_frames=24, frame_rate=10.0, scale=0.3)
NUM_FRAMES: Final = 160
NUM_MOMENTS: Final = 16


def kill_tasks(folder: Path) -> list[KillTask]:
    """Write the footage and the harvests that the tasks begin with into a folder, and return the tasks."""
    rig = random_rig(4, torch.Generator().manual_seed(8), image_size=(720, 1280))
    positions = simulate(NUM_FRAMES, 1, rig=rig, render=False).truth.positions
    write_keypoints(folder, rig, positions)
    write_keypoints(folder / "few", rig, positions[:NUM_MOMENTS])
    film(1, "Greeting", 0, folder / "footage", filming=FILMING)
    by_keypoints, of_moments = (
        ("harvest", str(place / "capture"), "--detector", str(place / "keypoints"), *COARSE)
        for place in (folder, folder / "few")
    )
    by_network = ("harvest", str(folder / "footage"), "--detector", "hourglass", *COARSE)
    made = folder / "made"
    for name, arguments in (("keypoints", by_keypoints), ("network", by_network)):
        command = [sys.executable, "-m", "poseharvest", *arguments, "--out", str(made / name)]
        subprocess.run(command, check=True, capture_output=True)
    harvest = str(made / "network")
    small = ("--epochs", "2", "--batch-size", "2")
    pictures = ("--pictures", "8", "--validation-pictures", "2", "--stacks", "1", "--features", "2", "--stem", "2")
    return [
        KillTask("harvest-of-keypoints", by_keypoints),
        KillTask("harvest-of-footage", by_network),
        KillTask("harvest-of-moments", (*of_moments, "--moments")),
        KillTask("harvest-overwrite", by_keypoints, again=("--overwrite",), replaces=True),
        KillTask("personalize", ("personalize", harvest, *small)),
        KillTask("train2d", ("train2d", "--dataset", "studio", *pictures, "--input-px", "64", *small),
                 beside=("out.drawn",)),
        KillTask("train3d", ("train3d", harvest, "--features", "2", "--input-px", "64", *small)),
        KillTask("export-of-a-file", ("export", str(made / "keypoints"), "--format", "trc"), again=("--overwrite",),
                 suffix=".trc", replaces=True),
        KillTask("export-of-a-folder", ("export", harvest, "--format", "yolo"), again=("--overwrite",), replaces=True),
        KillTask("report", ("report", harvest), again=("--overwrite",), suffix=".html", replaces=True),
    ]  # fmt: skip
