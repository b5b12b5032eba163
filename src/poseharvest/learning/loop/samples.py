"""What networks are trained on: pictures of one person with the joints that are known."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Protocol

import torch
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.crop import Crop
from poseharvest.skeleton.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class TrainingSample:
    """One person in one picture.

    Attributes:
        picture: (3, H, W) RGB, float32 of 0 to 1 or uint8 of 0 to 255. It should reach beyond the window: rotations
            and changes of scale look there, and see black beyond its border.
        joints: (J, 2) x, y, pixels of the picture; anything where `weight` is 0.
        weight: (J,) how much a joint counts in the loss, 1 for a usual one; 0 for one that the loss ignores.
        window: what the network sees of the picture when nothing is varied.
        head_px: size of the head for PCKh, pixels of the picture; NaN if unknown.
        depth_mm: (J,) how much farther from the camera than the root, mm along its axis; NaN for a joint whose depth
            is not to be learned. None if depths are not known.
        held: (J,) how much a joint is held to the answer of the network before the training, where that is asked for;
            None for 1 where `weight` is 0.
    """

    picture: Tensor
    joints: Tensor
    weight: Tensor
    window: Crop
    head_px: float = float("nan")
    depth_mm: Tensor | None = None
    held: Tensor | None = None

    def __post_init__(self) -> None:
        check_shape("sample: picture", self.picture, "3 H W")
        sizes = check_shape("sample: joints", self.joints, "J 2")
        check_shape("sample: weight", self.weight, "J", **sizes)
        for name, values in (("depth_mm", self.depth_mm), ("held", self.held)):
            if values is not None:
                check_shape(f"sample: {name}", values, "J", **sizes)
        if self.picture.dtype not in {torch.uint8, torch.float32}:
            raise ShapeError(f"sample: expected a picture of uint8 or float32, got {self.picture.dtype}")
        if not bool(torch.isfinite(self.joints[self.weight > 0]).all()):
            raise ShapeError("sample: expected finite pixels where the weight is not 0, got NaN or infinite ones")

    @property
    def colours(self) -> Tensor:
        """(3, H, W) float32, 0 to 1."""
        return self.picture.float() / 255 if self.picture.dtype == torch.uint8 else self.picture

    @property
    def hold(self) -> Tensor:
        """(J,) float32, how much each joint is held to an earlier network's answer."""
        return (self.weight == 0).float() if self.held is None else self.held.float()

    @property
    def known(self) -> Tensor:
        """(J, 2) float64 pixels of the picture; NaN for a joint that the loss ignores."""
        return torch.where(self.weight.unsqueeze(-1) > 0, self.joints.double(), torch.nan)


class SampleSource(Protocol):
    """Samples by number: a data set, a harvest, or a studio that draws number i from seed i.

    The same number must give the same sample at every call and in every process: training is resumed by numbers.
    """

    @property
    def skeleton(self) -> Skeleton:
        """The joints of its samples, in order."""
        ...

    def __len__(self) -> int:
        """Return the number of samples that make an epoch."""
        ...

    def sample(self, index: int) -> TrainingSample:
        """Return sample `index`, 0 to len - 1."""
        ...


@dataclass(frozen=True, eq=False)
class MixedSource:
    """Sources one after another: a `SampleSource`. An epoch sees every sample of each once, shuffled together.

    Attributes:
        parts: at least one, all of the same joints.
    """

    parts: tuple[SampleSource, ...]

    @property
    def skeleton(self) -> Skeleton:
        """The joints of its samples."""
        return self.parts[0].skeleton

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(len(part) for part in self.parts))

    def __len__(self) -> int:
        return self._ends[-1]

    def sample(self, index: int) -> TrainingSample:
        """Return sample `index`, counted through the parts."""
        part = bisect_right(self._ends, index)
        before = self._ends[part - 1] if part else 0
        return self.parts[part].sample(index - before)
