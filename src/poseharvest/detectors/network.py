"""A detector around a network of ours: windows of pictures in, heatmaps in the network's channel order out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from poseharvest.arrays import Image, ImageSize
from poseharvest.detectors.protocol import CroppedView
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop, extract
from poseharvest.heatmaps.flip import flip_heatmaps
from poseharvest.skeleton.skeleton import Skeleton


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its pictures.

    Attributes:
        input_size: (height, width) of the resampled window, pixels.
        mean: subtracted from RGB in 0 to 1.
        std: divided by, after that.
        bias_px: (x, y) by which the network's peaks lie off the joint, in pixels of the input; the window is moved
            by as much, so that the heatmaps come out unbiased and stay unresampled.
        bgr: the network wants blue first; mean and std are then in that order too.
    """

    input_size: ImageSize
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    bias_px: tuple[float, float] = (0.0, 0.0)
    bgr: bool = False


@dataclass(frozen=True)
class RunOptions:
    """How a detector runs.

    Attributes:
        device: where its network runs.
        batch_size: most windows that go through the network at once.
        flip_test: average the heatmaps with those of the mirrored window; twice the time.
    """

    device: str = "cpu"
    batch_size: int = 16
    flip_test: bool = False

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise DetectorError(f"detector: expected a batch size of 1 or more, got {self.batch_size}")


def windows(views: Sequence[CroppedView], preprocessing: Preprocessing, *, mirrored: bool = False) -> Tensor:
    """Return the normalised windows (B, 3, h, w) float32 of B views, as the network wants them.

    A mirrored window is moved by the bias the other way: it must be unbiased after it is mirrored back.

    Raises:
        DetectorError: a view comes without its picture.
    """
    cut = [_window(view, preprocessing, mirrored) for view in views]
    pictures = torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2).float() / 255
    if preprocessing.bgr:
        pictures = pictures.flip(1)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (preprocessing.mean, preprocessing.std))
    normalised = (pictures - mean) / std
    return normalised.flip(-1) if mirrored else normalised


def _window(view: CroppedView, preprocessing: Preprocessing, mirrored: bool) -> Image:
    if view.image is None:
        raise DetectorError(f'detector: view "{view.view}", frame {view.frame}: expected a picture, got None')
    step_x, step_y = (view.crop.side / length for length in reversed(preprocessing.input_size))
    bias_x, bias_y = preprocessing.bias_px
    x, y = view.crop.center
    moved = Crop((x + (-bias_x if mirrored else bias_x) * step_x, y + bias_y * step_y), view.crop.side)
    return extract(view.image, moved, preprocessing.input_size)


class NetworkDetector:
    """A HeatmapDetector that runs a network.

    Attributes:
        network: the network as it is trained; its forward gives one (B, J, h, w) a stack, the best last.
        preprocessing: how it wants its pictures.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Preprocessing,
        *,
        name: str,
        skeleton: Skeleton,
        stride: int,
        options: RunOptions,
    ) -> None:
        self.network = network.to(options.device).eval()
        self.preprocessing = preprocessing
        self._name = name
        self._skeleton = skeleton
        self._stride = stride
        self._options = options

    @property
    def name(self) -> str:
        """Name for reports and for `harvest.json`."""
        return self._name

    @property
    def skeleton(self) -> Skeleton:
        """The joints in channel order."""
        return self._skeleton

    @property
    def heatmap_size(self) -> ImageSize:
        """(height, width) of the heatmaps."""
        height, width = self.preprocessing.input_size
        return (height // self._stride, width // self._stride)

    @property
    def needs_images(self) -> bool:
        """True: a network looks at pictures."""
        return True

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps (B, J, h, w) float32 of B windows, on the detector's device.

        Raises:
            DetectorError: a view comes without its picture.
        """
        batches = list(self._batches(views))
        if not batches:
            return torch.zeros((0, len(self.skeleton), *self.heatmap_size), device=self._options.device)
        return torch.cat(batches)

    def _batches(self, views: Sequence[CroppedView]) -> Iterator[Tensor]:
        size = self._options.batch_size
        for start in range(0, len(views), size):
            batch = views[start : start + size]
            heatmaps = self._run(windows(batch, self.preprocessing))
            if self._options.flip_test:
                mirrored = self._run(windows(batch, self.preprocessing, mirrored=True))
                heatmaps = (heatmaps + flip_heatmaps(mirrored, self.skeleton)) / 2
            yield heatmaps

    @torch.inference_mode()
    def _run(self, pictures: Tensor) -> Tensor:
        final: Tensor = self.network(pictures.to(self._options.device))[-1]
        return final.float()
