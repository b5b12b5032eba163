"""A trained 3D network with all that is needed to use it, in one safetensors file, and as ONNX."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import torch
from pydantic import Field, FiniteFloat
from torch import Tensor

from poseharvest.annotations.info import SkeletonInfo
from poseharvest.detectors.hourglass import HOURGLASS
from poseharvest.detectors.network import Preprocessing
from poseharvest.detectors.weights_files import build_for_state, read_metadata, read_safetensors
from poseharvest.errors import DetectorError, ShapeError, SkeletonError
from poseharvest.learning.heatmaps2d.network_files import export_network
from poseharvest.learning.loop.checkpoint import write_tensors
from poseharvest.learning.pose3d.scaling import DEPTH_UNIT_MM
from poseharvest.networks.hourglass_shape import STRIDE, HourglassShape
from poseharvest.networks.regressor import PoseRegressor
from poseharvest.reading.budgets import MAX_INPUT_EDGE
from poseharvest.reading.documents import parse_json
from poseharvest.reading.foreign_records import ForeignRecord, checked
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.staging import staged_file

KEY: Final = "poseharvest_pose_model"
WEIGHTS, ONNX, DESCRIPTION = "weights.safetensors", "model.onnx", "model.json"


@dataclass(frozen=True, eq=False)
class PoseModel:
    """A network that sees one window and gives the pose in it.

    Attributes:
        network: in evaluation mode.
        skeleton: its joints; depths count from the root.
        limb_lengths: of the people it was trained on, medians: they give the root's depth where it is not known.
    """

    network: PoseRegressor
    skeleton: Skeleton
    limb_lengths: LimbLengths

    @property
    def preprocessing(self) -> Preprocessing:
        """How the network wants its pictures."""
        return preprocessing_of(self.network.input_size[0])

    @torch.inference_mode()
    def numbers(self, pictures: Tensor) -> Tensor:
        """Return (B, J, 3) for normalised pictures (B, 3, h, w), on the CPU."""
        device = next(self.network.parameters()).device
        numbers: Tensor = self.network(pictures.to(device)).float().cpu()
        return numbers

    def description(self) -> dict[str, Any]:
        """Return all but the weights in plain data."""
        preprocessing = self.preprocessing
        return {
            "version": 1,
            "input_px": self.network.input_size[0],
            "features": self.network.shape.features,
            "stem": self.network.shape.stem,
            "mean": list(preprocessing.mean),
            "std": list(preprocessing.std),
            "numbers": "x, y: offset from the middle of the window in its sides; z: beyond the root in depth units",
            "depth_unit_mm": DEPTH_UNIT_MM,
            "skeleton": SkeletonInfo.of(self.skeleton).model_dump(mode="json"),
            "limb_lengths_mm": {"-".join(limb): length for limb, length in self.limb_lengths.mm.items()},
        }


def preprocessing_of(input_px: int) -> Preprocessing:
    """Return how a 3D network wants its pictures: square, normalised as for the 2D hourglass."""
    return replace(HOURGLASS.preprocessing, input_size=(input_px, input_px))


def new_regressor(skeleton: Skeleton, *, input_px: int, features: int, seed: int) -> PoseRegressor:
    """Return a network with the random weights of a seed."""
    shape = HourglassShape(stacks=1, features=features, stem=min(64, features), joints=len(skeleton))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PoseRegressor(shape, (input_px, input_px))


def write_model(model: PoseModel, path: Path) -> None:
    """Write the network and its description as one safetensors file; `load_model` gives it back.

    Raises:
        StoreError: the file cannot be written.
    """
    with staged_file(path, overwrite=True) as temporary:
        write_tensors(model.network.state_dict(), temporary, {"format": "pt", KEY: json.dumps(model.description())})


def write_model_onnx(model: PoseModel, path: Path) -> None:
    """Write the network as ONNX, with its description beside it.

    Raises:
        TrainingError: the packages onnx or onnxruntime are missing, or the file gives other numbers than the network.
        StoreError: a file cannot be written.
    """
    export_network(model.network, path, input_size=model.network.input_size, output="numbers")
    with staged_file(path.with_name(DESCRIPTION), overwrite=True) as temporary:
        temporary.write_text(json.dumps(model.description(), indent=2) + "\n", encoding="utf-8")


def load_model(path: Path | str, *, device: str = "cpu") -> PoseModel:
    """Return the model of a weights file, or of the folder that `train3d` made.

    Raises:
        DetectorError: there is none, or it is damaged or of another kind.
    """
    file = Path(path) / WEIGHTS if Path(path).is_dir() else Path(path)
    state = read_safetensors(file)
    where = f"{file}: expected a 3D network that train3d wrote"
    text = read_metadata(file).get(KEY)
    if text is None:
        raise DetectorError(f"{where}, it lacks its description")
    record = checked(_Description, parse_json(text, where, error=DetectorError), where, error=DetectorError)
    try:
        skeleton = record.skeleton.skeleton()
        shape = HourglassShape(1, features=record.features, stem=record.stem, joints=len(skeleton))
    except (SkeletonError, ShapeError) as error:
        raise DetectorError(f"{where}, got: {error}") from error
    pairs = {limb.name: (limb.parent, limb.child) for limb in skeleton.limbs}
    unknown = next((name for name in record.limb_lengths_mm if name not in pairs), None)
    if unknown is not None:
        raise DetectorError(f'{where}: limb_lengths_mm: expected limbs of its skeleton, got "{unknown}"')
    lengths = LimbLengths({pairs[name]: length for name, length in record.limb_lengths_mm.items()})
    size = (record.input_px, record.input_px)
    network = build_for_state(lambda: PoseRegressor(shape, size), state, source=str(file))
    return PoseModel(network.to(device).eval(), skeleton, lengths)


class _Description(ForeignRecord):
    """What `PoseModel.description` wrote."""

    input_px: Annotated[int, Field(ge=STRIDE, le=MAX_INPUT_EDGE)]
    features: int
    stem: int
    skeleton: SkeletonInfo
    limb_lengths_mm: dict[str, Annotated[FiniteFloat, Field(gt=0)]]
