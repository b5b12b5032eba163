"""Any ONNX model that gives heatmaps or SimCC vectors, described by a small TOML file (docs/detectors.md)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from torch import Tensor

from poseharvest.detectors.detector_record import DetectorRecord
from poseharvest.detectors.network import Preprocessing, RunOptions, WindowDetector, square_part
from poseharvest.detectors.published_weights import sha256_of
from poseharvest.detectors.whole_body import BOTH_HANDS, WholeBodyDetector
from poseharvest.devices import PROCESSOR, fastest_device
from poseharvest.errors import DetectorError
from poseharvest.heatmaps.simcc import simcc_heatmaps
from poseharvest.reading.budgets import MAX_INPUT_EDGE, MAX_RUN_S
from poseharvest.reading.documents import load_toml
from poseharvest.reading.foreign_records import Edge, PositiveTriple, Triple, checked
from poseharvest.reading.guard import foreign_library, is_file
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.skeleton.skeleton_file import choose_skeleton

_CUDA_PROVIDER = "CUDAExecutionProvider"
_MAX_FIXED_BATCH = 1024


@dataclass(frozen=True)
class OnnxOptions(RunOptions):
    """How an ONNX model runs.

    Attributes:
        skeleton: instead of the description's: a built-in skeleton, or a skeleton file (.toml).
    """

    skeleton: str | None = None


class OnnxDescription(BaseModel):
    """What the TOML file says of a model. Every field is a key of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    """The ONNX file, relative to the TOML file."""
    kind: Literal["heatmap", "simcc"]
    """What it gives: one output of heatmaps (B, J, h, w), or two of vectors (B, J, bins), x first."""
    input_size: tuple[Edge, Edge]
    """(height, width) of its input, pixels."""
    mean: Triple
    """Subtracted from the colours, in the order of `channel_order`."""
    std: PositiveTriple
    """Divided by, after that."""
    white: Literal[1, 255] = 255
    """What white is before the mean is subtracted: `mean` and `std` are on this scale."""
    channel_order: Literal["rgb", "bgr"] = "rgb"
    """Order of the colours in its input."""
    skeleton: str
    """The joints that the detector gives: a built-in skeleton, or a skeleton file (.toml) beside this one."""
    joints: tuple[str, ...] | None = None
    """The model's channels by name; left out, they are the skeleton's joints in order. It may have more."""
    outputs: tuple[str, ...] | None = None
    """Names of the outputs; left out, the first, or for SimCC the first two."""
    name: str | None = None
    """Name for reports; left out, that of the TOML file."""
    bias_px: tuple[FiniteFloat, FiniteFloat] = (0.0, 0.0)
    """(x, y) by which its peaks lie off the joint, pixels of the input. 1.5 for heatmaps of stride 4 whose pixel k
    means input pixel 4 k."""
    split_ratio: float = Field(default=2.0, gt=0, le=16)
    """SimCC: bins per pixel of the input."""
    softmax_beta: FiniteFloat = Field(default=10.0, ge=0)
    """SimCC: see heatmaps.simcc."""
    stride: int = Field(default=4, ge=1, le=MAX_INPUT_EDGE)
    """SimCC: pixels of the input per pixel of the heatmaps that the detector gives."""


def read_description(path: Path) -> OnnxDescription:
    """Return the description in a TOML file.

    Raises:
        DetectorError: it is missing, no TOML, or a key is unknown, missing or wrong; the message names the key.
    """
    where = f"{path}: expected a TOML file that describes an ONNX model"
    return checked(OnnxDescription, load_toml(path, where=where, error=DetectorError), str(path), error=DetectorError)


def load_onnx(path: Path, options: RunOptions) -> WindowDetector:
    """Return the detector that a TOML file describes.

    Raises:
        DetectorError: the description or the model cannot be used, or they do not fit together.
        FormatError: a skeleton file is damaged.
        SkeletonError: there is no such skeleton.
    """
    description = read_description(path)
    wanted = options.skeleton if isinstance(options, OnnxOptions) else None
    skeleton = choose_skeleton(wanted) if wanted else choose_skeleton(description.skeleton, path.parent)
    name = description.name or path.stem
    return detector_of(description, path.parent / description.model, skeleton, options, name=name, source=path)


