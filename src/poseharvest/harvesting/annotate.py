"""From a joint posterior to annotations in 3D and in every view."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.geometry.camera import Projection, StaticCamera
from poseharvest.geometry.resample import sample_bilinear
from poseharvest.geometry.rig import inside_image, project_all
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.track import Sighting
from poseharvest.pictorial.posterior import JointPosterior

_REACH = 10  # a projection farther from the first pixel than so many pictures says nothing about this picture


def annotate(sighting: Sighting, posterior: JointPosterior, person: int = 0) -> FrameAnnotations:
    """Return the annotations of one frame and person.

    Args:
        sighting: what the views show.
        posterior: what inference made of it.
        person: number of the person, from 0.
    """
    heatmaps = Heatmaps(sighting.heatmaps.values.cpu(), sighting.heatmaps.crops)
    mean = posterior.mean.double()
    seen = project_all(sighting.cameras, mean)
    inside = torch.stack([
        inside_image(pixels, camera.image_size) & valid & (crop is not None)
        for pixels, camera, valid, crop in zip(seen.pixels, sighting.cameras, seen.valid, heatmaps.crops, strict=True)
    ])
    return FrameAnnotations(
        frame=sighting.frame,
        time_s=sighting.time_s,
        person=person,
        mean=mean,
        cov=posterior.cov.double(),
        supported=posterior.supported,
        log_evidence=posterior.log_evidence,
        pixels=_meaningful(seen, sighting.cameras),
        inside=inside,
        score=torch.where(seen.valid, _scores(heatmaps, seen.pixels), 0),
        peak_pixels=sighting.peaks.pixels.cpu(),
        peak_score=sighting.peaks.score.cpu(),
        crops=heatmaps.crops,
    )


def _meaningful(seen: Projection, cameras: Sequence[StaticCamera]) -> Tensor:
    """Return the pixels (V, J, 2); NaN behind a camera, where its lens model ends, and absurdly far outside."""
    reach = torch.tensor([_REACH * max(camera.image_size) for camera in cameras], dtype=seen.pixels.dtype)
    near = (seen.pixels.abs() <= reach[:, None, None]).all(-1)
    return torch.where((seen.valid & near).unsqueeze(-1), seen.pixels, torch.nan)


def _scores(heatmaps: Heatmaps, pixels: Tensor) -> Tensor:
    """Return every view's own heatmap of a joint at the joint's projection, (V, J); 0 outside the window."""
    scores = torch.zeros(pixels.shape[:2], dtype=torch.float64)
    for view, crop in enumerate(heatmaps.crops):
        if crop is None:
            continue
        window = crop.to_window(pixels[view], heatmaps.size).to(heatmaps.values.dtype)
        # One map a joint, one point a map.
        maps, points = heatmaps.values[view].unsqueeze(1), window.unsqueeze(1)
        scores[view] = sample_bilinear(maps, points)[:, 0, 0].double()
    return scores
