"""EfficientPose-I as a detector: a small generic network trained on MPII, with published weights."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from torch import Tensor

from poseharvest.detectors.detector_names import WEIGHTS_SUFFIX
from poseharvest.detectors.detector_record import DetectorRecord
from poseharvest.detectors.network import Family, NetworkDetector, Preprocessing, RunOptions, family_of_file
from poseharvest.detectors.network_hash import parameters_sha256
from poseharvest.detectors.published_weights import EFFICIENTPOSE_I, cache_dir, find_weights
from poseharvest.detectors.weights_files import holds_tensor, load_state, read_keras_efficientpose, read_safetensors
from poseharvest.errors import DetectorError
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


PARAMETERS_SHA256: Final = "2a9a4afcbba394b939fc9cac13c1caa83a961a42bccca352ef835321b43d23ca"
"""Of the published network, in whatever format it lies (`network_hash`)."""


def converted_weights() -> Path:
    """Return where the cache holds the published weights as safetensors, if somebody made them: no h5py reads these."""
    return cache_dir() / EFFICIENTPOSE_I.name / f"{Path(EFFICIENTPOSE_I.filename).stem}{WEIGHTS_SUFFIX}"


def load_efficientpose(weights: Path | None, options: RunOptions) -> NetworkDetector:
    """Return EfficientPose-I with the weights of a file: the published Keras HDF5 (.h5) or our own .safetensors.

    With None it takes the published weights from the cache, as safetensors if they are there in that format, and
    downloads them into it once.

    Raises:
        DetectorError: the file is missing, damaged, or of another network, or h5py is missing, which reads an .h5.
    """
    if weights is None and converted_weights().is_file():
        return _converted(options)
    weights = weights or find_weights(EFFICIENTPOSE_I)
    network = EfficientPose().eval()
    if weights.suffix == WEIGHTS_SUFFIX:
        state = read_safetensors(weights)
    else:
        state = _reordered(read_keras_efficientpose(weights, network))
    load_state(network, state, source=str(weights))
    return NetworkDetector(network, family_of_file(EFFICIENTPOSE, weights), options)


def _converted(options: RunOptions) -> NetworkDetector:
    path = converted_weights()
    detector = load_efficientpose(path, options)
    actual = parameters_sha256(detector.network)
    if actual != PARAMETERS_SHA256:
        raise DetectorError(
            f"{path}: expected the published weights, parameters of sha256 {PARAMETERS_SHA256}, got {actual}; delete "
            "the file, or name it as weights"
        )
    return detector


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
