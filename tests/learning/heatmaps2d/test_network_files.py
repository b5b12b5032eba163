import importlib.util
from dataclasses import replace

import pytest
import torch

from poseharvest.detectors.network import NetworkDetector, Preprocessing, RunOptions
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import TrainingError
from poseharvest.learning.heatmaps2d import network_files as weights
from poseharvest.learning.heatmaps2d.network_files import write_onnx, write_weights


@pytest.fixture
def detector(small_family, small_hourglass):
    preprocessing = Preprocessing((64, 48), (0.4, 0.5, 0.6), (0.9, 1.0, 1.1), bgr=True, bias_px=(0.5, -1.0))
    network = small_hourglass(stacks=2)
    # Statistics that are not those of a fresh network.
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return NetworkDetector(network, replace(small_family, preprocessing=preprocessing), RunOptions())


def test_safetensors_give_the_network_back(detector, tmp_path):
    write_weights(detector, tmp_path / "w.safetensors")
    read = load_detector(tmp_path / "w.safetensors")
    assert read.preprocessing == detector.preprocessing
    loaded = read.network.state_dict()
    assert all(torch.equal(tensor, loaded[name]) for name, tensor in detector.network.state_dict().items())


def test_onnx_gives_the_same_heatmaps_through_the_description(detector, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    was_training = detector.network.training
    write_onnx(detector, tmp_path / "m.onnx")
    assert detector.network.training == was_training
    loaded = load_detector(tmp_path / "m.toml")
    assert loaded.preprocessing == detector.preprocessing
    assert loaded.heatmap_size == detector.heatmap_size
    pictures = torch.randn(3, 3, 64, 48)
    assert torch.allclose(loaded._run(pictures), detector._run(pictures), atol=1e-4)


def test_without_onnx_the_error_says_what_to_install(detector, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "onnx" else found(name, *rest))
    with pytest.raises(TrainingError, match=r"ONNX: writing needs onnx: pip install poseharvest\[onnx\]"):
        write_onnx(detector, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_that_gives_other_heatmaps_is_refused(detector, tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    export = weights._export

    def spoil(network, example, path, output):
        export(network, example, path, output)
        with torch.no_grad():
            network.network.score[-1].bias += 0.5

    monkeypatch.setattr(weights, "_export", spoil)
    with pytest.raises(TrainingError, match=r"expected the network's heatmaps to 0.0001, got 0.5 off"):
        write_onnx(detector, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
