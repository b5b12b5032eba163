"""From sightings to annotations: what the views support, inference some sightings at a time, and the records.

A network gives every joint a peak in every window. The peak of a joint outside of the picture is low and lies anywhere.
Which height is low depends on the network and the footage. So it is measured, relative to the high peaks of the same
person and to the rest of the heatmap (`Support`). A peak does not support a pose that lies elsewhere: the heatmap is
read at the joint's own place. One view alone does not support a joint, since the joint may lie anywhere on a line.
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.geometry.crop import sample_bilinear, windows_from_images
from poseharvest.geometry.rig import inside_image, project_all
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.find.match_views import triangulate_poses
from poseharvest.localization.find.observation import view_candidates
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.limits import MIN_JOINTS
from poseharvest.localization.sighting import Sighting, TriangulatedPose
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.refinement.refine import Refinement

T = TypeVar("T")

MIN_VIEWS = 2
"""Number of views needed to know where a joint is."""

_WELL_KNOWN = 0.9  # quantile of the peaks' heights: the height of joints that the network knows
_LEAST_SHARE = 0.3  # share of that height from which a peak shows its joint
_LEAST_SPREADS = 5.0  # standard deviations of the rest of the map that a peak must rise above it
_REACH = 1 / 32  # of the window's side: largest distance of a joint from the peak that shows it
_SAMPLES_A_SIDE = 16  # of a map, for its median and spread
_DEVIATIONS = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
TOGETHER = 16
"""Number of sightings in a batch."""

_BATCHES_A_TRIM = 4  # giving memory back after every batch took a fifth of a harvest's time
_FARTHEST = 10  # largest distance of a projection from the first pixel, in longer sides of the picture


@dataclass(frozen=True)
class Support:
    """When a view shows a joint.

    Attributes:
        min_height: height of a peak above the rest of its heatmap from which the view shows the joint. None for
            keypoint files, which list detected joints only: then every peak above 0 shows its joint.
    """

    min_height: float | None = None

    @classmethod
    def measure(cls, sightings: Iterable[Sighting]) -> Support:
        """Return the support with a height measured in a person's heatmaps: three tenths of the high peaks' height."""
        heights = [_heights(sighting.heatmaps)[_present(sighting.heatmaps)] for sighting in sightings]
        return cls(_LEAST_SHARE * float(torch.cat(heights).flatten().quantile(_WELL_KNOWN).clamp_min(0)))

    def peaks(self, heatmaps: Heatmaps) -> Tensor:
        """Return (V, J) bool: a view has a high peak of the joint, at any place."""
        if self.min_height is None:
            return heatmaps.values.flatten(2).amax(2) > 0
        return (_heights(heatmaps) >= self._min_heights(heatmaps)) & _present(heatmaps)[:, None]

    def supported(self, sighting: Sighting, posterior: JointPosterior) -> Tensor:
        """Return (J,) bool: two views show the joint near the posterior's mean; the limbs may move it off its peaks.

        For keypoints the place does not count, because the allowed distance of a keypoint from its joint is unknown.
        """
        heatmaps = sighting.heatmaps
        if self.min_height is None:
            return posterior.supported & ((sighting.peaks.score > 0).sum(0) >= MIN_VIEWS)
        projection = project_all(sighting.cameras, posterior.mean.double())
        reach = math.ceil(_REACH * max(heatmaps.size))
        steps = torch.arange(-reach, reach + 1, dtype=torch.float32)
        highest = _highest_values(heatmaps, projection.pixels, torch.cartesian_prod(steps, steps))
        height = highest - _thin_out(heatmaps.values).median(2).values
        is_shown = (height >= self._min_heights(heatmaps)) & projection.valid & _present(heatmaps)[:, None]
        return posterior.supported & (is_shown.sum(0) >= MIN_VIEWS)

    def holds_person(self, supported: Tensor) -> bool:
        """Return whether enough joints (J,) are supported for a person; always True for keypoints."""
        return self.min_height is None or int(supported.sum()) >= MIN_JOINTS

    def without_background(self, sighting: Sighting) -> Sighting:
        """Return the sighting with zero maps for each joint that no view shows, so that it does not move the others."""
        nowhere = ~self.peaks(sighting.heatmaps).any(0)
        if not bool(nowhere.any()):
            return sighting
        values = sighting.heatmaps.values.masked_fill(nowhere[:, None, None].to(sighting.heatmaps.values.device), 0)
        return replace(sighting, heatmaps=Heatmaps(values, sighting.heatmaps.crops))

    def triangulate_pose(self, sighting: Sighting) -> TriangulatedPose:
        """Return the robust triangulation of the high peaks."""
        if self.min_height is None:
            return sighting.pose
        members = self.members(sighting, view_candidates(sighting.heatmaps, sighting.peaks))
        return triangulate_poses([members], [sighting.cameras], sighting.heatmaps.values.shape[1])[0]

    def members(self, sighting: Sighting, members: Iterable[Candidate]) -> list[Candidate]:
        """Return the views' candidates without their low peaks."""
        peaks = self.peaks(sighting.heatmaps)
        return [replace(one, scores=torch.where(peaks[one.view], one.scores, 0)) for one in members]

    def _min_heights(self, heatmaps: Heatmaps) -> Tensor:
        """Return (V, J) the height above the rest of each map from which a peak shows its joint."""
        values = _thin_out(heatmaps.values)
        spread = (values - values.median(2, keepdim=True).values).abs().median(2).values * _DEVIATIONS
        return (_LEAST_SPREADS * spread).clamp_min(self.min_height or 0)


