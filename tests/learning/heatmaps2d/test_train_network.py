import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from poseharvest.detectors.network import NetworkDetector, RunOptions
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import ConfigError, StoreError, TrainingError
from poseharvest.learning.heatmaps2d.heatmap_task import HeatmapTask
from poseharvest.learning.heatmaps2d.train_network import new_network, train2d
from poseharvest.learning.loop.steps import Trainer
from poseharvest.learning.loop.training_options import TrainingOptions

TINY = TrainingOptions(epochs=2, batch_size=2)
HERE = Path(__file__).resolve().parents[1]  # whose conftest draws
SOURCE = HERE.parents[1] / "src"

SCRIPT = """
import sys
sys.path.insert(0, {here!r})
import torch
torch.set_num_threads(1)
from conftest import Drawn, small_detector
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.heatmaps2d.train_network import train2d
options = TrainingOptions(epochs=2, batch_size=2, frozen_norms=True)
train2d(small_detector(), Drawn(4), sys.argv[1], options=options, validation=Drawn(2))
"""


@pytest.fixture
def detector(small_family, small_hourglass):
    return NetworkDetector(small_hourglass(), small_family, RunOptions())


def test_the_folder_holds_the_network_and_its_curve(detector, drawn, tmp_path):
    result = train2d(detector, drawn(3), tmp_path / "out", options=TINY, validation=drawn(2))
    record = json.loads((tmp_path / "out" / "training.json").read_text())
    assert record["finished"]
    assert [row["epoch"] for row in record["curve"]] == [1, 2]
    assert {"loss", "pckh", "step"} <= record["curve"][0].keys()
    loaded = load_detector(result.weights)
    assert all(
        torch.equal(a, b) for a, b in zip(loaded.network.parameters(), detector.network.parameters(), strict=True)
    )


def test_an_earlier_training_is_not_overwritten_unless_asked(detector, drawn, tmp_path):
    out = tmp_path / "out"
    train2d(detector, drawn(2), out, options=TINY)
    with pytest.raises(StoreError, match="already exists: choose another output, resume it, or ask to overwrite"):
        train2d(detector, drawn(2), out, options=TINY)
    with pytest.raises(TrainingError, match=r"was begun with options learning_rate 0.00025, asked for is 0.5"):
        train2d(detector, drawn(2), out, options=replace(TINY, learning_rate=0.5), resume=True)
    longer = train2d(detector, drawn(2), out, options=replace(TINY, epochs=3), resume=True)
    assert len(longer.curve) == 3
    assert len(train2d(detector, drawn(2), out, options=TINY, overwrite=True).curve) == 2
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("!")
    with pytest.raises(StoreError, match=r"mine: already exists and is no poseharvest training"):
        train2d(detector, drawn(2), tmp_path / "mine", options=TINY, overwrite=True)


def test_new_networks_depend_on_their_seed_alone():
    torch.manual_seed(4)
    first = new_network("efficientpose", seed=1).network
    torch.manual_seed(5)
    before = torch.get_rng_state()
    second, third = new_network("efficientpose", seed=1).network, new_network("efficientpose", seed=2).network
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.heads[0].weight, second.heads[0].weight)
    assert not torch.equal(first.heads[0].weight, third.heads[0].weight)
    with pytest.raises(ConfigError, match='network: expected "hourglass" or "efficientpose", got "resnet"'):
        new_network("resnet")


def test_efficientpose_learns_too(drawn):
    detector = new_network("efficientpose")
    family = replace(detector.family, preprocessing=replace(detector.preprocessing, input_size=(64, 64)))
    small = NetworkDetector(detector.network, family, RunOptions())
    losses = [
        done.loss for done in Trainer(small.network, HeatmapTask(family), drawn(2), replace(TINY, epochs=8)).steps()
    ]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.slow
@pytest.mark.long
def test_two_processes_train_what_one_trains(detector, drawn, tmp_path):
    """Two by torchrun with gloo, batch norm's statistics frozen: they would differ by the share of a step seen."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(here=str(HERE)))
    options = replace(TINY, frozen_norms=True)
    train2d(detector, drawn(4), tmp_path / "1", options=options, validation=drawn(2))
    launch = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=29517"]
    subprocess.run(
        [sys.executable, *launch, str(script), str(tmp_path / "2")],
        check=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"},
        timeout=240,
    )
    one, two = (load_detector(tmp_path / str(count) / "weights.safetensors").network for count in (1, 2))
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.allclose(a, b, atol=2e-4)
    curves = [json.loads((tmp_path / str(count) / "training.json").read_text())["curve"] for count in (1, 2)]
    assert [row["loss"] for row in curves[0]] == pytest.approx([row["loss"] for row in curves[1]], rel=1e-3)
