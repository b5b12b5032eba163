"""ONNX models that their publisher lets everybody download, by name: RTMPose and RTMW of OpenMMLab.

A record says where a model lies and what it is, so that neither a description nor a guess is needed. A SHA-256 stands
here where several independent projects state the same one for the file; the others are recorded at the first download.
None of these files could be downloaded where this was written: the records are tested on models with the same inputs
and outputs, and on a server of the tests' own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from poseharvest.arrays import ImageSize
from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.detectors.network import RunOptions, WindowDetector
from poseharvest.detectors.onnx import OnnxDescription, OnnxOptions, detector_of
from poseharvest.detectors.onnx_alone import IMAGENET_MEAN, IMAGENET_STD, LAYOUTS_BY_NUMBER
from poseharvest.detectors.published_weights import PublishedWeights, find_weights
from poseharvest.skeleton.skeleton_file import choose_skeleton

_MMPOSE = "https://download.openmmlab.com/mmpose/v1/projects"
_SMALL, _LARGE = (256, 192), (384, 288)


@dataclass(frozen=True)
class PublishedModel:
    """An ONNX model of two SimCC vectors, trained with ImageNet's mean and deviation in RGB.

    Attributes:
        weights: where its file is published.
        input_size: (height, width), pixels.
        num_joints: 17, 26 or 133.
        split_ratio: bins per pixel of the input.
    """

    weights: PublishedWeights
    input_size: ImageSize
    num_joints: int
    split_ratio: float = 2.0

    @property
    def name(self) -> str:
        """What the user writes."""
        return self.weights.name

    def description(self, model: Path) -> OnnxDescription:
        """Return what a file of this model is."""
        layout, skeleton = LAYOUTS_BY_NUMBER[self.num_joints]
        return OnnxDescription(
            model=model.name,
            kind="simcc",
            input_size=self.input_size,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            skeleton=skeleton.name,
            joints=LAYOUTS[layout],
            split_ratio=self.split_ratio,
        )


def _model(
    name: str, path: str, input_size: ImageSize, num_joints: int, *, sha256: str | None = None
) -> tuple[str, PublishedModel]:
    weights = PublishedWeights(name, f"{name}.onnx", f"{_MMPOSE}/{path}", sha256, "Apache-2.0")
    return name, PublishedModel(weights, input_size, num_joints)


PUBLISHED_MODELS: Mapping[str, PublishedModel] = MappingProxyType(
    dict([
        _model(
            "rtmpose-s",
            "rtmposev1/onnx_sdk/rtmpose-s_simcc-body7_pt-body7_420e-256x192-acd4a1ef_20230504.zip",
            _SMALL,
            17,
            sha256="9aeb635b83f86aea45cf45d85798f7eba1a162de8e0d721c44e54fe5eebaf47d",
        ),
        _model(
            "rtmpose-m",
            "rtmposev1/onnx_sdk/rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504.zip",
            _SMALL,
            17,
            sha256="5c0a4bf67953e6d2ac43ce15e77dc9d5d354ae18430a47d2c5963a7bc5683e3c",
        ),
        _model(
            "rtmpose-l",
            "rtmposev1/onnx_sdk/rtmpose-l_simcc-body7_pt-body7_420e-384x288-3f5a1437_20230504.zip",
            _LARGE,
            17,
        ),
        _model(
            "rtmpose-s-halpe26",
            "rtmposev1/onnx_sdk/rtmpose-s_simcc-body7_pt-body7-halpe26_700e-256x192-7f134165_20230605.zip",
            _SMALL,
            26,
        ),
        _model(
            "rtmpose-m-halpe26",
            "rtmposev1/onnx_sdk/rtmpose-m_simcc-body7_pt-body7-halpe26_700e-256x192-4d3e73dd_20230605.zip",
            _SMALL,
            26,
            sha256="26f3a19e61304a600dfb82d1001d41d24343b89fc70a33ffc84657e0b0bf2ecf",
        ),
        _model(
            "rtmpose-l-halpe26",
            "rtmposev1/onnx_sdk/rtmpose-l_simcc-body7_pt-body7-halpe26_700e-384x288-734182ce_20230605.zip",
            _LARGE,
            26,
        ),
        _model("rtmw-m", "rtmw/onnx_sdk/rtmw-dw-l-m_simcc-cocktail14_270e-256x192_20231122.zip", _SMALL, 133),
        _model(
            "rtmw-l",
            "rtmw/onnx_sdk/rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122.zip",
            _LARGE,
            133,
            sha256="bd033156e5104c4f5d2edfe0453e02661e30a2f3da453ec93c8764d561b83054",
        ),
    ])
)
"""Models by name."""


def load_published(model: PublishedModel, weights: Path | None, options: RunOptions) -> WindowDetector:
    """Return the detector of a published model.

    Args:
        model: which.
        weights: its ONNX file, used as it is; None takes it from the cache, and downloads it into it once.
        options: how it runs.

    Raises:
        DetectorError: the file cannot be had, or does not fit its record.
        SkeletonError: there is no such skeleton.
    """
    path = weights or find_weights(model.weights)
    _, skeleton = LAYOUTS_BY_NUMBER[model.num_joints]
    wanted = options.skeleton if isinstance(options, OnnxOptions) else None
    chosen = choose_skeleton(wanted) if wanted else skeleton
    return detector_of(model.description(path), path, chosen, options, name=model.name, source=path)
