import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from poseharvest.detectors.hourglass import load_hourglass
from poseharvest.detectors.network import PREPROCESSING_KEY, Preprocessing, RunOptions, preprocessing_to_json
from poseharvest.detectors.protocol import CroppedView
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop
from poseharvest.networks.hourglass import StackedHourglass
from poseharvest.networks.hourglass_shape import HourglassShape
from poseharvest.skeleton.definitions import MPII16

SMALL = HourglassShape(stacks=2, blocks=1, features=8, stem=4)


@pytest.fixture(scope="module")
def state():
    return StackedHourglass(SMALL).state_dict()


def test_checkpoints_of_every_kind_give_the_same_heatmaps(state, tmp_path):
    save_file(state, tmp_path / "a.safetensors")
    torch.save(state, tmp_path / "b.pth")
    wrapped = {f"module.{name}": tensor for name, tensor in state.items()}
    torch.save({"epoch": 3, "arch": "hg", "state_dict": wrapped, "optimizer": {}}, tmp_path / "c.pth.tar")
    picture = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
    view = CroppedView("a", 0, Crop((200.0, 150.0), 256.0), picture)
    detectors = [load_hourglass(path, RunOptions()) for path in sorted(tmp_path.iterdir())]
    heatmaps = [detector.detect([view]) for detector in detectors]
    assert heatmaps[0].shape == (1, 16, *detectors[0].heatmap_size) == (1, 16, 64, 64)
    assert torch.equal(heatmaps[0], heatmaps[1])
    assert torch.equal(heatmaps[0], heatmaps[2])
    assert detectors[0].skeleton == MPII16


def test_counters_that_old_versions_of_pytorch_did_not_save_may_lack(state, tmp_path):
    old = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "old.pth")
    assert load_hourglass(tmp_path / "old.pth", RunOptions()).name == "hourglass"


def test_a_pickle_that_would_execute_is_refused(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (print, ("executed",))

    torch.save({"state_dict": Harmful()}, tmp_path / "bad.pth")
    with pytest.raises(DetectorError, match=r"bad.pth: expected a PyTorch checkpoint of tensors alone"):
        load_hourglass(tmp_path / "bad.pth", RunOptions())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "expected a dictionary of tensors, got list"),
        ({"weight": torch.zeros(1)}, "expected a stacked hourglass, but it lacks the tensor"),
    ],
)
def test_other_files_are_refused(content, message, tmp_path):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(DetectorError, match=message):
        load_hourglass(tmp_path / "other.pth", RunOptions())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DetectorError, match=r"none\.pth: expected a PyTorch checkpoint"):
        load_hourglass(tmp_path / "none.pth", RunOptions())


def test_another_number_of_joints_is_named(tmp_path):
    shape = HourglassShape(stacks=1, features=8, stem=4, joints=14)
    save_file(StackedHourglass(shape).state_dict(), tmp_path / "lsp.safetensors")
    with pytest.raises(DetectorError, match="expected 16 MPII joints, got 14"):
        load_hourglass(tmp_path / "lsp.safetensors", RunOptions())


def test_a_tensor_of_another_shape_is_named_with_both(state, tmp_path):
    wrong = {**state, "fc.1.0.weight": torch.zeros(16, 15, 1, 1)}
    torch.save(wrong, tmp_path / "wrong.pth")
    expected = re.escape('"fc.1.0.weight": expected shape (16, 16, 1, 1), got (16, 15, 1, 1)')
    with pytest.raises(DetectorError, match=expected):
        load_hourglass(tmp_path / "wrong.pth", RunOptions())


def test_the_preprocessing_of_our_own_weights_is_read_from_the_file(state, tmp_path):
    wanted = Preprocessing((128, 64), (0.1, 0.2, 0.3), (1.0, 0.9, 0.8), bgr=True, bias_px=(0.25, -0.5))
    save_file(state, tmp_path / "a.safetensors", {PREPROCESSING_KEY: preprocessing_to_json(wanted)})
    detector = load_hourglass(tmp_path / "a.safetensors", RunOptions())
    assert detector.preprocessing == detector.family.preprocessing == wanted
    assert detector.heatmap_size == (16, 16)
    picture = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
    assert detector.detect([CroppedView("a", 0, Crop((200.0, 150.0), 256.0), picture)]).shape == (1, 16, 16, 16)


@pytest.mark.parametrize("text", ["no json", "[1, 2]", "{}", '{"input_size": [128]}'])
def test_a_damaged_preprocessing_is_named(state, text, tmp_path):
    save_file(state, tmp_path / "a.safetensors", {PREPROCESSING_KEY: text})
    with pytest.raises(DetectorError, match=r"a.safetensors: its preprocessing is damaged: "):
        load_hourglass(tmp_path / "a.safetensors", RunOptions())


def test_weights_of_half_precision_are_taken(state, tmp_path):
    save_file({name: t.half() if t.is_floating_point() else t for name, t in state.items()}, tmp_path / "h.safetensors")
    loaded = load_hourglass(tmp_path / "h.safetensors", RunOptions()).network.state_dict()
    assert all(t.dtype == state[name].dtype for name, t in loaded.items())
    torch.testing.assert_close(loaded["conv1.weight"], state["conv1.weight"], atol=1e-3, rtol=1e-3)
