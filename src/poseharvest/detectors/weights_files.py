"""Weights files: the published Keras file of EfficientPose-I, and safetensors files of our own networks.

Nothing in a weights file is executed: HDF5 and safetensors are read as arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from poseharvest.arrays import FloatArray
from poseharvest.detectors.detector_names import WEIGHTS_SUFFIX
from poseharvest.errors import DetectorError
from poseharvest.reading.guard import foreign_library
from poseharvest.reading.hdf5 import open_hdf5

DETECTOR_KEY: Final = "detector"
"""Where a weights file of ours holds the name of its detector, in its metadata."""

_COUNTER = "num_batches_tracked"

Network = TypeVar("Network", bound=nn.Module)

_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
_PASSES = ("pass1_block1_mbconv{}_skeleton", "pass2_block1_mbconv{}_detection1", "pass3_block1_mbconv{}_detection2")
_LEFT_OUT = ("pass1_skeleton_pafs", "upscaled_deconv1", "upscaled_deconv2", "upscaled_confs")
"""Layers of the Keras file that we do not hold: limb fields, and three fixed bilinear enlargements of the heatmaps."""


def read_keras_efficientpose(path: Path, network: nn.Module) -> dict[str, Tensor]:
    """Return the state dict of `network` (an EfficientPose) with the weights of the published Keras file.

    Every tensor of the file is used exactly once, or belongs to a layer that is left out by name.

    Raises:
        DetectorError: the file is no HDF5, or a tensor is missing, unknown, or of the wrong shape.
    """
    arrays = _read_keras(path)
    state: dict[str, Tensor] = {}
    for keras_name, name in efficientpose_names(network):
        if keras_name not in arrays:
            raise DetectorError(f'{path}: expected a tensor "{keras_name}", got none of that name')
        state[name] = torch.from_numpy(_to_torch_layout(keras_name, arrays.pop(keras_name)))
    left = sorted(name for name in arrays if name.split("/")[0] not in _LEFT_OUT)
    if left:
        raise DetectorError(f"{path}: expected the layers of EfficientPose-I alone, got also {', '.join(left[:3])}")
    return state


def efficientpose_names(network: nn.Module) -> Iterator[tuple[str, str]]:
    """Yield the pairs of ("layer/tensor" in the Keras file, name in our state dict) for an EfficientPose."""
    layers = {layer: name for name, _ in network.named_modules() for layer in _keras_layers(name)}
    tensors = set(network.state_dict())
    for layer, module in layers.items():
        for leaf, ours in _leaves(layer):
            if f"{module}.{ours}" in tensors:
                yield f"{layer}/{leaf}", f"{module}.{ours}"


def _leaves(layer: str) -> list[tuple[str, str]]:
    if layer.endswith("_bn") or "_bn_res" in layer:
        return list(_NORM.items())
    depthwise = "dwconv" in layer or layer.endswith("_dconv1")
    return [("depthwise_kernel" if depthwise else "kernel", "weight"), ("bias", "bias")]


_IN_TRUNK = {
    "expand.conv": "expand_conv",
    "expand.norm": "expand_bn",
    "depthwise.conv": "dwconv",
    "depthwise.norm": "bn",
    "gate.reduce": "se_reduce",
    "gate.expand": "se_expand",
    "project.conv": "project_conv",
    "project.norm": "project_bn",
}
_IN_PASS = {
    "expand.conv": "conv1",
    "expand.norm": "conv1_bn",
    "depthwise.conv": "dconv1",
    "depthwise.norm": "dconv1_bn",
    "gate.reduce": "se_se_squeeze_conv",
    "gate.expand": "se_se_excite_conv",
    "project.conv": "conv2",
    "project.norm": "conv2_bn",
}
_OUTSIDE_BLOCKS = {
    "high.stem.conv": "stem_conv_res1",
    "high.stem.norm": "stem_bn_res1",
    "low.stem.conv": "stem_conv_res2",
    "low.stem.norm": "stem_bn_res2",
    "heads.0": "pass2_detection1_confs",
    "heads.1": "pass3_detection2_confs",
}


def _keras_layers(module: str) -> list[str]:
    """Return the Keras layer that holds the tensors of our module, as a list of one or none."""
    if module in _OUTSIDE_BLOCKS:
        return [_OUTSIDE_BLOCKS[module]]
    part = ".".join(module.split(".")[-2:])
    match module.split("."):
        case ["high" | "low" as trunk, "blocks", block, _, _]:
            return [f"{block}_{_IN_TRUNK[part]}_{'res1' if trunk == 'high' else 'res2'}"]
        case ["passes", number, "blocks", block, _, _]:
            return [f"{_PASSES[int(number)].format(int(block) + 1)}_{_IN_PASS[part]}"]
    return []


def _to_torch_layout(name: str, array: FloatArray) -> FloatArray:
    """Return (out, in, h, w) for Keras' (h, w, in, out), and (channels, 1, h, w) for (h, w, channels, 1)."""
    if array.ndim != 4:
        return array
    order = (2, 3, 0, 1) if name.endswith("/depthwise_kernel") else (3, 2, 0, 1)
    return np.ascontiguousarray(array.transpose(order))


