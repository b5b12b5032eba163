"""EfficientPose-I as a detector: a small generic network trained on MPII, with published weights."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from poseharvest.detectors.detector_record import DetectorRecord
from poseharvest.detectors.network import Family, NetworkDetector, Preprocessing, RunOptions, family_of_file
from poseharvest.detectors.published_weights import EFFICIENTPOSE_I, find_weights
from poseharvest.detectors.weights_files import holds_tensor, load_state, read_keras_efficientpose, read_safetensors
from poseharvest.networks.efficientpose import STRIDE, EfficientPose, fuse_efficientpose
from poseharvest.skeleton.definitions import MPII16

EFFICIENTPOSE = Family(
    name="efficientpose",
    skeleton=MPII16,
    preprocessing=Preprocessing(input_size=(256, 256), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    stride=STRIDE,
    prepare=fuse_efficientpose,
)

CHANNELS = (
    "head_top",
    "upper_neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "thorax",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "pelvis",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
)
"""The joints of the published weights, in channel order. Ours are reordered to MPII16 on loading."""


def load_efficientpose(weights: Path | None, options: RunOptions) -> NetworkDetector:
    """Return EfficientPose-I with the weights of a file: the published Keras HDF5 (.h5) or our own .safetensors.

    With None it takes the published weights from the cache, and downloads them into it once.

    Raises:
        DetectorError: the file is missing, damaged, or of another network.
    """
    weights = weights or find_weights(EFFICIENTPOSE_I)
    network = EfficientPose().eval()
    if weights.suffix == ".safetensors":
        state = read_safetensors(weights)
    else:
        state = _reordered(read_keras_efficientpose(weights, network))
    load_state(network, state, source=str(weights))
    return NetworkDetector(network, family_of_file(EFFICIENTPOSE, weights), options)


def _reordered(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the state with the heads' channels in the order of MPII16."""
    order = [CHANNELS.index(joint) for joint in MPII16.joints]
    return {name: tensor[order] if name.startswith("heads.") else tensor for name, tensor in state.items()}


DETECTOR = DetectorRecord(
    name="efficientpose",
    description="EfficientPose-I, 16 joints of MPII; its published weights are downloaded once and checked",
    load=load_efficientpose,
    recognises=lambda path: holds_tensor(path, "heads.0.weight"),
)
