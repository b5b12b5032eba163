import shutil

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from poseharvest.detectors.weights_files import (
    efficientpose_names,
    load_state,
    read_keras_efficientpose,
    read_safetensors,
)
from poseharvest.errors import DetectorError
from poseharvest.networks.efficientpose import EfficientPose

DAMAGED_LAYER = "model_weights/block2a_project_conv_res1/block2a_project_conv"


@pytest.fixture
def keras_copy(keras_file, tmp_path):
    copy = tmp_path / "copy.h5"
    shutil.copyfile(keras_file, copy)
    copy.chmod(0o644)
    return copy


def test_the_name_map_is_one_to_one_and_complete():
    network = EfficientPose()
    keras_names, names = zip(*efficientpose_names(network), strict=True)
    counters = {name for name in network.state_dict() if name.endswith("num_batches_tracked")}
    assert len(set(keras_names)) == len(keras_names)
    assert sorted(names) == sorted(set(network.state_dict()) - counters)


@pytest.mark.data
def test_every_tensor_of_the_published_file_is_used_once_or_left_out_by_name(keras_file):
    network = EfficientPose()
    state = read_keras_efficientpose(keras_file, network)
    with h5py.File(keras_file) as file:
        tensors = []
        file["model_weights"].visititems(lambda _, item: tensors.append(item) if hasattr(item, "shape") else None)
    assert len(state) == len(tensors) - 2 - 3 * 2  # the limb fields' head and three enlargements
    load_state(network, state, source="published")


@pytest.mark.data
def test_a_missing_tensor_is_named(keras_copy):
    with h5py.File(keras_copy, "r+") as file:
        del file[f"{DAMAGED_LAYER}/kernel:0"]
    with pytest.raises(DetectorError, match=r'copy.h5: expected a tensor "block2a_project_conv_res1/kernel", got none'):
        read_keras_efficientpose(keras_copy, EfficientPose())


@pytest.mark.data
def test_an_unknown_layer_is_named(keras_copy):
    with h5py.File(keras_copy, "r+") as file:
        file["model_weights/block9z_conv/block9z_conv/kernel:0"] = np.zeros((1, 1, 2, 2), np.float32)
    with pytest.raises(DetectorError, match="EfficientPose-I alone, got also block9z_conv/kernel"):
        read_keras_efficientpose(keras_copy, EfficientPose())


@pytest.mark.data
def test_a_wrong_shape_is_named_with_both_shapes(keras_copy):
    with h5py.File(keras_copy, "r+") as file:
        del file[f"{DAMAGED_LAYER}/kernel:0"]
        file[f"{DAMAGED_LAYER}/kernel:0"] = np.zeros((1, 1, 96, 25), np.float32)
    network = EfficientPose()
    state = read_keras_efficientpose(keras_copy, network)
    with pytest.raises(
        DetectorError, match=r'"high.blocks.block2a.project.conv.weight": expected shape \(24, 96, 1, 1'
    ):
        load_state(network, state, source="copy.h5")


def test_a_file_of_another_format_is_refused(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"not HDF5")
    with pytest.raises(DetectorError, match="expected a Keras model in HDF5"):
        read_keras_efficientpose(path, EfficientPose())
    with pytest.raises(DetectorError, match="expected a safetensors file"):
        read_safetensors(path)


def test_our_own_weights_come_back_from_safetensors(tmp_path):
    trained, fresh = EfficientPose(), EfficientPose()
    save_file(trained.state_dict(), tmp_path / "own.safetensors")
    load_state(fresh, read_safetensors(tmp_path / "own.safetensors"), source="own")
    assert all(
        torch.equal(a, b) for a, b in zip(trained.state_dict().values(), fresh.state_dict().values(), strict=True)
    )


def test_weights_of_another_network_are_refused():
    with pytest.raises(DetectorError, match=r"lacks .* such as heads.0.bias and it holds 1 unknown ones such as conv1"):
        load_state(EfficientPose(), {"conv1": torch.zeros(1)}, source="own")
