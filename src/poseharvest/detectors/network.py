"""Detectors around a function from windows of pictures to heatmaps, such as a network of ours."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from pydantic import FiniteFloat
from torch import Tensor, nn

from poseharvest.arrays import Image, ImageSize
from poseharvest.detectors.network_hash import parameters_sha256
from poseharvest.detectors.precision import MixedPrecision
from poseharvest.detectors.protocol import CroppedView
from poseharvest.detectors.weights_files import read_metadata
from poseharvest.devices import check_device
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop, extract
from poseharvest.heatmaps.flip import flip_heatmaps
from poseharvest.reading.documents import parse_json
from poseharvest.reading.foreign_records import Edge, ForeignRecord, PositiveTriple, Triple, checked
from poseharvest.skeleton.skeleton import Skeleton

PREPROCESSING_KEY: Final = "preprocessing"
"""Where a weights file of ours says how its network wants its pictures, as JSON."""


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its pictures.

    Attributes:
        input_size: (height, width) of its input, pixels. If it is not square, the window fits into its shorter side
            and the longer one shows more of the picture, so that no joint of the window is lost.
        mean: subtracted from colours of 0 to 1.
        std: divided by, after that.
        bgr: the network wants blue first; mean and std are then in that order too.
        bias_px: (x, y) by which the network's peaks lie off the joint, in pixels of the input; the window is moved
            by as much, so that the heatmaps come out unbiased without being resampled.
    """

    input_size: ImageSize
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    bgr: bool = False
    bias_px: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class RunOptions:
    """How a detector runs.

    Attributes:
        device: where its network runs, "cpu", "cuda" or "cuda:1".
        batch_size: most windows that go through the network at once; None takes 4 on the CPU, where more only move
            its features out of the cache, and 32 on a GPU.
        flip_test: average the heatmaps with those of the mirrored window: no bias to a side, at twice the time.
        bias_px: (x, y) that replaces the preprocessing's own; detectors.bias measures it.
        heatmap_device: where its heatmaps are handed over; None for where it runs.
        full_precision: never run a network in half precision, which a GPU does where the heatmaps stay the same.
    """

    device: str = "cpu"
    batch_size: int | None = None
    flip_test: bool = False
    bias_px: tuple[float, float] | None = None
    heatmap_device: str | None = None
    full_precision: bool = False

    def __post_init__(self) -> None:
        if self.batch_size is not None and self.batch_size < 1:
            raise DetectorError(f"detector: expected a batch size of 1 or more, got {self.batch_size}")
        for device in (self.device, self.heatmap_device or self.device):
            check_device(device, what="detector: device", error=DetectorError)

    @cached_property
    def on_gpu(self) -> bool:
        """Whether the device is one of CUDA's."""
        return torch.device(self.device).type == "cuda"

    @cached_property
    def windows_at_once(self) -> int:
        """Most windows that go through the network at once."""
        return self.batch_size or (32 if self.on_gpu else 4)


def network_input(views: Sequence[CroppedView], preprocessing: Preprocessing, *, mirrored: bool = False) -> Tensor:
    """Return the normalised windows (B, 3, h, w) float32 of B views, as the network wants them.

    A mirrored window is moved by the bias the other way: it must be unbiased after it is mirrored back.

    Raises:
        DetectorError: a view comes without its picture.
    """
    windows = np.stack([_window(view, preprocessing, mirrored) for view in views])
    pictures = torch.from_numpy(windows).permute(0, 3, 1, 2).float() / 255
    if preprocessing.bgr:
        pictures = pictures.flip(1)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (preprocessing.mean, preprocessing.std))
    normalised = (pictures - mean) / std
    return normalised.flip(-1) if mirrored else normalised


def _window(view: CroppedView, preprocessing: Preprocessing, mirrored: bool) -> Image:
    if view.image is None:
        raise DetectorError(f'detector: view "{view.view}", frame {view.frame}: expected a picture, got None')
    height, width = preprocessing.input_size
    longer, shorter = max(height, width), min(height, width)
    step = view.crop.side / shorter
    bias_x, bias_y = preprocessing.bias_px
    x, y = view.crop.center
    window = Crop((x + (-bias_x if mirrored else bias_x) * step, y + bias_y * step), longer * step)
    square = extract(view.image, window, (longer, longer))
    top, left = (longer - height) // 2, (longer - width) // 2
    return square[top : top + height, left : left + width]


def square_part(heatmaps: Tensor) -> Tensor:
    """Return the part of maps (B, J, H, W) that covers the window, when the network's input is not square."""
    height, width = heatmaps.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return heatmaps[..., top : top + side, left : left + side]


class WindowDetector:
    """A HeatmapDetector around a function from network inputs to heatmaps.

    Attributes:
        name: for reports and for `harvest.json`.
        skeleton: the joints in channel order.
        heatmap_size: (height, width) of the heatmaps.
        preprocessing: how the function wants its pictures.
        needs_images: True: it looks at pictures.
    """

    needs_images = True

    def __init__(  # noqa: PLR0913 - what a detector is, each part of its own kind
        self,
        run: Callable[[Tensor], Tensor],
        *,
        name: str,
        skeleton: Skeleton,
        heatmap_size: ImageSize,
        preprocessing: Preprocessing,
        options: RunOptions,
        identity: Mapping[str, str] | None = None,
    ) -> None:
        self.preprocessing = preprocessing
        self._identity = dict(identity or {})
        self._run = run
        self.name = name
        self.skeleton = skeleton
        self.heatmap_size = heatmap_size
        self._options = options

    @property
    def details(self) -> dict[str, Any]:
        """A hash of the weights, how it wants its pictures, whether it looks at mirrored ones, and where it runs."""
        preprocessing: dict[str, Any] = json.loads(json.dumps(asdict(self.preprocessing)))
        run = {"flip_test": self._options.flip_test, "device": self._options.device}
        return {**self._identity, "preprocessing": preprocessing, **run}

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps (B, J, h, w) float32 of B windows, where the options want them.

        Raises:
            DetectorError: a view comes without its picture.
        """
        wanted = self._options.heatmap_device or self._options.device
        if not views:
            return torch.zeros((0, len(self.skeleton), *self.heatmap_size), device=wanted)
        detected: list[Tensor] = []
        size = self._options.windows_at_once
        batches = [views[start : start + size] for start in range(0, len(views), size)]
        # While the network looks at some windows, the next ones are cut out.
        with ThreadPoolExecutor(1) as cutter:
            inputs = deque(cutter.submit(self._inputs, batch) for batch in batches[:1])
            for batch in [*batches[1:], None][: len(batches)]:
                if batch is not None:
                    inputs.append(cutter.submit(self._inputs, batch))
                heatmaps = [self._run(windows) for windows in inputs.popleft().result()]
                if self._options.flip_test:
                    heatmaps = [(heatmaps[0] + flip_heatmaps(heatmaps[1], self.skeleton)) / 2]
                detected += [values.to(wanted) for values in heatmaps]
        return torch.cat(detected)

    def _inputs(self, views: Sequence[CroppedView]) -> list[Tensor]:
        """Return what the network is to see of some windows: them and, if asked for, their mirror images."""
        mirrors = (False, True) if self._options.flip_test else (False,)
        inputs = [network_input(views, self.preprocessing, mirrored=mirrored) for mirrored in mirrors]
        return [windows.pin_memory() for windows in inputs] if self._options.on_gpu else inputs


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
