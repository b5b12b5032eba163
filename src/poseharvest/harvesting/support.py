"""Which views show a joint, and what two of them know of it.

Networks give every joint a peak, in every window: where the joint is out of the picture a low one, anywhere. What is
low depends on the network and on the footage, so it is measured: against the peaks that the network gives this very
person where it knows a joint, and against the rest of the map. And a peak says nothing of a pose that lies elsewhere:
what counts is the map at the joint's own place. A joint that one view alone shows lies anywhere on a line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from poseharvest.geometry.resample import sample_bilinear
from poseharvest.geometry.rig import project_all
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.find.match_views import triangulate_poses
from poseharvest.localization.find.person_windows import view_candidates
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.limits import MIN_JOINTS
from poseharvest.localization.partial_pose import TriangulatedPose
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.posterior import JointPosterior

MIN_VIEWS = 2
"""Views that it takes to know where a joint is."""

_WELL_KNOWN = 0.9  # quantile of the peaks' heights: those of joints that the network knows
_LEAST_SHARE = 0.3  # of that height
_LEAST_SPREADS = 5.0  # of the rest of the map, as standard deviations
_REACH = 1 / 32  # of the window's side, that a joint may lie off a peak which shows it
_SAMPLES_A_SIDE = 16  # of a map, for what is usual in it
_DEVIATIONS = 1.4826  # of a normal distribution over its median absolute deviation


@dataclass(frozen=True)
class Support:
    """When a view shows a joint.

    Attributes:
        least: height of a heatmap above the rest of it from which it shows its joint; None where keypoint files say
            which joints were found: then every peak above 0 does.
    """

    least: float | None = None

    @classmethod
    def measured(cls, sightings: Iterable[Sighting]) -> Support:
        """Return what a network's maps of a person say of its heights: three tenths of those that it is sure of."""
        heights = [_heights(sighting.heatmaps)[_present(sighting.heatmaps)] for sighting in sightings]
        return cls(_LEAST_SHARE * float(torch.cat(heights).flatten().quantile(_WELL_KNOWN).clamp_min(0)))

    def peaks(self, heatmaps: Heatmaps) -> Tensor:
        """Return (V, J) bool: a view has a peak that stands out, wherever it lies."""
        if self.least is None:
            return heatmaps.values.flatten(2).amax(2) > 0
        return (_heights(heatmaps) >= self._needed(heatmaps)) & _present(heatmaps)[:, None]

    def shown(self, sighting: Sighting, mean: Tensor) -> Tensor:
        """Return (V, J) bool: a view shows the joint where it is said to be.

        Keypoints are taken at their word, wherever they lie: how far one may lie from the joint nobody can tell.

        Args:
            sighting: what the views show.
            mean: (J, 3) the joints' places, mm.
        """
        heatmaps = sighting.heatmaps
        if self.least is None:
            return self.peaks(heatmaps)
        seen = project_all(sighting.cameras, mean.double())
        height = highest_near(heatmaps, seen.pixels) - _level(heatmaps.values)
        return (height >= self._needed(heatmaps)) & seen.valid & _present(heatmaps)[:, None]

    def supported(self, sighting: Sighting, posterior: JointPosterior) -> Tensor:
        """Return (J,) bool: two views show the joint where the posterior has it."""
        return posterior.supported & (self.shown(sighting, posterior.mean).sum(0) >= MIN_VIEWS)

    def is_somebody(self, supported: Tensor) -> bool:
        """Return whether enough joints (J,) are supported for somebody to be there."""
        return self.least is None or int(supported.sum()) >= MIN_JOINTS

    def without_background(self, sighting: Sighting) -> Sighting:
        """Return the sighting with flat maps for every joint that no view shows: it must not draw the others along."""
        nowhere = ~self.peaks(sighting.heatmaps).any(0)
        if not bool(nowhere.any()):
            return sighting
        values = sighting.heatmaps.values.masked_fill(nowhere[:, None, None].to(sighting.heatmaps.values.device), 0)
        return replace(sighting, heatmaps=Heatmaps(values, sighting.heatmaps.crops))

    def triangulate_pose(self, sighting: Sighting) -> TriangulatedPose:
        """Return the robust triangulation of the peaks that stand out."""
        if self.least is None:
            return sighting.pose
        members = self.members(sighting, view_candidates(sighting.heatmaps, sighting.peaks))
        return triangulate_poses([members], [sighting.cameras], sighting.heatmaps.values.shape[1])[0]

    def members(self, sighting: Sighting, members: Iterable[Candidate]) -> list[Candidate]:
        """Return the views' peaks without those that do not stand out."""
        peaks = self.peaks(sighting.heatmaps)
        return [replace(one, scores=torch.where(peaks[one.view], one.scores, 0)) for one in members]

    def _needed(self, heatmaps: Heatmaps) -> Tensor:
        """Return (V, J) the height above the rest of each map that it takes."""
        values = _thinned(heatmaps.values)
        spread = (values - values.median(2, keepdim=True).values).abs().median(2).values * _DEVIATIONS
        return (_LEAST_SPREADS * spread).clamp_min(self.least or 0)


def values_at(heatmaps: Heatmaps, pixels: Tensor) -> Tensor:
    """Return every view's own heatmap of a joint at a place of the picture, (V, J) float64; 0 outside the window.

    Args:
        heatmaps: of V views.
        pixels: (V, J, 2) places, pixels of the pictures.
    """
    return _values_around(heatmaps, pixels, torch.zeros(1, 2))


def highest_near(heatmaps: Heatmaps, pixels: Tensor) -> Tensor:
    """Return the same of the highest value near the place: a joint lies off its peak by what its limbs demand."""
    reach = math.ceil(_REACH * max(heatmaps.size))
    steps = torch.arange(-reach, reach + 1, dtype=torch.float32)
    return _values_around(heatmaps, pixels, torch.cartesian_prod(steps, steps))


def _values_around(heatmaps: Heatmaps, pixels: Tensor, offsets: Tensor) -> Tensor:
    """Return (V, J) the highest of the values at places of the pictures, moved by offsets (K, 2) in the window."""
    values = torch.zeros(pixels.shape[:2], dtype=torch.float64)
    for view, crop in enumerate(heatmaps.crops):
        if crop is None:
            continue
        window = crop.to_window(pixels[view], heatmaps.size).to(heatmaps.values.dtype)
        # One map a joint, K points a map.
        maps, points = heatmaps.values[view].cpu().unsqueeze(1), window[:, None] + offsets.to(window)
        values[view] = sample_bilinear(maps, points)[:, 0].amax(1).double()
    return values


def _heights(heatmaps: Heatmaps) -> Tensor:
    """Return (V, J) float64, how far each map's maximum lies above the rest of it."""
    return heatmaps.values.flatten(2).amax(2).cpu().double() - _level(heatmaps.values)


def _level(values: Tensor) -> Tensor:
    level: Tensor = _thinned(values).median(2).values
    return level


def _thinned(values: Tensor) -> Tensor:
    """Return (V, J, N) float64 some values of each map, enough to tell what is usual in it."""
    step = max(1, min(values.shape[-2:]) // _SAMPLES_A_SIDE)
    return values[..., step // 2 :: step, step // 2 :: step].flatten(2).cpu().double()


def _present(heatmaps: Heatmaps) -> Tensor:
    return torch.tensor([crop is not None for crop in heatmaps.crops])
