"""A detector that knows where the joints are and errs on purpose, less after it was trained, around a tiny network."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from poseharvest.detectors.hourglass import HOURGLASS
from poseharvest.detectors.network import NetworkDetector, RunOptions
from poseharvest.detectors.protocol import CroppedView
from poseharvest.geometry.rig import project_all
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.heatmaps.encode import gaussian_maps
from poseharvest.learning.loop.augmentation import Augmentation
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.networks.hourglass import StackedHourglass
from poseharvest.networks.hourglass_shape import HourglassShape
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.tables.studio.filming import Filming, Take, film
from poseharvest.tables.studio.study import Study

ACTIONS = ("Greeting", "Walking")
FILMING = Filming(num_frames=6, frame_rate=10.0, scale=0.16)
GENERIC_ERROR_PX, TRAINED_ERROR_PX = 7.0, 1.5
_SIDE = 64


class Knowing(NetworkDetector):
    """Knows where the joints are in some pictures, but for an error; its network only trains."""

    def __init__(self, network: nn.Module, known_pixels: Mapping[int, Tensor], error_px: float) -> None:
        preprocessing = replace(HOURGLASS.preprocessing, input_size=(_SIDE, _SIDE))
        super().__init__(network, replace(HOURGLASS, preprocessing=preprocessing), RunOptions())
        self.known_pixels, self.error_px = known_pixels, error_px

    def with_network(self, network: nn.Module) -> Knowing:
        """Whatever was learned, it now errs less."""
        return Knowing(network, self.known_pixels, TRAINED_ERROR_PX)

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Paint what it believes."""
        maps = [self._paint(view) for view in views]
        return torch.stack(maps) if maps else torch.zeros(0, 16, *self.heatmap_size)

    def _paint(self, view: CroppedView) -> Tensor:
        name = zlib.crc32(view.image.tobytes())
        error = np.random.default_rng(name).normal(0, self.error_px, (16, 2))
        if name not in self.known_pixels:
            return torch.zeros(16, *self.heatmap_size)  # a picture that was turned: nobody stands in it
        points = view.crop.to_window(self.known_pixels[name] + torch.from_numpy(error), self.heatmap_size)
        return gaussian_maps(points, self.heatmap_size, sigma_px=1.0).float()


def pixels_by_picture(takes: Iterable[Take]) -> dict[int, Tensor]:
    """The true pixels (J, 2) of every picture, by its bytes."""
    known = {}
    for take in takes:
        for frame in take.capture.frames():
            pixels = project_all(take.capture.rig.at(0), take.truth.positions[frame.index]).pixels
            known |= {zlib.crc32(i.tobytes()): p.double() for i, p in zip(frame.images, pixels, strict=True)}
    return known


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The footage of subjects 1 and 101, drawn once: FOLDER/SUBJECT/ACTION."""
    folder = tmp_path_factory.mktemp("films")
    for subject in (1, 101):
        for action in ACTIONS:
            film(subject, action, 0, folder / str(subject) / action, filming=FILMING)
    return folder


@pytest.fixture(scope="session")
def known_pixels(films: Path) -> dict[int, Tensor]:
    """What the detector knows."""
    return pixels_by_picture(
        film(subject, action, 0, films / str(subject) / action, filming=FILMING)
        for subject in (1, 101)
        for action in ACTIONS
    )


@pytest.fixture(scope="session")
def knowing_of() -> Callable[[Iterable[Take]], Knowing]:
    """Make a detector that knows some takes."""
    return lambda takes: Knowing(_tiny_network(), pixels_by_picture(takes), GENERIC_ERROR_PX)


def _tiny_network() -> nn.Module:
    torch.manual_seed(0)
    return StackedHourglass(HourglassShape(stacks=1, features=8, stem=4, depth=2))


@pytest.fixture(scope="session")
def study(known_pixels: dict[int, Tensor]) -> Study:
    """Two actions of six small frames, an epoch of a tiny network."""
    return Study(
        detector=Knowing(_tiny_network(), known_pixels, GENERIC_ERROR_PX),
        detector_settings={"name": "knowing"},
        actions=ACTIONS,
        filming=FILMING,
        harvesting=HarvestOptions(
            inference=InferenceOptions(resolution=24),
            estimate="grid",
            warm_up_frames=4,
            num_previews=1,
            ignore_audit=True,
        ),
        training=TrainingOptions(epochs=1, augmentation=Augmentation(rotation_deg=5, scale=0.05, flip=False)),
    )