def _read_keras(path: Path) -> dict[str, FloatArray]:
    """Return the arrays of a Keras model file by "layer/tensor"."""
    arrays: dict[str, FloatArray] = {}
    with open_hdf5(path, expected="a Keras model in HDF5", error=DetectorError) as file:
        for name in file.names("model_weights"):
            parts = name.split("/")
            values = file.array(f"model_weights/{name}")
            arrays[f"{parts[0]}/{parts[-1].removesuffix(':0')}"] = np.asarray(values, dtype=np.float32)
    return arrays


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file.

    Raises:
        DetectorError: it is missing or damaged.
    """
    from safetensors.torch import load_file

    with foreign_library(f"{path}: expected a safetensors file", DetectorError):
        return load_file(path)


def read_metadata(path: Path) -> dict[str, str]:
    """Return the text that a safetensors file says about itself, by name; nothing for files of other kinds.

    Raises:
        DetectorError: it is missing or damaged.
    """
    from safetensors import safe_open

    if path.suffix != WEIGHTS_SUFFIX:
        return {}
    with foreign_library(f"{path}: expected a safetensors file", DetectorError), safe_open(path, "pt") as file:
        return dict(file.metadata() or {})


def holds_tensor(path: Path, name: str) -> bool:
    """Return whether a path is a safetensors file with a tensor of that name.

    Raises:
        DetectorError: it is a safetensors file and damaged, or missing.
    """
    from safetensors import safe_open

    if path.suffix != WEIGHTS_SUFFIX:
        return False
    with foreign_library(f"{path}: expected a safetensors file", DetectorError), safe_open(path, "pt") as file:
        return name in file.keys()  # noqa: SIM118 - the file is no dictionary


def build_for_state(build: Callable[[], Network], state: Mapping[str, Tensor], *, source: str) -> Network:
    """Return a network with the weights of a file.

    It is built without memory first: what a file says of a network's size is believed only if its tensors agree.

    Args:
        build: makes the network.
        state: its weights.
        source: the file, for messages.

    Raises:
        DetectorError: as `load_state`.
    """
    with torch.device("meta"):
        check_state(build(), state, source=source)
    network = build()
    load_state(network, state, source=source)
    return network


def load_state(network: nn.Module, state: Mapping[str, Tensor], *, source: str) -> None:
    """Copy `state` into `network`; every tensor of either must be in the other, with the same shape.

    Raises:
        DetectorError: naming the first tensor that is missing, unknown or of another shape.
    """
    check_state(network, state, source=source)
    counters = {name: tensor for name, tensor in network.state_dict().items() if name.endswith(_COUNTER)}
    network.load_state_dict({**counters, **state})


def check_state(network: nn.Module, state: Mapping[str, Tensor], *, source: str) -> None:
    """Check that every tensor of a network is in `state` and the other way round, with the same shape.

    Raises:
        DetectorError: naming the first tensor that is missing, unknown, of another shape, or holds complex numbers.
    """
    wanted = network.state_dict()
    counters = {name for name in wanted if name.endswith(_COUNTER)}
    missing = sorted(set(wanted) - set(state) - counters)
    unknown = sorted(set(state) - set(wanted))
    if missing or unknown:
        parts = [f"it lacks {len(missing)} tensors such as {missing[0]}"] if missing else []
        parts += [f"it holds {len(unknown)} unknown ones such as {unknown[0]}"] if unknown else []
        raise DetectorError(f"{source}: expected the weights of {type(network).__name__}, but {' and '.join(parts)}")
    for name, tensor in state.items():
        if tensor.shape != wanted[name].shape or tensor.is_complex():
            raise DetectorError(
                f'{source}: tensor "{name}": expected shape {tuple(wanted[name].shape)}, got {tuple(tensor.shape)} '
                f"of {str(tensor.dtype).removeprefix('torch.')}"
            )