def _highest_values(heatmaps: Heatmaps, pixels: Tensor, offsets: Tensor) -> Tensor:
    """Return (V, J) float64 every view's highest value of a joint's heatmap around a place; 0 outside the window.

    Args:
        heatmaps: of V views.
        pixels: (V, J, 2) places, pixels of the pictures.
        offsets: (K, 2) steps from each place, pixels of the heatmaps.
    """
    scale, shift = (part[:, None] for part in windows_from_images(heatmaps.crops, heatmaps.size))
    window = (pixels * scale + shift).to(heatmaps.values.dtype)
    # One map a joint, K points a map.
    points = window[:, :, None] + offsets.to(window)
    highest = sample_bilinear(heatmaps.values.cpu().flatten(0, 1).unsqueeze(1), points.flatten(0, 1))[:, 0].amax(1)
    return torch.where(_present(heatmaps)[:, None], highest.reshape(pixels.shape[:2]).double(), 0)


def _heights(heatmaps: Heatmaps) -> Tensor:
    """Return (V, J) float64, each map's maximum less its median."""
    return heatmaps.values.flatten(2).amax(2).cpu().double() - _thin_out(heatmaps.values).median(2).values


def _thin_out(values: Tensor) -> Tensor:
    """Return (V, J, N) float64 some values of each map, enough for its median."""
    step = max(1, min(values.shape[-2:]) // _SAMPLES_A_SIDE)
    return values[..., step // 2 :: step, step // 2 :: step].flatten(2).cpu().double()


def _present(heatmaps: Heatmaps) -> Tensor:
    return torch.tensor([crop is not None for crop in heatmaps.crops])


def batched(items: Iterable[T], length: int) -> Iterator[list[T]]:
    """Yield the items in lists of `length`; the last one may be shorter."""
    stream = iter(items)
    while batch := list(islice(stream, length)):
        yield batch


def infer_each(
    model: PictorialStructures,
    sightings: Iterable[Sighting],
    support: Support | None = None,
    refinement: Refinement | None = None,
) -> Iterator[tuple[Sighting, JointPosterior]]:
    """Yield every sighting with its posterior, in order; only one batch is in memory at a time.

    Args:
        model: the subject's model.
        sightings: read one batch at a time.
        support: when a view shows a joint. The heatmaps of joints that no view shows are set to 0. If None, every
            peak above 0 shows its joint.
        refinement: what places joints between the voxels. If None, the moments of the marginals stay (the paper).
    """
    support = support or Support()
    for number, together in enumerate(batched(sightings, TOGETHER), 1):
        frames = [support.without_background(sighting).evidence for sighting in together]
        posteriors = model.infer_many(frames)
        if refinement is not None:
            posteriors = refinement.refine(frames, posteriors)
        if number % _BATCHES_A_TRIM == 0:
            give_back_memory()
        yield from zip(together, posteriors, strict=True)


def give_back_memory() -> None:
    """Give freed memory that the C library still holds back to the system; without glibc nothing happens.

    The sums over voxels free tens of megabytes a batch, in pieces of different sizes. glibc keeps the pieces for later
    use, but fewer and fewer of them fit. So the memory of the process would grow with its running time.
    """
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def annotate(
    sighting: Sighting, posterior: JointPosterior, person: int = 0, support: Support | None = None
) -> FrameAnnotations:
    """Return the annotations of one frame and person.

    Args:
        sighting: what the views show.
        posterior: the result of inference on it.
        person: number of the person, from 0.
        support: when a view shows a joint; if None, wherever its heatmap is above 0.
    """
    heatmaps = sighting.heatmaps
    mean = posterior.mean.double()
    projection = project_all(sighting.cameras, mean)
    sizes = torch.tensor([camera.image_size for camera in sighting.cameras], dtype=mean.dtype)
    heights, widths = sizes.T.unsqueeze(-1)
    inside = inside_image(projection.pixels, (heights, widths)) & projection.valid & _present(heatmaps)[:, None]
    reach = _FARTHEST * sizes.amax(1)
    is_near = projection.valid & (projection.pixels.abs() <= reach[:, None, None]).all(-1)
    return FrameAnnotations(
        frame=sighting.frame,
        time_s=sighting.time_s,
        person=person,
        mean=mean,
        cov=posterior.cov.double(),
        supported=(support or Support()).supported(sighting, posterior),
        log_evidence=posterior.log_evidence,
        pixels=torch.where(is_near.unsqueeze(-1), projection.pixels, torch.nan),
        inside=inside,
        score=torch.where(projection.valid, _highest_values(heatmaps, projection.pixels, torch.zeros(1, 2)), 0),
        peak_pixels=sighting.peaks.pixels.cpu(),
        peak_score=sighting.peaks.score.cpu(),
        crops=heatmaps.crops,
    )
