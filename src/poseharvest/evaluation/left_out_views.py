"""Leave-one-camera-out reprojection: the triangulation of the other views against each view's own peaks.

All peaks are those that the harvest recorded, so nothing is detected or inferred again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.errors import HarvestError
from poseharvest.evaluation.check import Check
from poseharvest.evaluation.pairs import Floats
from poseharvest.evaluation.ranking import OUTLIER_SHARE
from poseharvest.evaluation.scores import MetricProtocol, Score
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.rig import project_all
from poseharvest.geometry.triangulation import triangulate_robust

_CHUNK = 64
MAX_POSES = 2000
"""Number of compared poses, spread evenly over the harvest: enough for medians, in less than a minute."""

_SENTENCE = (
    "For each camera, the joints are triangulated robustly from the other cameras' heatmap peaks alone and projected "
    "into it: the distance to its own peak shows how well cameras, timing and detector fit together. A camera far "
    "above the others is suspect. The second number is the distance from the harvest's own projection, which used that "
    "camera: it should not be larger. Numbers are medians, since single peaks may lie on another limb. Joints on which "
    "no two of the other cameras agree cannot be compared; the share of the joints on which they agree is given too."
)
_AGREED = "of the joints with a peak and a projection"


@dataclass(frozen=True, eq=False)
class LeftOutDistances:
    """Distances from a view's peaks, pixels of the picture; NaN where either side is missing.

    Attributes:
        others: (F, V, J) to the projection of what the other views triangulate.
        harvest: (F, V, J) to the projection of the harvest's mean.
    """

    others: Floats
    harvest: Floats


def left_out_distances(harvest: Harvest) -> LeftOutDistances:
    """Return the distances of at most `MAX_POSES` poses, in (frame, person) order, a chunk of frames at a time.

    Raises:
        HarvestError: the harvest has fewer than three views, so that fewer than two would remain.
    """
    if len(harvest.view_names) < 3:
        raise HarvestError(f"leave-one-camera-out: expected at least 3 views, got {len(harvest.view_names)}")
    others, own = [], []
    for cameras, records in _chunks(harvest):
        peaks = _flat([record.peak_pixels for record in records])
        weights = _flat([record.peak_score.clamp_min(0) for record in records])
        pixels = _flat([torch.where(record.inside[..., None], record.pixels, torch.nan) for record in records])
        supported = torch.cat([record.supported for record in records])
        shape = (len(cameras), len(records), -1)
        own.append(_distance(torch.where(supported[None, :, None], pixels, torch.nan), peaks).reshape(shape))
        projections = _left_out_projections(cameras, peaks, weights, threshold_px=OUTLIER_SHARE * _median_side(records))
        others.append(_distance(projections, peaks).reshape(shape))
    return LeftOutDistances(_joined(others), _joined(own))


def left_out_check(harvest: Harvest) -> Check:
    """Return the median distances of every view."""
    distances = left_out_distances(harvest)
    scores: dict[str, Score] = {}
    for view, name in enumerate(harvest.view_names):
        scores |= _rows(name, distances.others[:, [view]], distances.harvest[:, [view]])
    scores |= _rows("all", distances.others, distances.harvest)
    return Check("leave one camera out", _SENTENCE, scores)


def _rows(name: str, others: Floats, harvest: Floats) -> dict[str, Score]:
    judged = np.isfinite(harvest)
    agreed = np.where(judged, np.isfinite(others), np.nan)
    share = 100 * float(agreed[judged].mean()) if judged.any() else float("nan")
    return {
        f"{name}: the other cameras": _median(others, "leave-one-out reprojection"),
        f"{name}: the harvest": _median(harvest, "reprojection of the harvest"),
        f"{name}: joints on which the others agree": Score(share, _protocol(agreed, "share agreed on", "%", _AGREED)),
    }


def _chunks(harvest: Harvest) -> Iterator[tuple[Sequence[StaticCamera], list[FrameAnnotations]]]:
    """Yield up to 64 frames at a time in which no camera moves."""
    rig = harvest.rig

    def place(record: FrameAnnotations) -> tuple[int, ...]:
        return tuple(map(id, cameras_of[record.frame]))

    step = math.ceil(harvest.info.counts.records / MAX_POSES) or 1
    for part in _batches(islice(harvest.iter_frames(), 0, None, step)):
        # The cameras are kept while the part is processed: an id is unique only among living objects.
        cameras_of = {record.frame: rig.at(record.frame) for record in part}
        for _, group in groupby(part, place):
            records = list(group)
            if _median_side(records) > 0:
                yield cameras_of[records[0].frame], records


def _batches(records: Iterable[FrameAnnotations]) -> Iterator[list[FrameAnnotations]]:
    batch: list[FrameAnnotations] = []
    for record in records:
        batch.append(record)
        if len(batch) == _CHUNK:
            yield batch
            batch = []
    if batch:
        yield batch


def _left_out_projections(
    cameras: Sequence[StaticCamera], peaks: Tensor, weights: Tensor, *, threshold_px: float
) -> Tensor:
    """Return (V, N, 2): in each view, the projection of the other views' triangulation; NaN where they disagree."""
    projections = []
    for view, camera in enumerate(cameras):
        keep = torch.ones(len(cameras), 1, dtype=weights.dtype)
        keep[view] = 0
        triangulation = triangulate_robust(cameras, peaks, weights * keep, threshold_px=threshold_px)
        projection = project_all((camera,), triangulation.points)
        usable = (triangulation.supported & projection.valid[0])[:, None]
        projections.append(torch.where(usable, projection.pixels[0], torch.nan))
    return torch.stack(projections)


def _flat(parts: Sequence[Tensor]) -> Tensor:
    """Return (V, F * J, ...) of F tensors (V, J, ...)."""
    return torch.cat(tuple(parts), 1)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    distance: Tensor = torch.linalg.vector_norm(a - b, dim=-1)
    return distance


def _median_side(records: Sequence[FrameAnnotations]) -> float:
    sides = [crop.side for record in records for crop in record.crops if crop is not None]
    return float(np.median(sides)) if sides else 0.0


def _joined(parts: Sequence[Tensor]) -> Floats:
    if not parts:
        raise HarvestError("leave-one-camera-out: the harvest holds no frame in which a view is present")
    return np.asarray(torch.cat(tuple(parts), 1).transpose(0, 1).numpy())


def _median(distances: Floats, metric: str) -> Score:
    known = np.isfinite(distances)
    value = float(np.median(distances[known])) if known.any() else float("nan")
    return Score(value, _protocol(distances, metric, "px", "median distance from the heatmap's peak"))


def _protocol(values: Floats, metric: str, unit: str, details: str) -> MetricProtocol:
    known = np.isfinite(values)
    return MetricProtocol(
        metric=metric,
        unit=unit,
        num_joints=int(known.any((0, 1)).sum()),
        num_frames=int(known.any((1, 2)).sum()),
        num_values=int(known.sum()),
        details=details,
    )
