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
from poseharvest.annotations.records import FrameAnnotations, SelectedFrame
from poseharvest.annotations.smoothing import joint_groups
from poseharvest.errors import HarvestError
from poseharvest.evaluation.check import Check
from poseharvest.evaluation.pairs import Floats
from poseharvest.evaluation.ranking import OUTLIER_SHARE
from poseharvest.evaluation.scores import MetricProtocol, Score
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.rig import project_all
from poseharvest.geometry.triangulation import triangulate_without_each_view
from poseharvest.motion.error_times import ErrorTimes
from poseharvest.motion.joint_tracks import JointTrack
from poseharvest.motion.smoother import smooth

_CHUNK = 64
MAX_POSES = 2000
"""Number of compared poses, spread evenly over the harvest: enough for medians, in less than a minute."""

_SENTENCE = (
    "For each camera, the joints are triangulated robustly from the other cameras' heatmap peaks alone and projected "
    "into it: the distance to its own peak shows how well cameras, timing and detector fit together. A camera far "
    "above the others is suspect. The second number is the distance from the harvest's own projection, which used that "
    "camera: it should not be larger. Numbers are medians, since single peaks may lie on another limb. Joints on which "
    "no two of the other cameras agree cannot be compared; the share of the joints on which they agree is given too. "
    "'Smooth' is the same after smoothing over time, of the others' triangulated tracks and of the harvest."
)
_AGREED = "of the joints with a peak and a projection"


@dataclass(frozen=True, eq=False)
class LeftOutDistances:
    """Distances from a view's peaks, pixels of the picture; NaN where either side is missing.

    Attributes:
        others: (F, V, J) to the projection of what the other views triangulate.
        harvest: (F, V, J) to the projection of the harvest's mean.
        others_smooth: (F, V, J) as `others`, after smoothing of the triangulated tracks over time; NaN if the harvest
            has no smooth positions, or is too long for every frame to be compared.
        harvest_smooth: (F, V, J) to the projection of the harvest's smooth positions, where `harvest` is known.
    """

    others: Floats
    harvest: Floats
    others_smooth: Floats
    harvest_smooth: Floats


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Records under cameras that stand still, flat over frames and joints, N = F J."""

    cameras: Sequence[StaticCamera]
    rows: Sequence[SelectedFrame]
    peaks: Tensor  # (V, N, 2)
    points: Tensor  # (V, N, 3) what the other views triangulate; NaN where they disagree


def left_out_distances(harvest: Harvest) -> LeftOutDistances:
    """Return the distances of at most `MAX_POSES` poses, in (frame, person) order, a chunk of frames at a time.

    Raises:
        HarvestError: the harvest has fewer than three views, so that fewer than two would remain.
    """
    if len(harvest.view_names) < 3:
        raise HarvestError(f"leave-one-camera-out: expected at least 3 views, got {len(harvest.view_names)}")
    chunks = [_left_out(cameras, rows) for cameras, rows in _chunks(harvest)]
    if not chunks:
        raise HarvestError("leave-one-camera-out: the harvest holds no frame in which a view is present")
    of_harvest = [_harvest_distances(chunk) for chunk in chunks]
    is_whole = sum(len(chunk.rows) for chunk in chunks) == harvest.info.counts.records
    nothing = [torch.full_like(chunk.points, torch.nan) for chunk in chunks]
    is_smooth = harvest.info.motion is not None and is_whole
    smooth_points = _smoothed(chunks, harvest) if is_smooth else nothing
    return LeftOutDistances(
        others=_joined(chunks, [_distances(chunk, chunk.points) for chunk in chunks]),
        harvest=_joined(chunks, [raw for raw, _ in of_harvest]),
        others_smooth=_joined(chunks, [_distances(*both) for both in zip(chunks, smooth_points, strict=True)]),
        harvest_smooth=_joined(chunks, [smooth for _, smooth in of_harvest]),
    )


def left_out_check(harvest: Harvest) -> Check:
    """Return the median distances of every view."""
    distances = left_out_distances(harvest)
    scores: dict[str, Score] = {}
    for view, name in enumerate(harvest.view_names):
        scores |= _rows(name, LeftOutDistances(*(values[:, [view]] for values in vars(distances).values())))
    scores |= _rows("all", distances)
    return Check("leave one camera out", _SENTENCE, scores)


def _rows(name: str, distances: LeftOutDistances) -> dict[str, Score]:
    judged = np.isfinite(distances.harvest)
    agreed = np.where(judged, np.isfinite(distances.others), np.nan)
    share = 100 * float(agreed[judged].mean()) if judged.any() else float("nan")
    rows = {
        f"{name}: the other cameras": _median(distances.others, "leave-one-out reprojection"),
        f"{name}: the harvest": _median(distances.harvest, "reprojection of the harvest"),
        f"{name}: joints on which the others agree": Score(share, _protocol(agreed, "share agreed on", "%", _AGREED)),
    }
    for values, what, metric in (
        (distances.others_smooth, "the other cameras, smooth", "leave-one-out reprojection, smooth"),
        (distances.harvest_smooth, "the harvest, smooth", "reprojection of the harvest, smooth"),
    ):
        if np.isfinite(values).any():
            rows[f"{name}: {what}"] = _median(values, metric)
    return rows


def _chunks(harvest: Harvest) -> Iterator[tuple[Sequence[StaticCamera], list[SelectedFrame]]]:
    """Yield up to 64 frames at a time in which no camera moves."""
    rig = harvest.rig

    def place(row: SelectedFrame) -> tuple[int, ...]:
        return tuple(map(id, cameras_of[row.annotations.frame]))

    step = math.ceil(harvest.info.counts.records / MAX_POSES) or 1
    for part in _batches(islice(harvest.iter_selected(), 0, None, step)):
        # The cameras are kept while the part is processed: an id is unique only among living objects.
        cameras_of = {row.annotations.frame: rig.at(row.annotations.frame) for row in part}
        for _, group in groupby(part, place):
            rows = list(group)
            if _median_side([row.annotations for row in rows]) > 0:
                yield cameras_of[rows[0].annotations.frame], rows


def _left_out(cameras: Sequence[StaticCamera], rows: Sequence[SelectedFrame]) -> _Chunk:
    records = [row.annotations for row in rows]
    peaks = _flat([record.peak_pixels for record in records])
    weights = _flat([record.peak_score.clamp_min(0) for record in records])
    threshold = OUTLIER_SHARE * _median_side(records)
    return _Chunk(cameras, rows, peaks, triangulate_without_each_view(cameras, peaks, weights, threshold_px=threshold))


def _harvest_distances(chunk: _Chunk) -> tuple[Tensor, Tensor]:
    """Return (V, N): the distances of the harvest's own projections, and of those of its smooth positions."""
    records = [row.annotations for row in chunk.rows]
    pixels = _flat([torch.where(record.inside[..., None], record.pixels, torch.nan) for record in records])
    supported = torch.cat([record.supported for record in records])
    raw = _distance(torch.where(supported[None, :, None], pixels, torch.nan), chunk.peaks)
    smooth = torch.cat([row.smooth.mean for row in chunk.rows]).expand(len(chunk.cameras), -1, -1)
    return raw, torch.where(torch.isfinite(raw), _distances(chunk, smooth), torch.nan)


