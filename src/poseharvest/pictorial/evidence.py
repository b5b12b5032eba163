"""What the views of many frames say at chosen voxels: the same Eq. (3) as `unary.back_project`, point by point.

`Likelihood` says what is made of heatmaps first (docs/method.md, choice D3). Networks learn to draw a Gaussian of a
fixed width around the joint, so a blob is as wide as its training said, however exactly its peak is placed. Its powers
are narrower. They are taken relative to the peak: a view's peaks stay as high over the floor as they were, so a network
that is unsure everywhere is not believed less. The floor is the chance that a view is simply wrong. That all views of a
joint are wrong must not become likelier where they are fewer, so with fewer than four it is lower (`floors_of`).

For a block of voxels `BatchEvidence` says about the mean over them, from heatmaps averaged over the window of pixels
that the block covers, so that a peak narrower than the block is not missed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.camera import StaticCamera
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.backends.backend import Backend
from poseharvest.pictorial.blocks import Blocks, halves_of
from poseharvest.pictorial.likelihood_limits import check_likelihood
from poseharvest.pictorial.posterior import VoxelVolume
from poseharvest.pictorial.shapes import Bool, Float
from poseharvest.pictorial.views import ShownMaps, Views
from poseharvest.pictorial.votes import weigh_views

_EXPONENTS = (1.0, 4.0, 2.0, 4 / 3, 1.0)  # of the floor, by the number of views that show the joint, up to 4


@dataclass(frozen=True)
class Likelihood:
    """How a heatmap becomes a likelihood; the defaults but for the floor are the paper's."""

    floor: float = 0.01
    """Chance that a view is simply wrong, added to every heatmap; 0 is the paper's Eq. (3). It is meant for four views
    or more that show a joint, and lower for fewer (`floors_of`)."""

    height_power: float = 0.0
    """Power of its peak's height with which a view's word on a joint counts; 0 in the paper: all alike."""

    sharpen: float = 1.0
    """Power of a heatmap's values relative to its peak; 1 in the paper."""

    def __post_init__(self) -> None:
        check_likelihood(self.floor, self.height_power, self.sharpen)

    def maps(self, values: Float[Tensor, "*B V J H W"], present: Bool[Tensor, "*B V"]) -> Float[Tensor, "*B V J H W"]:
        """Return the maps to which the floors are added.

        Args:
            values: (..., V, J, H, W) the heatmaps.
            present: (..., V) bool: the view has a heatmap.
        """
        made = sharpened(values, self.sharpen)
        if self.height_power == 0:
            return made
        floors = floors_of(self.floor, views_that_show(values, present), values.dtype)
        return weigh_views(made, present, floors=floors, power=self.height_power)


def views_that_show(values: Float[Tensor, "*B V J H W"], present: Bool[Tensor, "*B V"]) -> Bool[Tensor, "*B V J"]:
    """Return (..., V, J) bool: the view is present and its heatmap of the joint rises above zero.

    Args:
        values: (..., V, J, H, W) the heatmaps.
        present: (..., V) bool: the view has a heatmap.
    """
    return (values.amax((-2, -1)) > 0) & present[..., None]


def seen_joints(heatmaps: Heatmaps) -> Bool[Tensor, " J"]:
    """Return (J,) bool: some view's heatmap rises above zero."""
    return (heatmaps.values.amax((-2, -1)) > 0).any(0)  # a maximum takes a tenth of the time of so many comparisons


def floors_of(floor: float, is_shown: Bool[Tensor, "*B V J"], dtype: torch.dtype) -> Float[Tensor, "*B J"]:
    """Return (..., J) the floor of every view that shows a joint: ``floor^(4 / V)`` for V < 4 of them, else `floor`.

    All V views are wrong with the chance floor^4 at most, however few they are. A view that does not show the joint
    says nothing: its likelihood is the constant `floor`. For a joint that no view shows the result is `floor` too.

    Args:
        floor: the chance that one view of four or more is simply wrong, 0 or more and less than 1.
        is_shown: (..., V, J) bool, as `views_that_show` returns.
        dtype: of the result. No floor but 0 becomes smaller than its smallest normal number.
    """
    number = is_shown.sum(-2).clamp(max=len(_EXPONENTS) - 1)
    exponents = torch.tensor(_EXPONENTS, dtype=torch.float64, device=is_shown.device)
    floors = floor ** exponents[number]
    return (floors if floor == 0 else floors.clamp_min(torch.finfo(dtype).tiny)).to(dtype)


