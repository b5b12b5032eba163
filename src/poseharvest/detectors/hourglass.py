"""Stacked hourglasses as detectors: checkpoints of other people and our own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from poseharvest.detectors.detector_record import DetectorRecord
from poseharvest.detectors.network import Family, NetworkDetector, Preprocessing, RunOptions, family_of_file
from poseharvest.detectors.shipped_weights import GENERIC_HOURGLASS, find_shipped
from poseharvest.detectors.weights_files import build_for_state, holds_tensor, read_safetensors
from poseharvest.errors import DetectorError, ShapeError
from poseharvest.networks.fused_hourglass import fuse_hourglass
from poseharvest.networks.hourglass import StackedHourglass, shape_from_state
from poseharvest.networks.hourglass_shape import STRIDE
from poseharvest.reading.archives import check_unpacked_size
from poseharvest.reading.guard import foreign_library
from poseharvest.skeleton.definitions import MPII16

HOURGLASS = Family(
    name="hourglass",
    skeleton=MPII16,
    # The published networks were trained on RGB less MPII's mean, not divided by its deviation. Their targets are
    # drawn at the heatmap pixel that the joint falls into, so their peaks are unbiased about pixel centres.
    preprocessing=Preprocessing(input_size=(256, 256), mean=(0.4404, 0.4440, 0.4327), std=(1.0, 1.0, 1.0)),
    stride=STRIDE,
    prepare=fuse_hourglass,
)


def load_hourglass(weights: Path | None, options: RunOptions) -> NetworkDetector:
    """Return the stacked hourglass of a checkpoint: .safetensors, or a .pth or .tar that PyTorch saved.

    Its number of stacks, blocks and channels are read from the checkpoint, which may be a bare state dict or a
    dictionary that holds one as "state_dict", with or without "module." before every name. With None it takes the small
    hourglass that comes with the package.

    Raises:
        DetectorError: the file is missing, damaged, of another network, or of another number of joints.
    """
    weights = weights or find_shipped(GENERIC_HOURGLASS).path
    state = read_safetensors(weights) if weights.suffix == ".safetensors" else _read_torch(weights)
    try:
        shape = shape_from_state(state)
    except KeyError as error:
        raise DetectorError(f"{weights}: expected a stacked hourglass, but it lacks the tensor {error}") from error
    except (ShapeError, IndexError) as error:
        raise DetectorError(f"{weights}: expected a stacked hourglass, got tensors of other shapes: {error}") from error
    if shape.joints != len(MPII16):
        raise DetectorError(f"{weights}: expected {len(MPII16)} MPII joints, got {shape.joints}")
    network = build_for_state(lambda: StackedHourglass(shape).eval(), state, source=str(weights))
    return NetworkDetector(network, family_of_file(HOURGLASS, weights), options)


def _read_torch(path: Path) -> dict[str, Tensor]:
    """Return the state dict of a PyTorch file. Only tensors and plain containers are read; nothing is executed."""
    expected = f"{path}: expected a PyTorch checkpoint of tensors alone (save its state_dict() as .safetensors)"
    with foreign_library(expected, DetectorError):
        check_unpacked_size(path, DetectorError)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    state = loaded.get("state_dict", loaded) if isinstance(loaded, Mapping) else None
    if not isinstance(state, Mapping) or not all(map(_is_plain, state.values())):
        raise DetectorError(f"{path}: expected a dictionary of tensors, got {type(loaded).__name__}")
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def _is_plain(tensor: object) -> bool:
    """Return whether it is a tensor whose numbers all lie in memory."""
    is_dense = isinstance(tensor, Tensor) and tensor.layout == torch.strided and tensor.device.type == "cpu"
    return is_dense and not getattr(tensor, "is_quantized", False)


DETECTOR = DetectorRecord(
    name="hourglass",
    description="stacked hourglasses, 16 joints of MPII; a small one comes with the package, other weights by name",
    load=load_hourglass,
    recognises=lambda path: holds_tensor(path, "score.0.weight"),
)
