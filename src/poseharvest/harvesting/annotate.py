"""From a joint posterior to annotations in 3D and in every view."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.geometry.camera import Projection, StaticCamera
from poseharvest.geometry.rig import inside_image, project_all
from poseharvest.harvesting.support import Support, values_at
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.posterior import JointPosterior

_REACH = 10  # largest distance of a projection from the first pixel, in longer sides of the picture


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
    heatmaps = Heatmaps(sighting.heatmaps.values.cpu(), sighting.heatmaps.crops)
    mean = posterior.mean.double()
    projection = project_all(sighting.cameras, mean)
    inside = torch.stack([
        inside_image(pixels, camera.image_size) & valid & (crop is not None)
        for pixels, camera, valid, crop in zip(
            projection.pixels, sighting.cameras, projection.valid, heatmaps.crops, strict=True
        )
    ])
    return FrameAnnotations(
        frame=sighting.frame,
        time_s=sighting.time_s,
        person=person,
        mean=mean,
        cov=posterior.cov.double(),
        supported=(support or Support()).supported(sighting, posterior),
        log_evidence=posterior.log_evidence,
        pixels=_drop_distant(projection, sighting.cameras),
        inside=inside,
        score=torch.where(projection.valid, values_at(heatmaps, projection.pixels), 0),
        peak_pixels=sighting.peaks.pixels.cpu(),
        peak_score=sighting.peaks.score.cpu(),
        crops=heatmaps.crops,
    )


def _drop_distant(projection: Projection, cameras: Sequence[StaticCamera]) -> Tensor:
    """Return the pixels (V, J, 2); NaN behind a camera, where its lens model ends, and very far outside."""
    reach = torch.tensor([_REACH * max(camera.image_size) for camera in cameras], dtype=projection.pixels.dtype)
    near = (projection.pixels.abs() <= reach[:, None, None]).all(-1)
    return torch.where((projection.valid & near).unsqueeze(-1), projection.pixels, torch.nan)
