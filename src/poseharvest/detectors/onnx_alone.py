"""An ONNX model without a description: what it is follows from its inputs and outputs.

RTMPose, and what else MMPose exports, can be told by shapes: two outputs of vectors (SimCC) whose lengths are multiples
of the sides of the input, or one of heatmaps, and a number of joints that one common layout has. Whatever these do not
tell (other colours, another order of joints) needs the TOML file of `onnx`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from poseharvest.detectors.detector_record import DetectorRecord
from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.detectors.network import RunOptions, WindowDetector
from poseharvest.detectors.onnx import (
    OnnxDescription,
    OnnxOptions,
    detector_of,
    fastest_onnx_device,
    open_session,
    zero_outputs,
)
from poseharvest.errors import DetectorError
from poseharvest.skeleton.definitions import COCO17
from poseharvest.skeleton.human import HALPE26
from poseharvest.skeleton.skeleton import Limb, Skeleton
from poseharvest.skeleton.skeleton_file import choose_skeleton

_log = logging.getLogger(__name__)

IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Of the colours, as MMPose and its models use them."""

_FEET = LAYOUTS["coco23"][len(COCO17.joints) :]
_COCO23 = Skeleton(
    "coco23",
    LAYOUTS["coco23"],
    (*COCO17.limbs, *(Limb(f"{joint.partition('_')[0]}_ankle", joint) for joint in _FEET)),
    (*COCO17.flip_pairs, *((f"left_{part}", f"right_{part}") for part in ("big_toe", "small_toe", "heel"))),
)
LAYOUTS_BY_NUMBER = {
    17: ("coco17", COCO17),
    23: ("coco23", _COCO23),
    26: ("halpe26", HALPE26),
    133: ("coco133", _COCO23),
}
"""The layout of a model's joints and the skeleton that it fills, by their number."""

_STRIDE = 4


class Output(NamedTuple):
    """An output of a model for one picture.

    Attributes:
        name: of the output.
        shape: with the batch.
    """

    name: str
    shape: tuple[int, ...]


def describe_outputs(
    path: Path, input_size: tuple[int, int], outputs: Sequence[Output]
) -> tuple[OnnxDescription, Skeleton]:
    """Return what a model is, by its outputs for one picture, and the skeleton of its joints.

    Args:
        path: of the model, for errors.
        input_size: (height, width) of its input, pixels.
        outputs: all of them.

    Raises:
        DetectorError: the outputs are those of no pose network that is known; the message lists them.
    """
    simcc = _simcc(input_size, outputs)
    maps = [output for output in outputs if len(output.shape) == 4 and _is_heatmap(input_size, output.shape)]
    if simcc is None and len(maps) != 1:
        raise DetectorError(
            f"{path}: expected a pose network that gives heatmaps (1, J, height / 4, width / 4), or SimCC vectors "
            f"(1, J, bins) for x and for y, got {_listed(outputs)}{_hint(outputs)}; describe it in a TOML file"
        )
    num_joints = simcc[0].shape[1] if simcc else maps[0].shape[1]
    if num_joints not in LAYOUTS_BY_NUMBER:
        raise DetectorError(
            f"{path}: expected 17 (COCO), 23, 26 (Halpe with feet) or 133 joints (COCO whole body), got {num_joints}: "
            "several layouts may have so many; name its joints in a TOML file"
        )
    layout, skeleton = LAYOUTS_BY_NUMBER[num_joints]
    description = OnnxDescription(
        model=path.name,
        kind="simcc" if simcc else "heatmap",
        input_size=input_size,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        skeleton=skeleton.name,
        joints=LAYOUTS[layout],
        outputs=tuple(output.name for output in simcc) if simcc else (maps[0].name,),
        split_ratio=simcc[0].shape[2] / input_size[1] if simcc else 2.0,
        stride=_STRIDE,
    )
    return description, skeleton


def load_onnx_alone(path: Path, options: RunOptions) -> WindowDetector:
    """Return the detector of an ONNX file, taken for what its inputs and outputs tell.

    Raises:
        DetectorError: it is no pose network that is known, or its input has no fixed size.
        SkeletonError: there is no such skeleton.
    """
    session = open_session(path, options.device)
    shapes = [model_input.shape for model_input in session.get_inputs()]
    if len(shapes) != 1 or len(shapes[0]) != 4 or not all(isinstance(side, int) for side in shapes[0][2:]):
        raise DetectorError(
            f"{path}: expected a model with one input (B, 3, height, width) whose height and width are fixed, got "
            f"{', '.join(map(str, shapes)) or 'none'}; describe it in a TOML file with its input_size"
        )
    input_size = (int(shapes[0][2]), int(shapes[0][3]))
    outputs = [Output(name, shape) for name, shape in zero_outputs(path, session, input_size)]
    description, skeleton = describe_outputs(path, input_size, outputs)
    if description.kind == "heatmap" and options.bias_px is None:
        _log.warning(
            "%s: taken to mean the middle of a heatmap's pixel, as ViTPose does (UDP): if it means the corner, as "
            "HRNet of MMPose does, all joints lie 1.5 px of its input off; then give the option bias_px=[1.5, 1.5]",
            path.name,
        )
    wanted = options.skeleton if isinstance(options, OnnxOptions) else None
    return detector_of(description, path, choose_skeleton(wanted) if wanted else skeleton, options, name=path.stem)


def _simcc(input_size: tuple[int, int], outputs: Sequence[Output]) -> tuple[Output, Output] | None:
    """Return the vectors for x and for y; None if there are no such two."""
    vectors = [output for output in outputs if len(output.shape) == 3]
    if len(vectors) != 2 or vectors[0].shape[:2] != vectors[1].shape[:2]:
        return None
    height, width = input_size
    for x, y in (vectors, vectors[::-1]):
        ratio = x.shape[2] / width
        if ratio >= 1 and y.shape[2] == height * ratio:
            # The sides of a square input do not tell them apart, their names may.
            is_turned = height == width and "y" in x.name.lower().removeprefix("simcc")
            return (y, x) if is_turned else (x, y)
    return None


def _is_heatmap(input_size: tuple[int, int], shape: tuple[int, ...]) -> bool:
    height, width = input_size
    return shape[2] > 1 and shape[3] > 1 and height * shape[3] == width * shape[2] and shape[2] <= height


def _listed(outputs: Sequence[Output]) -> str:
    return ", ".join(f"{output.name} {output.shape}" for output in outputs) or "none"


def _hint(outputs: Sequence[Output]) -> str:
    gives_people = any(len(output.shape) == 4 and output.shape[-1] in {2, 3} for output in outputs)
    return " (it gives people with their keypoints, as RTMO does, and no heatmaps)" if gives_people else ""


DETECTOR = DetectorRecord(
    name="onnx_alone",
    path_form="MODEL.onnx",
    description="RTMPose and other networks of 17, 23, 26 or 133 joints, told by their inputs and outputs",
    load=load_onnx_alone,
    recognises=lambda path: path.suffix == ".onnx",
    options=OnnxOptions,
    fastest_device=fastest_onnx_device,
)
