"""ViTPose of the transformers library as a detector (Xu et al., NeurIPS 2022).

Weights come from a folder that `save_pretrained` wrote or a model hub holds (`config.json`, `model.safetensors`), or
from a .safetensors of our own, whose metadata holds the configuration. The network is built from its configuration and
never downloads anything: only the sizes below are taken from it. The library would look others up on a hub, such as
`backbone`, or the code of an attention.
"""

from __future__ import annotations

import copy
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat
from torch import Tensor, nn

from poseharvest.detectors.detector_names import WEIGHTS_SUFFIX
from poseharvest.detectors.detector_record import DetectorRecord
from poseharvest.detectors.network import Family, NetworkDetector, Preprocessing, RunOptions
from poseharvest.detectors.weights_files import build_for_state, read_metadata, read_safetensors
from poseharvest.errors import DetectorError
from poseharvest.reading.documents import load_json, parse_json
from poseharvest.reading.foreign_records import Edge, ForeignRecord, checked
from poseharvest.reading.guard import foreign_library
from poseharvest.skeleton.definitions import COCO17

CONFIG_KEY = "vitpose_config"
"""Where our .safetensors hold the configuration, as JSON."""

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


_Count = Annotated[int, Field(ge=1, le=64)]
_Width = Annotated[int, Field(ge=1, le=8192)]
_Rate = Annotated[FiniteFloat, Field(ge=0, le=1)]


class _BackboneConfig(ForeignRecord):
    """Sizes of the backbone. What a file leaves out is as the library has it: None is never passed on."""

    model_type: Literal["vitpose_backbone"] = "vitpose_backbone"
    image_size: tuple[Edge, Edge]
    patch_size: tuple[Edge, Edge]
    num_channels: Literal[3] | None = None
    hidden_size: _Width | None = None
    num_hidden_layers: _Count | None = None
    num_attention_heads: _Count | None = None
    mlp_ratio: _Count | None = None
    num_experts: _Count | None = None
    part_features: Annotated[int, Field(ge=0, le=8192)] | None = None
    hidden_act: Annotated[str, Field(max_length=32)] | None = None
    hidden_dropout_prob: _Rate | None = None
    attention_probs_dropout_prob: _Rate | None = None
    initializer_range: _Rate | None = None
    layer_norm_eps: _Rate | None = None
    qkv_bias: bool | None = None
    out_features: list[str] | None = None
    out_indices: list[int] | None = None


class _Config(ForeignRecord):
    """Sizes of the network around it."""

    backbone_config: _BackboneConfig
    num_labels: _Width | None = None
    id2label: dict[int, str] | None = None
    label2id: dict[str, int] | None = None
    initializer_range: _Rate | None = None
    scale_factor: _Count | None = None
    use_simple_decoder: bool | None = None


class VitPose(nn.Module):
    """ViTPose, giving its heatmaps as our networks do.

    Args:
        config: the library's configuration as a dictionary.

    Raises:
        DetectorError: transformers is missing, or the configuration is not ViTPose's.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        library = _library()
        record = checked(_Config, config, "vitpose: the configuration cannot be used", error=DetectorError)
        with foreign_library("vitpose: expected a configuration that can be used", DetectorError):
            settings = library.VitPoseConfig(**record.model_dump(exclude_none=True))
            self.model = library.VitPoseForPoseEstimation(settings)
        self.config: dict[str, Any] = settings.to_dict()
        self.image_size: tuple[int, int] = tuple(settings.backbone_config.image_size)
        self.patch_size: tuple[int, int] = tuple(settings.backbone_config.patch_size)
        self.scale: int = settings.scale_factor
        self.has_experts: bool = settings.backbone_config.num_experts > 1

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the heatmaps (B, J, H, W), alone in a tuple."""
        if self.has_experts:
            # A backbone of several experts picks one by data set: the first is COCO's.
            first = images.new_zeros(len(images)).long()
            return (self.model(images, dataset_index=first).heatmaps,)
        return (self.model(images).heatmaps,)


def load_vitpose(weights: Path | None, options: RunOptions) -> NetworkDetector:
    """Return ViTPose with the weights of a folder of the transformers library, or of our own .safetensors.

    Raises:
        DetectorError: the weights are None, missing, damaged, or of another network; or transformers is missing.
    """
    if weights is None:
        raise DetectorError(
            'detector "vitpose": expected weights=, a folder or file: none is published under our licence'
        )
    state, config = _read_folder(weights) if weights.is_dir() else _read_own(weights)
    network = build_for_state(lambda: VitPose(config).eval(), state, source=str(weights))
    return vitpose_detector(network, options)


def vitpose_detector(network: VitPose, options: RunOptions) -> NetworkDetector:
    """Return the detector around a network.

    Raises:
        DetectorError: the network has other joints than COCO's 17.
    """
    num_joints = network.model.config.num_labels
    if num_joints != len(COCO17):
        raise DetectorError(f"vitpose: expected the {len(COCO17)} joints of COCO, got {num_joints}")
    family = Family(
        name="vitpose",
        skeleton=COCO17,
        # The library's own processor maps the window's corners onto the corners of the input, as we do, and decodes
        # with the same convention; see detectors.bias for measuring what is left.
        preprocessing=Preprocessing(input_size=network.image_size, mean=_MEAN, std=_STD),
        stride=network.patch_size[0] // _upsampling(network),
        prepare=_inference_copy,
    )
    return NetworkDetector(network, family, options)


def is_vitpose(path: Path) -> bool:
    """Return whether a folder or file holds ViTPose."""
    if path.is_dir():
        return (path / "config.json").is_file() and (path / "model.safetensors").is_file()
    return path.suffix == WEIGHTS_SUFFIX and CONFIG_KEY in read_metadata(path)


def _inference_copy(network: VitPose) -> nn.Module:
    return copy.deepcopy(network).eval().requires_grad_(False)


def _upsampling(network: VitPose) -> int:
    """The decoders enlarge the grid of patches: the simple one by the scale factor, the classic one by four."""
    return network.scale if network.model.config.use_simple_decoder else 4


def _library() -> Any:
    try:
        return import_module("transformers")
    except ImportError as error:
        raise DetectorError(f"vitpose: needs transformers: pip install poseharvest[vitpose] ({error})") from error


def _read_folder(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    where = f"{folder}: expected config.json and model.safetensors of ViTPose"
    config = load_json(folder / "config.json", where=where, error=DetectorError)
    state = read_safetensors(folder / "model.safetensors")
    return {f"model.{name}": tensor for name, tensor in state.items()}, config


def _read_own(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    metadata = read_metadata(path)
    if CONFIG_KEY not in metadata:
        raise DetectorError(f"{path}: expected ViTPose, trained here: the file lacks its configuration")
    config = parse_json(metadata[CONFIG_KEY], f"{path}: {CONFIG_KEY}", error=DetectorError)
    return read_safetensors(path), config


DETECTOR = DetectorRecord(
    name="vitpose",
    description="ViTPose of the transformers library, 17 joints of COCO; your folder of weights",
    load=load_vitpose,
    recognises=is_vitpose,
    weights_in_folder=True,
)
