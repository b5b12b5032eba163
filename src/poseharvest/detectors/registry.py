"""Detectors by name, or by the file or folder that describes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from poseharvest.detectors.efficientpose import load_efficientpose
from poseharvest.detectors.hourglass import load_hourglass
from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions
from poseharvest.detectors.onnx import load_onnx
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.detectors.published_weights import EFFICIENTPOSE_I, find_weights
from poseharvest.detectors.shipped_weights import GENERIC_HOURGLASS, find_shipped
from poseharvest.detectors.vitpose import is_vitpose, load_vitpose
from poseharvest.detectors.weights_files import read_safetensors
from poseharvest.detectors.windows import RunOptions
from poseharvest.errors import DetectorError

Options = TypeVar("Options", RunOptions, KeypointOptions)

_LOADERS: dict[str, Callable[[Path, RunOptions], HeatmapDetector]] = {
    "efficientpose": load_efficientpose,
    "hourglass": load_hourglass,
    "vitpose": load_vitpose,
}
NETWORKS = tuple(_LOADERS)
"""Names of networks; whatever else is a path."""

_CHOICES = (
    '"efficientpose", "hourglass", "vitpose", a .toml that describes an ONNX model, a .safetensors of our own, '
    "a folder of ViTPose, or a folder of keypoint files"
)


def load_detector(
    name_or_path: str | Path, *, weights: str | Path | None = None, device: str = "cpu", **options: Any
) -> HeatmapDetector:
    """Return a detector.

    Args:
        name_or_path: "efficientpose", "hourglass" or "vitpose"; a .toml that describes an ONNX model; a .safetensors
            of a network that was trained here; a folder of ViTPose by transformers; or a folder of keypoint files.
        weights: weights file of a named detector; for ViTPose also a folder. "efficientpose" needs none: the published
            weights are taken from the cache, or downloaded into it once and checked. Nor does "hourglass": a small one
            comes with the package. A file given is used as it is.
        device: where it runs, "cpu" or "cuda".
        options: of detectors.windows.RunOptions, or for keypoint files of detectors.keypoints.KeypointOptions.

    Raises:
        DetectorError: there is no such detector or option, or its weights cannot be used.
    """
    given = {"device": device, **options}
    loader = _LOADERS.get(str(name_or_path))
    if loader is not None:
        return loader(_weights_of(str(name_or_path), weights), _checked(RunOptions, given))
    if weights is not None:
        names = " and ".join(f'"{name}"' for name in _LOADERS)
        raise DetectorError(f'detector: weights go with {names}, not with "{name_or_path}"')
    return _from_path(Path(name_or_path), given)


def _from_path(path: Path, given: dict[str, Any]) -> HeatmapDetector:
    if path.exists() and is_vitpose(path):
        return load_vitpose(path, _checked(RunOptions, given))
    if path.is_dir():
        return KeypointDetector(path, _checked(KeypointOptions, given))
    if path.suffix == ".toml":
        return load_onnx(path, _checked(RunOptions, given))
    if path.suffix == ".safetensors":
        is_hourglass = "score.0.weight" in read_safetensors(path)
        return _LOADERS["hourglass" if is_hourglass else "efficientpose"](path, _checked(RunOptions, given))
    raise DetectorError(f'detector: expected {_CHOICES}, got "{path}"')


def _weights_of(name: str, weights: str | Path | None) -> Path:
    if weights is not None:
        path = Path(weights).expanduser()
        if not (path.is_file() or (name == "vitpose" and path.is_dir())):
            raise DetectorError(f"{path}: expected the weights of {name}, got no file")
        return path
    if name == "efficientpose":
        return find_weights(EFFICIENTPOSE_I)
    if name == "hourglass":
        return find_shipped(GENERIC_HOURGLASS).path
    raise DetectorError(f'detector "{name}": expected weights=, a checkpoint file: none is published under our licence')


def _checked(kind: type[Options], given: dict[str, Any]) -> Options:
    known = [field.name for field in fields(kind)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise DetectorError(f'detector: expected options among {", ".join(known)}, got "{unknown[0]}"')
    return kind(**given)