def sharpened(values: Float[Tensor, "*B H W"], power: float) -> Float[Tensor, "*B H W"]:
    """Return heatmaps (..., H, W) of which every value is ``peak (value / peak)^power``, peaks and signs unchanged.

    A Gaussian of deviation sigma becomes one of ``sigma / sqrt(power)``. What is not positive stays as it is.
    """
    if power == 1:
        return values
    peak = values.amax((-2, -1), keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
    return torch.where(values > 0, peak * (values.clamp_min(0) / peak) ** power, values)


@dataclass(frozen=True, eq=False)
class FrameEvidence:
    """All that inference knows of one frame.

    Attributes:
        heatmaps: of V views, in the order of the skeleton's joints.
        cameras: V cameras as they stand in the frame.
        center: (3,) middle of the bounding cube, mm.
    """

    heatmaps: Heatmaps
    cameras: tuple[StaticCamera, ...]
    center: Float[Tensor, " 3"]

    def __post_init__(self) -> None:
        check_shape("center", self.center, "3")
        if len(self.cameras) != self.heatmaps.values.shape[0]:
            raise ShapeError(f"cameras: expected one a view, {self.heatmaps.values.shape[0]}, got {len(self.cameras)}")


class BatchEvidence:
    """The evidence of F frames of V views and J joints, maps of one size, on cubes of one size."""

    def __init__(
        self,
        frames: Sequence[FrameEvidence],
        volumes: Sequence[VoxelVolume],
        likelihood: Likelihood,
        backend: Backend,
    ) -> None:
        """Stack the frames' maps.

        Args:
            frames: F frames, of as many views and of maps as large.
            volumes: their grids, of one voxel size; dtype and device are those of the work.
            likelihood: what is made of the maps.
            backend: does the sums over what the views show; one for the device of the volumes.
        """
        like = volumes[0].center
        self.backend = backend
        present = torch.tensor([[c is not None for c in frame.heatmaps.crops] for frame in frames], device=like.device)
        maps = torch.stack([frame.heatmaps.values for frame in frames]).to(like)
        self.values = likelihood.maps(maps, present)
        self.num_frames, self.num_views, self.num_joints, height, width = self.values.shape
        self.size = (height, width)
        self._is_shown = views_that_show(maps, present)
        self._floors = floors_of(likelihood.floor, self._is_shown, maps.dtype)
        num_silent = (present[..., None] & ~self._is_shown).sum(1)
        log_floor = math.log(likelihood.floor) if likelihood.floor > 0 else -math.inf
        self._log_silent = torch.where(num_silent > 0, num_silent.to(maps) * log_floor, 0)
        self._powers = torch.where(self._is_shown.sum(1) >= 4, 4, self._is_shown.sum(1).clamp(1, 2))
        self.voxel_mm = volumes[0].voxel_mm
        self.resolution = volumes[0].shape[0]
        windows = [
            [torch.zeros(2, 3) if crop is None else crop.window_from_image(self.size) for crop in frame.heatmaps.crops]
            for frame in frames
        ]
        self._views = Views(
            cameras=[frame.cameras for frame in frames],
            window=torch.stack([torch.stack(row) for row in windows]).to(like),
            low=torch.stack([volume.origin for volume in volumes], 1) - self.voxel_mm / 2,
            voxel_mm=self.voxel_mm,
            resolution=self.resolution,
            size=self.size,
        )

    def offsets(self, corner: Float[Tensor, "3 N"], edge: int) -> Float[Tensor, "3 N"]:
        """Return the middles (3, N) of blocks at corners (3, N) from the cube's lowest corner, mm."""
        return (corner + 0.5) * (edge * self.voxel_mm)

    def halves(self, blocks: Blocks) -> Float[Tensor, "N 8"]:
        """Return the log of Eq. (3) for the eight halves of blocks, (N, 8): -inf for halves beyond the grid.

        Halves of one voxel get that voxel's; larger ones about the mean over their voxels. The mean of a product is
        at most the product of the power means, ``prod_k mean(f_k^V)^(1/V)`` (Hoelder), and equal where a block sees
        no change; V is 1, 2 or 4 here, at most the number of views that show the joint. The means are taken over the
        window of pixels that a half covers.
        """
        edge = blocks.edge // 2
        floors = self._floors**self._powers if edge > 1 else self._floors
        maps = ShownMaps(self._maps(edge), floors, self._is_shown)
        runs = self._views_a_product(float(floors.min()))
        total = self.backend.multiply_evidence(self._views, blocks, maps, next(runs)).log_()
        for chosen in runs:
            total += self.backend.multiply_evidence(self._views, blocks, maps, chosen).log_()
        if edge > 1:
            total.div_(blocks.spread(self._powers.T.flatten())[:, None])
        total.add_(blocks.spread(self._log_silent.T.flatten())[:, None])
        if blocks.along * blocks.edge > self.resolution:
            beyond = (halves_of(blocks.corner) * edge >= self.resolution).any(0)
            total.masked_fill_(beyond.reshape(-1, 8), -math.inf)
        return total

    def _views_a_product(self, lowest: float) -> Iterator[range]:
        """Yield runs of views whose evidence, each at least `lowest`, can be multiplied without underflow."""
        tiny = torch.finfo(self.values.dtype).tiny
        most = max(1, int(math.log(tiny) / math.log(max(lowest, tiny))))
        for view in range(0, self.num_views, most):
            yield range(view, min(view + most, self.num_views))

    def _maps(self, edge: int) -> Tensor:
        """Return the heatmaps, or the power means for blocks of an edge, less the floor's power, in a margin of zeros.

        A block whose middle a view shows beside its map may reach into it, so the margin holds the means' windows.
        """
        if edge == 1:
            return functional.pad(self.values, (1, 1, 1, 1))
        radius = min(round(self._views.pixels_per_voxel * (edge - 1) / 2), max(self.size) // 2)
        return self.backend.average_powers(self.values, self._floors, self._powers, radius)
