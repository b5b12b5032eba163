"""A detector around a network of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import FiniteFloat
from torch import Tensor, nn

from poseharvest.detectors.network_hash import parameters_sha256
from poseharvest.detectors.precision import MixedPrecision
from poseharvest.detectors.weights_files import read_metadata
from poseharvest.detectors.windows import Preprocessing, RunOptions, WindowDetector, square_part
from poseharvest.errors import DetectorError
from poseharvest.reading.documents import parse_json
from poseharvest.reading.foreign_records import Edge, ForeignRecord, PositiveTriple, Triple, checked
from poseharvest.skeleton.skeleton import Skeleton


@dataclass(frozen=True)
class Family:
    """What the detectors around one kind of network have in common.

    Attributes:
        name: for reports and for `harvest.json`.
        skeleton: the network's joints in channel order.
        preprocessing: how it wants its pictures.
        stride: pixels of its input per pixel of its heatmaps.
        prepare: gives the copy of a trained network that inference runs.
    """

    name: str
    skeleton: Skeleton
    preprocessing: Preprocessing
    stride: int
    prepare: Callable[[Any], nn.Module]


PREPROCESSING_KEY: Final = "preprocessing"
"""Where a weights file of ours says how its network wants its pictures, as JSON."""


def family_of_file(family: Family, weights: Path) -> Family:
    """Return the family with the preprocessing that a weights file of ours names; files of others name none.

    Raises:
        DetectorError: the file is missing or damaged.
    """
    text = read_metadata(weights).get(PREPROCESSING_KEY)
    if text is None:
        return family
    where = f"{weights}: its {PREPROCESSING_KEY} is damaged"
    preprocessing = preprocessing_from_json(text, where)
    if min(preprocessing.input_size) < family.stride:
        raise DetectorError(f"{where}: input_size: expected {family.stride} or more, got {preprocessing.input_size}")
    return replace(family, preprocessing=preprocessing)


class _PreprocessingRecord(ForeignRecord):
    """A preprocessing in a weights file."""

    input_size: tuple[Edge, Edge]
    mean: Triple
    std: PositiveTriple
    bgr: bool
    bias_px: tuple[FiniteFloat, FiniteFloat]


def preprocessing_from_json(text: str, where: str) -> Preprocessing:
    """Return what `preprocessing_to_json` wrote; `where` is for messages.

    Raises:
        DetectorError: it is damaged.
    """
    record = checked(_PreprocessingRecord, parse_json(text, where, error=DetectorError), where, error=DetectorError)
    return Preprocessing(**dict(record))


def preprocessing_to_json(preprocessing: Preprocessing) -> str:
    """Return a preprocessing as text."""
    return json.dumps(asdict(preprocessing))


class NetworkDetector(WindowDetector):
    """A HeatmapDetector that runs a network.

    Attributes:
        network: the network as it is trained; its forward gives one (B, J, h, w) a stack, the best last. `detect`
            runs a copy made here: after training, ask `with_network` for another detector.
        family: the kind of network.
    """

    def __init__(self, network: nn.Module, family: Family, options: RunOptions) -> None:
        self.network = network
        self.family = family
        runner = family.prepare(network).to(options.device)
        mixed = options.on_gpu and not options.full_precision
        self._runner = MixedPrecision(runner, "cuda") if mixed else lambda pictures: runner(pictures)[-1]
        preprocessing = family.preprocessing
        if options.bias_px is not None:
            preprocessing = replace(preprocessing, bias_px=options.bias_px)
        side = min(preprocessing.input_size) // family.stride
        super().__init__(
            self._final_heatmaps,
            name=family.name,
            skeleton=family.skeleton,
            heatmap_size=(side, side),
            preprocessing=preprocessing,
            options=options,
            identity={"parameters_sha256": parameters_sha256(network)},
        )

    def with_network(self, network: nn.Module) -> NetworkDetector:
        """Return this detector around another network of the same kind, such as one that was trained further."""
        return NetworkDetector(network, self.family, self._options)

    @torch.inference_mode()
    def _final_heatmaps(self, pictures: Tensor) -> Tensor:
        pictures = pictures.to(self._options.device, non_blocking=True, memory_format=torch.channels_last)
        return square_part(self._runner(pictures)).float().contiguous()