def _smoothed(chunks: Sequence[_Chunk], harvest: Harvest) -> list[Tensor]:
    """Return the chunks' points after smoothing each view's tracks over time, all covariances being equal.

    How long errors last is what the harvest has found.
    """
    rows = [row.annotations for chunk in chunks for row in chunk.rows]
    times, persons = np.array([row.time_s for row in rows]), np.array([row.person for row in rows])
    num_joints, num_views = len(harvest.skeleton), len(harvest.view_names)
    points = torch.cat([chunk.points.reshape(num_views, -1, num_joints, 3) for chunk in chunks], 1)
    smoothed = points.numpy().copy()
    groups = joint_groups(harvest.skeleton)
    motion = harvest.info.motion
    errors = ErrorTimes() if motion is None else motion.errors.error_times()
    for view in range(num_views):
        for person in np.unique(persons):
            mean = smoothed[view, persons == person]
            cov = np.broadcast_to(np.eye(3), (*mean.shape, 3))
            track = JointTrack(times[persons == person], mean, cov, np.isfinite(mean).all(-1), errors)
            result = smooth(track, groups).mean
            smoothed[view, persons == person] = np.where(track.known[..., None], result, np.nan)
    sizes = [len(chunk.rows) for chunk in chunks]
    parts = torch.split(torch.from_numpy(smoothed), sizes, 1)
    return [part.reshape(num_views, -1, 3) for part in parts]


def _batches(rows: Iterable[SelectedFrame]) -> Iterator[list[SelectedFrame]]:
    batch: list[SelectedFrame] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _CHUNK:
            yield batch
            batch = []
    if batch:
        yield batch


def _distances(chunk: _Chunk, points: Tensor) -> Tensor:
    """Return (V, N): the distance of each view's peaks from the projection of its points (V, N, 3)."""
    projections = []
    for camera, own in zip(chunk.cameras, points, strict=True):
        projection = project_all((camera,), torch.nan_to_num(own))
        usable = torch.isfinite(own).all(-1) & projection.valid[0]
        projections.append(torch.where(usable[:, None], projection.pixels[0], torch.nan))
    return _distance(torch.stack(projections), chunk.peaks)


def _flat(parts: Sequence[Tensor]) -> Tensor:
    """Return (V, F * J, ...) of F tensors (V, J, ...)."""
    return torch.cat(tuple(parts), 1)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    distance: Tensor = torch.linalg.vector_norm(a - b, dim=-1)
    return distance


def _median_side(records: Sequence[FrameAnnotations]) -> float:
    sides = [crop.side for record in records for crop in record.crops if crop is not None]
    return float(np.median(sides)) if sides else 0.0


def _joined(chunks: Sequence[_Chunk], parts: Sequence[Tensor]) -> Floats:
    """Return (F, V, J) of the chunks' (V, N)."""
    shaped = [part.reshape(len(part), len(chunk.rows), -1) for chunk, part in zip(chunks, parts, strict=True)]
    return np.asarray(torch.cat(shaped, 1).transpose(0, 1).numpy())


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
