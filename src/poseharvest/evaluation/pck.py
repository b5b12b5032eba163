"""PCK, the percentage of correct keypoints: PCKh in the picture, 3D PCK in space, and the area under its curve.

- PCKh@a: correct within a times the head's size (Andriluka et al., "2D human pose estimation", CVPR 2014; MPII). MPII's
  head size is 0.6 of the diagonal of the head's box; a = 0.5 by default.
- 3D PCK: correct within 150 mm; AUC: its mean over thresholds from 0 to 150 mm in steps of 5 mm (Mehta et al.,
  "Monocular 3D human pose estimation in the wild", 3DV 2017).

A joint whose truth is known but which was not estimated is wrong.
"""

from __future__ import annotations

import numpy as np

from poseharvest.errors import ShapeError
from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.mpjpe import joint_errors
from poseharvest.evaluation.pairs import Floats, PosePairs
from poseharvest.evaluation.scores import MetricProtocol, Score

THRESHOLDS_MM: Floats = np.arange(0.0, 151.0, 5.0)
"""Thresholds for the area under the curve in space: 31 values, 0 included."""

_MPII_HEAD_SHARE = 0.6
_AS_IT_IS = Alignment()


def head_sizes(boxes: Floats) -> Floats:
    """Return MPII's head sizes (F,) of head boxes (F, 4) given as x1, y1, x2, y2: 0.6 of the diagonal, pixels."""
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ShapeError(f"head boxes: expected shape (F, 4), got {boxes.shape}")
    return np.asarray(_MPII_HEAD_SHARE * np.linalg.norm(boxes[:, 2:] - boxes[:, :2], axis=-1))


def pckh(pairs: PosePairs, head_size_px: Floats, *, threshold: float = 0.5) -> Score:
    """Return PCKh over all joints and poses, percent.

    Args:
        pairs: in pixels.
        head_size_px: (F,) the size of the head in each picture; NaN leaves the picture out.
        threshold: share of the head's size.
    """
    errors = _relative(pairs, head_size_px)
    return _pck(errors, threshold, "PCKh", f"within {threshold:g} of the head's size")


def pckh_by_joint(pairs: PosePairs, head_size_px: Floats, *, threshold: float = 0.5) -> dict[str, Score]:
    """Return PCKh of every joint, percent."""
    errors = _relative(pairs, head_size_px)
    details = f"within {threshold:g} of the head's size"
    return {joint: _pck(errors[:, [k]], threshold, "PCKh", details) for k, joint in enumerate(pairs.joints)}


def pckh_area(pairs: PosePairs, head_size_px: Floats) -> Score:
    """Return the mean of PCKh over thresholds from 0 to 0.5 in steps of 0.01, percent."""
    thresholds = np.arange(51) / 100
    return _area(_relative(pairs, head_size_px), thresholds, "AUC of PCKh", "thresholds 0 to 0.5 of the head's size")


def pck_3d(pairs: PosePairs, alignment: Alignment = _AS_IT_IS, *, threshold_mm: float = 150.0) -> Score:
    """Return the percentage of joints within `threshold_mm` of their truth."""
    return _pck(_errors(pairs, alignment), threshold_mm, "3D PCK", f"within {threshold_mm:g} mm", str(alignment))


def pck_3d_area(pairs: PosePairs, alignment: Alignment = _AS_IT_IS) -> Score:
    """Return the mean of 3D PCK over `THRESHOLDS_MM`, percent."""
    return _area(_errors(pairs, alignment), THRESHOLDS_MM, "AUC of 3D PCK", "thresholds 0 to 150 mm", str(alignment))


def pck_curve(errors: Floats, thresholds: Floats) -> Floats:
    """Return the share (T,) of errors within each threshold; an infinite error is never within, NaN is left out."""
    judged = np.sort(errors[~np.isnan(errors)])
    if judged.size == 0:
        return np.full(len(thresholds), np.nan)
    return np.asarray(np.searchsorted(judged, thresholds, side="right") / judged.size)


def _errors(pairs: PosePairs, alignment: Alignment) -> Floats:
    """Return (F, J) errors: infinite where nothing was estimated, NaN where the truth is not known."""
    errors = joint_errors(pairs, alignment)
    return np.where(pairs.known & np.isnan(errors), np.inf, errors)


def _relative(pairs: PosePairs, head_size_px: Floats) -> Floats:
    if head_size_px.shape != (len(pairs.truth),):
        raise ShapeError(f"head sizes: expected shape ({len(pairs.truth)},), got {head_size_px.shape}")
    size = np.where(head_size_px > 0, head_size_px, np.nan)
    return np.asarray(_errors(pairs, _AS_IT_IS) / size[:, None])


def _pck(errors: Floats, threshold: float, metric: str, details: str, alignment: str = "none") -> Score:
    value = 100 * float(pck_curve(errors, np.array([threshold]))[0])
    return Score(value, _protocol(errors, f"{metric}@{threshold:g}", details, alignment))


def _area(errors: Floats, thresholds: Floats, metric: str, details: str, alignment: str = "none") -> Score:
    value = 100 * float(pck_curve(errors, thresholds).mean())
    return Score(value, _protocol(errors, metric, f"mean over {len(thresholds)} {details}", alignment))


def _protocol(errors: Floats, metric: str, details: str, alignment: str) -> MetricProtocol:
    judged = ~np.isnan(errors)
    return MetricProtocol(
        metric=metric,
        unit="%",
        num_joints=int(judged.any(0).sum()),
        num_frames=int(judged.any(1).sum()),
        num_values=int(judged.sum()),
        alignment=alignment,
        details=details,
    )
