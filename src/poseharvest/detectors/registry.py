"""Detectors by name, or by the file or folder that describes them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from poseharvest.detectors.detector_names import MODULES, OWN_WEIGHTS, OWN_WEIGHTS_DESCRIPTION, WEIGHTS_SUFFIX
from poseharvest.detectors.detector_record import DetectorRecord
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.detectors.published_models import PUBLISHED_MODELS, load_published
from poseharvest.detectors.weights_files import DETECTOR_KEY, read_metadata
from poseharvest.devices import AUTO, PROCESSOR
from poseharvest.errors import DetectorError
from poseharvest.module_records import records_of

DETECTORS = records_of("poseharvest.detectors", MODULES, "DETECTOR", DetectorRecord)
"""Every detector that comes with the package."""

NAMES = tuple(name for name, record in DETECTORS.items() if record.path_form is None)
"""What `load_detector` knows by name; whatever else is a path."""

NAMED = (*NAMES, *PUBLISHED_MODELS)
"""All that is found by its name alone."""


def load_detector(
    name_or_path: str | Path, *, weights: str | Path | None = None, device: str = "cpu", **options: Any
) -> HeatmapDetector:
    """Return a detector.

    Args:
        name_or_path: a name of `DETECTORS`, or a path that one of them recognises: a .toml that describes an ONNX
            model, a .safetensors of a network that was trained here, a folder of keypoint files.
        weights: weights of a named detector, used as they are. If none are named, each detector has its own answer:
            they are downloaded into the cache once and checked, come with the package, or are missed.
        device: where it runs, "cpu" or "cuda". With "auto" a network runs on a GPU if there is one that it can use, and
            hands its heatmaps over on the processor.
        options: of the detector's options: of detectors.network.RunOptions for a network or an ONNX model, of
            detectors.keypoints.KeypointOptions for keypoint files.

    Raises:
        DetectorError: there is no such detector or option, or its weights cannot be used.
    """
    values = {"device": device, **options}
    if str(name_or_path) in PUBLISHED_MODELS:
        model = PUBLISHED_MODELS[str(name_or_path)]
        return load_published(model, _file_of(weights, model.name), _checked(DETECTORS["onnx"], values))
    if str(name_or_path) in NAMES:
        record = DETECTORS[str(name_or_path)]
        return record.load(_weights_of(record, weights), _checked(record, values))
    if weights is not None:
        names = " and ".join(f'"{name}"' for name in NAMED)
        raise DetectorError(f'detector: weights go with {names}, not with "{name_or_path}"')
    path = Path(name_or_path)
    record = record_of_path(path)
    return record.load(path, _checked(record, values))


def record_of_path(path: Path) -> DetectorRecord:
    """Return the detector that a path stands for: by the name in a weights file of ours, or by what is there.

    Raises:
        DetectorError: it stands for none, or a weights file is missing or damaged.
    """
    name = None if path.is_dir() else read_metadata(path).get(DETECTOR_KEY)
    if name in DETECTORS:
        return DETECTORS[name]
    record = next((record for record in DETECTORS.values() if record.recognises(path)), None)
    if record is not None:
        return record
    if path.suffix == WEIGHTS_SUFFIX:
        of = "another network" if name is None else f'"{name}"'
        raise DetectorError(f"{path}: expected the weights of {' or '.join(NAMES)}, got those of {of}")
    raise DetectorError(f'detector: expected {_choices()}, got "{path}"')


def _choices() -> str:
    names = [f'"{name}"' for name in NAMED]
    paths = [f"{record.path_form} ({record.description})" for record in DETECTORS.values() if record.path_form]
    return ", ".join([*names, *paths, f"or {OWN_WEIGHTS} ({OWN_WEIGHTS_DESCRIPTION})"])


def _weights_of(record: DetectorRecord, weights: str | Path | None) -> Path | None:
    is_folder = weights is not None and record.weights_in_folder and Path(weights).expanduser().is_dir()
    return Path(weights or "").expanduser() if is_folder else _file_of(weights, record.name)


def _file_of(weights: str | Path | None, name: str) -> Path | None:
    """Return the file that the user named as weights; None if there is none."""
    if weights is None:
        return None
    path = Path(weights).expanduser()
    if not path.is_file():
        raise DetectorError(f"{path}: expected the weights of {name}, got no file")
    return path


def _checked(record: DetectorRecord, values: dict[str, Any]) -> Any:
    known = [field.name for field in fields(record.options)]
    values = _placed(record, values, known)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise DetectorError(f'detector: expected options among {", ".join(known)}, got "{unknown[0]}"')
    return record.options(**values)


def _placed(record: DetectorRecord, values: dict[str, Any], known: list[str]) -> dict[str, Any]:
    """Return the options with the device that "auto" becomes for this detector."""
    if values["device"] != AUTO:
        return values
    if "heatmap_device" not in known:  # no network: it has heatmaps without a GPU
        return {**values, "device": PROCESSOR}
    return {"heatmap_device": PROCESSOR, **values, "device": record.fastest_device()}
