"""ViTPose is trained like the networks of our own."""

import pytest
import torch

from poseharvest.detectors.network import RunOptions
from poseharvest.detectors.registry import load_detector
from poseharvest.detectors.vitpose import VitPose, vitpose_detector
from poseharvest.learning.heatmaps2d.heatmap_task import HeatmapTask
from poseharvest.learning.heatmaps2d.network_files import write_onnx, write_weights
from poseharvest.learning.loop.steps import Trainer
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.skeleton.definitions import COCO17

BACKBONE = {
    "model_type": "vitpose_backbone",
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": [64, 48],
    "patch_size": [16, 16],
    "mlp_ratio": 2,
    "out_indices": [2],
}


@pytest.fixture
def detector():
    pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = {"backbone_config": BACKBONE, "num_labels": 17, "scale_factor": 4, "use_simple_decoder": False}
    return vitpose_detector(VitPose(config).eval(), RunOptions())


def test_it_learns_and_its_weights_are_read_back(detector, drawn, tmp_path):
    options = TrainingOptions(epochs=10, batch_size=2, learning_rate=1e-3)
    trainer = Trainer(detector.network, HeatmapTask(detector.family), drawn(2, COCO17), options)
    losses = [done.loss for done in trainer.steps()]
    assert losses[-1] < 0.7 * losses[0]
    trained = detector.with_network(detector.network.eval())
    write_weights(trained, tmp_path / "w.safetensors")
    pictures = torch.randn(2, 3, 64, 48)
    loaded = load_detector(tmp_path / "w.safetensors")
    assert loaded.name == "vitpose"
    assert torch.equal(loaded._run(pictures), trained._run(pictures))


def test_its_onnx_gives_the_same_heatmaps(detector, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    write_onnx(detector, tmp_path / "v.onnx")
    pictures = torch.randn(3, 3, 64, 48)
    assert torch.allclose(load_detector(tmp_path / "v.toml")._run(pictures), detector._run(pictures), atol=1e-4)