def detector_of(
    description: OnnxDescription,
    model_path: Path,
    skeleton: Skeleton,
    options: RunOptions,
    *,
    name: str,
    source: Path | None = None,
) -> WindowDetector:
    """Return the detector of a model that is described.

    Args:
        description: what the model is.
        model_path: the ONNX file.
        skeleton: the joints that the detector gives.
        options: how it runs.
        name: name for reports.
        source: where the description comes from, for errors; the model itself if None.

    Raises:
        DetectorError: the model cannot be used, or does not fit its description.
    """
    model = _OnnxModel(model_path, description, options.device)
    run = _heatmaps_from(model, description, skeleton, source=str(source or model_path))
    probe = run(torch.zeros((1, 3, *description.input_size)))
    common: dict[str, Any] = {
        "name": name,
        "heatmap_size": (probe.shape[-2], probe.shape[-1]),
        "preprocessing": _preprocessing(description, options),
        "options": options,
        "identity": {"model_sha256": sha256_of(model_path)},
    }
    if not {*BOTH_HANDS.joints} <= {*(description.joints or skeleton.joints)}:
        return WindowDetector(run, skeleton=skeleton, **common)
    run_hands = _heatmaps_from(model, description, BOTH_HANDS, source=str(source or model_path), named_by=skeleton)
    hands = WindowDetector(run_hands, skeleton=BOTH_HANDS, **common)
    return WholeBodyDetector(hands, run=run, skeleton=skeleton, **common)


def _preprocessing(description: OnnxDescription, options: RunOptions) -> Preprocessing:
    red, green, blue = (value / description.white for value in description.mean)
    red_std, green_std, blue_std = (value / description.white for value in description.std)
    return Preprocessing(
        input_size=description.input_size,
        mean=(red, green, blue),
        std=(red_std, green_std, blue_std),
        bgr=description.channel_order == "bgr",
        bias_px=description.bias_px if options.bias_px is None else options.bias_px,
    )


def _heatmaps_from(
    model: _OnnxModel,
    description: OnnxDescription,
    skeleton: Skeleton,
    *,
    source: str,
    named_by: Skeleton | None = None,
) -> Callable[[Tensor], Tensor]:
    """Return the function from normalised windows to heatmaps in the skeleton's order.

    Channels that the description does not name are the joints of `named_by`, or else of the skeleton.
    """
    channels = description.joints or (named_by or skeleton).joints
    missing = [joint for joint in skeleton.joints if joint not in channels]
    if missing:
        raise DetectorError(f"{source}: joints: {skeleton.name} needs {', '.join(missing)}, which the model lacks")
    order = [channels.index(joint) for joint in skeleton.joints]

    def run(pictures: Tensor) -> Tensor:
        values = model(pictures)
        _check_outputs(values, len(channels), description, source=source)
        if description.kind == "simcc":
            _check_bins(values, description, source=source)
        if description.kind == "simcc":
            heatmaps = simcc_heatmaps(
                *values,
                split_ratio=description.split_ratio,
                stride=description.stride,
                softmax_beta=description.softmax_beta,
            )
        else:
            heatmaps = values[0]
        return square_part(heatmaps)[:, order].contiguous()

    return run


def _check_outputs(values: list[Tensor], num_joints: int, description: OnnxDescription, *, source: str) -> None:
    rank = 3 if description.kind == "simcc" else 4
    for value in values:
        if value.ndim != rank or value.shape[1] != num_joints or 0 in value.shape[2:]:
            axes = "(B, J, bins)" if rank == 3 else "(B, J, h, w)"
            raise DetectorError(
                f"{source}: kind {description.kind}: expected outputs {axes} with J = {num_joints}, "
                f"got {tuple(value.shape)}"
            )


def _check_bins(values: list[Tensor], description: OnnxDescription, *, source: str) -> None:
    """Raise DetectorError if the vectors are not as long as the input, x first."""
    height, width = description.input_size
    expected = [int(side * description.split_ratio) for side in (width, height)]
    got = [value.shape[-1] for value in values]
    if got != expected:
        hint = "; are height and width or the two outputs swapped?" if got == expected[::-1] else ""
        raise DetectorError(
            f"{source}: kind simcc: expected {expected[0]} bins for x and {expected[1]} for y by input_size = "
            f"[{height}, {width}] (height, width) and split_ratio = {description.split_ratio:g}, "
            f"got {got[0]} and {got[1]}{hint}"
        )


def _check_input(path: Path, shape: list[Any], size: tuple[int, int]) -> None:
    """Raise DetectorError if the model does not take pictures of that height and width, three colours first.

    Args:
        path: of the model, for the error.
        shape: what the model states: numbers, or names of what is free.
        size: (height, width) by the description.
    """
    is_batch = bool(shape) and (not isinstance(shape[0], int) or 1 <= shape[0] <= _MAX_FIXED_BATCH)
    if len(shape) != 4 or not is_batch or (isinstance(shape[1], int) and shape[1] != 3):
        raise DetectorError(f"{path}: expected a model that takes pictures (B, 3, height, width), got {shape}")
    wrong = any(isinstance(axis, int) and axis != side for axis, side in zip(shape[2:], size, strict=True))
    if wrong:
        hint = ": height comes first" if list(size[::-1]) == shape[2:] else ""
        raise DetectorError(
            f"{path}: input_size: expected the model's own, [{shape[2]}, {shape[3]}] (height, width), "
            f"got [{size[0]}, {size[1]}]{hint}"
        )


