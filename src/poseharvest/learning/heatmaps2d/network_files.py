"""Trained networks in files: safetensors, which `load_detector` reads, and ONNX, which everybody reads."""

from __future__ import annotations

import copy
import json
import logging
from pathlib import Path

import torch
from torch import Tensor, nn

from poseharvest.arrays import ImageSize
from poseharvest.detectors.network import PREPROCESSING_KEY, NetworkDetector, preprocessing_to_json
from poseharvest.detectors.vitpose import CONFIG_KEY, VitPose
from poseharvest.detectors.weights_files import DETECTOR_KEY
from poseharvest.errors import TrainingError
from poseharvest.learning.loop.batches import heatmap_size
from poseharvest.learning.loop.checkpoint import write_tensors
from poseharvest.storage.staging import staged_file

_log = logging.getLogger(__name__)

ONNX_TOLERANCE = 1e-4
"""Largest allowed difference between the outputs of the network and of its ONNX file, which are about 0 to 1."""


def write_weights(detector: NetworkDetector, path: Path, *, overwrite: bool = True) -> None:
    """Write the network of a detector; `load_detector(path)` reads it.

    Raises:
        StoreError: the file cannot be written, or is there and may not be replaced.
    """
    network = detector.network
    metadata = {"format": "pt", DETECTOR_KEY: detector.name}
    if isinstance(network, VitPose):
        metadata[CONFIG_KEY] = json.dumps(network.config)
    else:
        metadata[PREPROCESSING_KEY] = preprocessing_to_json(detector.preprocessing)
    with staged_file(path, overwrite=overwrite) as temporary:
        write_tensors(network.state_dict(), temporary, metadata)


def write_onnx(detector: NetworkDetector, path: Path) -> None:
    """Write the network as ONNX with the TOML file beside it by which `load_detector` runs it.

    The file takes any number of pictures, normalised as the TOML says, and gives the last heatmaps. It is run once, by
    onnxruntime, and compared with the network.

    Raises:
        TrainingError: the packages onnx or onnxruntime are missing, or the file gives other heatmaps than the network.
        StoreError: a file cannot be written.
    """
    network = _LastHeatmaps(copy.deepcopy(detector.network).cpu()).eval()
    export_network(network, path, input_size=detector.preprocessing.input_size, output="heatmaps")
    with staged_file(path.with_suffix(".toml"), overwrite=True) as temporary:
        temporary.write_text(_description(detector, path.name), encoding="utf-8")


def write_both(detector: NetworkDetector, weights: Path, onnx: Path) -> list[str]:
    """Write the network as safetensors and as ONNX; return the reason if there is no ONNX file.

    Raises:
        StoreError: a file cannot be written.
    """
    write_weights(detector, weights)
    try:
        write_onnx(detector, onnx)
    except TrainingError as error:
        return [str(error)]
    return []


def export_network(network: nn.Module, path: Path, *, input_size: ImageSize, output: str) -> None:
    """Write a network in evaluation mode, on the CPU, as ONNX, and compare the two.

    Args:
        network: takes "pictures", (B, 3, h, w), for any B, and gives one tensor.
        path: of the file.
        input_size: (height, width) of its pictures.
        output: what it gives.

    Raises:
        TrainingError: the packages onnx or onnxruntime are missing, or the file gives something else than the network.
        StoreError: the file cannot be written.
    """
    reason = what_onnx_lacks()
    if reason is not None:
        raise TrainingError(reason)
    example = torch.rand((2, 3, *input_size), generator=torch.Generator().manual_seed(0))
    with staged_file(path, overwrite=True) as temporary:
        _export(network, example, temporary, output)
        _compare(network, example, temporary, output)


class _LastHeatmaps(nn.Module):
    """The network without the heatmaps of earlier stacks."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        last: Tensor = self.network(pictures)[-1]
        return last


def what_onnx_lacks() -> str | None:
    """Return what is to be installed before a network can be written as ONNX; None if nothing is missing."""
    from importlib.util import find_spec

    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if not missing:
        return None
    return (
        f"ONNX: writing needs {' and '.join(missing)}: pip install poseharvest[onnx]; the weights are written as "
        "safetensors all the same"
    )


def warn_of_missing_onnx() -> None:
    """Log a warning, at the start of a training, if no ONNX file can be written at its end."""
    reason = what_onnx_lacks()
    if reason is not None:
        _log.warning("%s", reason)


def _export(network: nn.Module, example: Tensor, path: Path, output: str) -> None:
    import warnings

    with warnings.catch_warnings():
        # The tracing exporter is deprecated; the size checks that it cannot trace are constant here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=["pictures"],
            output_names=[output],
            dynamic_axes={"pictures": {0: "batch"}, output: {0: "batch"}},
        )


def _compare(network: nn.Module, example: Tensor, path: Path, output: str) -> None:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    pictures = example[:1]  # another number of pictures than it was written with
    (output_of_file,) = session.run(None, {"pictures": pictures.numpy()})
    with torch.inference_mode():
        expected = network(pictures)
    difference = float((torch.from_numpy(output_of_file) - expected).abs().max())
    if not difference <= ONNX_TOLERANCE:
        raise TrainingError(f"ONNX: expected the network's {output} to {ONNX_TOLERANCE:g}, got {difference:.2g} off")


def _description(detector: NetworkDetector, model: str) -> str:
    preprocessing = detector.preprocessing
    height, width = heatmap_size(detector.family)
    lines = {
        "model": model,
        "kind": "heatmap",
        "name": detector.name,
        "input_size": list(preprocessing.input_size),
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
        "white": 1,
        "channel_order": "bgr" if preprocessing.bgr else "rgb",
        "skeleton": detector.skeleton.name,
        "bias_px": list(preprocessing.bias_px),
    }
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
    return f"# Heatmaps of {height} x {width}; see docs/detectors.md.\n{text}"
