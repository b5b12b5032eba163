"""Trainings by two processes of torchrun, for tests: this file is also the script that each process runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.learning.loop.augmentation import Augmentation
from poseharvest.learning.loop.processes import process_group
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.personalize.personalize_detector import personalize
from poseharvest.learning.personalize.personalize_options import PersonalizationOptions
from poseharvest.learning.pose3d.regression_options import RegressionOptions
from poseharvest.learning.pose3d.train_poses import train3d
from rendered_harvest_kit import boxes_of, draw_person, untrained_network

_TESTS = Path(__file__).resolve().parent
_TIMEOUT_S = 400

TINY_3D = RegressionOptions(
    training=TrainingOptions(
        epochs=2, batch_size=4, augmentation=Augmentation(rotation_deg=10, scale=0.1), frozen_norms=True
    ),
    features=4,
    input_px=64,
    held_out=0.2,
    min_pictures=4,
)
TINY_2D = PersonalizationOptions(
    training=TrainingOptions(
        epochs=30,
        batch_size=4,
        learning_rate=2e-3,
        schedule="linear",
        augmentation=Augmentation(rotation_deg=5, scale=0.05, flip=False),
        frozen_norms=True,
    ),
    min_pictures=4,
)


def train3d_small(harvest: Path, out: Path, *, epochs: int = 2) -> None:
    """Train a small 3D network on the drawn person, or go on with it."""
    options = replace(TINY_3D, training=replace(TINY_3D.training, epochs=epochs))
    train3d([harvest], out, options=options, captures=[draw_person().capture], resume=True)


def personalize_small(harvest: Path, out: Path) -> None:
    """Fine-tune a small network on the drawn person, or go on with it."""
    boxes = boxes_of(Harvest.open(harvest))
    capture = draw_person().capture
    personalize(harvest, untrained_network(), out, options=TINY_2D, capture=capture, boxes=boxes, resume=True)


def send_messages(_: Path, out: Path) -> None:
    """Exchange messages beside a wrapped network; write how many threads of gloo ran, and how many were left."""
    with process_group("cpu") as (processes, _device):
        network = processes.wrapped(torch.nn.Linear(3, 3))
        network(torch.ones(2, 3)).sum().backward()
        assert processes.from_first(lambda: {"said": 1}) == {"said": 1}
        assert processes.mean(torch.tensor(float(processes.rank))) == 0.5
        running = _threads_of_gloo()
    del processes, network
    (out.parent / f"{out.name}-{os.environ['RANK']}").write_text(json.dumps([running, _threads_of_gloo()]))


def _threads_of_gloo() -> int:
    names = [(task / "comm").read_text() for task in Path("/proc/self/task").iterdir()]
    return sum(name.startswith("pt_gloo") for name in names)


def by_two(task: str, harvest: Path, out: Path, *more: object) -> None:
    """Run one of the functions above in two processes of torchrun, with gloo, on this machine."""
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__]
    paths = os.pathsep.join([str(_TESTS.parent / "src"), str(_TESTS)])
    done = subprocess.run(
        [sys.executable, *launch, task, str(harvest), str(out), *map(str, more)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        timeout=_TIMEOUT_S,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1] == "train3d":
        train3d_small(Path(sys.argv[2]), Path(sys.argv[3]), epochs=int(sys.argv[4]))
    elif sys.argv[1] == "messages":
        send_messages(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        personalize_small(Path(sys.argv[2]), Path(sys.argv[3]))
