"""Pictures that are drawn on request, by number, as training samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from poseharvest.arrays import Image
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.learning.loop.samples import TrainingSample
from poseharvest.skeleton.skeleton import Skeleton

_AROUND_JOINTS = 1.3


class DrawnPicture(Protocol):
    """A picture of one person with the truth."""

    @property
    def image(self) -> Image:
        """(H, W, 3) RGB."""
        ...

    @property
    def joints(self) -> Tensor:
        """(J, 2) x, y, pixels of the picture; they may lie outside."""
        ...


@dataclass(frozen=True, eq=False)
class RenderedSource:
    """Drawn pictures: a `SampleSource`.

    Attributes:
        skeleton: the joints of the pictures.
        count: pictures that make an epoch.
        draw: gives picture number i, always the same one.
        first: number of the first picture; validation needs other numbers than the training.
        window_px: side of the window in the middle of every picture, pixels; None sets one around the joints.
        remember: keep the pictures in memory after they were drawn once.
    """

    skeleton: Skeleton
    count: int
    draw: Callable[[int], DrawnPicture]
    first: int = 0
    window_px: float | None = None
    remember: bool = True
    _samples: dict[int, TrainingSample] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return self.count

    def sample(self, index: int) -> TrainingSample:
        """Return picture `index`; hidden joints are learned as well, those outside the picture are ignored."""
        sample = self._samples.get(index)
        if sample is None:
            sample = _as_sample(self.draw(self.first + index), self.window_px)
            if self.remember:
                self._samples[index] = sample
        return sample


def _as_sample(picture: DrawnPicture, window_px: float | None) -> TrainingSample:
    height, width = picture.image.shape[:2]
    joints = picture.joints.double()
    limits = torch.tensor((width, height), dtype=joints.dtype) - 0.5
    inside = ((joints >= -0.5) & (joints <= limits)).all(-1)
    window = None if window_px is None else Crop(((width - 1) / 2, (height - 1) / 2), window_px)
    return TrainingSample(
        picture=torch.from_numpy(picture.image.copy()).permute(2, 0, 1),
        joints=joints,
        weight=inside.float(),
        window=window or _around(joints[inside], limits),
    )


def _around(joints: Tensor, limits: Tensor) -> Crop:
    """Return the window around joints (J, 2), or around all up to `limits` if there are none."""
    around = joints if len(joints) else torch.stack((torch.zeros_like(limits), limits))
    return crop_around(around, _AROUND_JOINTS, min_side=8.0)