class _OnnxModel:
    """An ONNX Runtime session as a function of tensors."""

    def __init__(self, path: Path, description: OnnxDescription, device: str) -> None:
        self._session = open_session(path, device)
        self._made_of = (path, description, device)
        self._device = device
        self._path = path
        model_input = next(iter(self._session.get_inputs()), None)
        shape = [] if model_input is None else model_input.shape
        _check_input(path, shape, description.input_size)
        self._input = "" if model_input is None else model_input.name
        self._fixed_batch = shape[0] if isinstance(shape[0], int) else None
        available = [output.name for output in self._session.get_outputs()]
        count = 2 if description.kind == "simcc" else 1
        self._outputs = list(description.outputs or available[:count])
        if len(self._outputs) != count or not set(self._outputs) <= set(available):
            raise DetectorError(
                f"{path}: kind {description.kind}: expected {count} of the outputs {', '.join(available)}, "
                f"got {', '.join(self._outputs)}"
            )

    def __reduce__(self) -> tuple[type[_OnnxModel], tuple[Path, OnnxDescription, str]]:
        """Return what another process needs to load the model; a session cannot be sent there."""
        return _OnnxModel, self._made_of

    def __call__(self, pictures: Tensor) -> list[Tensor]:
        """Return the outputs for pictures (B, 3, h, w); a model of one fixed batch size runs as often as it takes."""
        size = self._fixed_batch or len(pictures)
        batches = [self._run_padded(batch, size) for batch in torch.split(pictures, size)]
        return [torch.cat(parts).to(self._device) for parts in zip(*batches, strict=True)]

    def _run_padded(self, pictures: Tensor, size: int) -> list[Tensor]:
        missing = size - len(pictures)
        padded = torch.cat((pictures, pictures.new_zeros(missing, *pictures.shape[1:])))
        expected = (
            f"{self._path}: expected a model that takes float32 pictures {tuple(padded.shape)} "
            "(B, 3, height, width; the last two are input_size)"
        )
        with foreign_library(expected, DetectorError), _ends_after(MAX_RUN_S * size) as options:
            values = self._session.run(self._outputs, {self._input: padded.cpu().contiguous().numpy()}, options)
        if not all(isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.ndim for value in values):
            raise DetectorError(
                f"{self._path}: expected a model that gives numbers for each picture, got something else"
            )
        return [torch.from_numpy(value)[: len(pictures)].float() for value in values]


def zero_outputs(path: Path, session: Any, input_size: tuple[int, int]) -> list[tuple[str, tuple[int, ...]]]:
    """Return the name and the shape of every output of a model for one picture.

    Args:
        path: of the model, for errors.
        session: of the model.
        input_size: (height, width) of its input.

    Raises:
        DetectorError: the model does not take such a picture.
    """
    first = session.get_inputs()[0]
    batch = first.shape[0] if isinstance(first.shape[0], int) else 1
    picture = np.zeros((min(max(batch, 1), _MAX_FIXED_BATCH), 3, *input_size), np.float32)
    expected = f"{path}: expected a model that takes float32 pictures {picture.shape}"
    with foreign_library(expected, DetectorError), _ends_after(MAX_RUN_S * len(picture)) as options:
        values = session.run(None, {first.name: picture}, options)
    names = [output.name for output in session.get_outputs()]
    return [(name, np.shape(value)) for name, value in zip(names, values, strict=True)]


def open_session(path: Path, device: str) -> Any:
    """Return ONNX Runtime's session of a model.

    Raises:
        DetectorError: onnxruntime or the device is missing, or the file is no ONNX model.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise DetectorError(f"{path}: ONNX models need onnxruntime: pip install poseharvest[onnx]") from error
    provider = _CUDA_PROVIDER if torch.device(device).type == "cuda" else "CPUExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        raise DetectorError(f'{path}: device "{device}": this onnxruntime lacks {provider}; install onnxruntime-gpu')
    if not is_file(path):
        raise DetectorError(f"{path}: expected an ONNX model, got no file")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    with foreign_library(f"{path}: expected an ONNX model", DetectorError):
        return onnxruntime.InferenceSession(str(path), settings, providers=[provider])


@contextmanager
def _ends_after(seconds: float) -> Iterator[Any]:
    """Give the options of a run that ends by itself after a time: a model may hold a loop that does not end."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    timer = threading.Timer(seconds, setattr, (options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        yield options
    finally:
        timer.cancel()


def fastest_onnx_device() -> str:
    """Return "cuda" if torch sees a GPU and this ONNX Runtime can use it, else "cpu"."""
    try:
        import onnxruntime
    except ImportError:
        return PROCESSOR
    return fastest_device() if _CUDA_PROVIDER in onnxruntime.get_available_providers() else PROCESSOR


DETECTOR = DetectorRecord(
    name="onnx",
    path_form="MODEL.toml",
    description="any ONNX model that gives heatmaps or SimCC vectors, described by a short TOML file",
    load=load_onnx,
    recognises=lambda path: path.suffix == ".toml",
    options=OnnxOptions,
    fastest_device=fastest_onnx_device,
)
