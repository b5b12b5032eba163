"""OKS, object keypoint similarity, and COCO's average precision over it.

``OKS = mean over labelled joints of exp(-d^2 / (2 s^2 k^2))`` with d the distance in pixels, s^2 the person's area and
k = 2 sigma of the joint (cocodataset.org, "Keypoints evaluation"). Average precision is left to faster-coco-eval (the
extra `coco`), which computes it as COCO does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from poseharvest.errors import ConfigError, ShapeError
from poseharvest.evaluation.pairs import Floats, PosePairs
from poseharvest.evaluation.scores import MetricProtocol, Score

COCO_SIGMAS: dict[str, float] = {
    "nose": 0.026,
    **{f"{side}_eye": 0.025 for side in ("left", "right")},
    **{f"{side}_ear": 0.035 for side in ("left", "right")},
    **{f"{side}_shoulder": 0.079 for side in ("left", "right")},
    **{f"{side}_elbow": 0.072 for side in ("left", "right")},
    **{f"{side}_wrist": 0.062 for side in ("left", "right")},
    **{f"{side}_hip": 0.107 for side in ("left", "right")},
    **{f"{side}_knee": 0.087 for side in ("left", "right")},
    **{f"{side}_ankle": 0.089 for side in ("left", "right")},
}
"""Standard deviations of COCO's annotators, as a share of the root of the person's area; k is twice this."""

_STATS = {
    "AP": "AP over OKS 0.50 to 0.95",
    "AP50": "AP at OKS 0.50",
    "AP75": "AP at OKS 0.75",
    "AR": "AR over OKS 0.50 to 0.95",
}
_STAT_INDEX = {"AP": 0, "AP50": 1, "AP75": 2, "AR": 5}


def keypoint_similarity(pairs: PosePairs, areas_px: Floats, sigmas: Mapping[str, float] | None = None) -> Floats:
    """Return the OKS (F,) of every pose; NaN where no joint that has a sigma is known.

    A joint that was not estimated counts 0.

    Args:
        pairs: in pixels.
        areas_px: (F,) area of each person, square pixels.
        sigmas: by joint; COCO's if None. Joints without one are left out.

    Raises:
        ConfigError: no joint has a sigma.
        ShapeError: there are not as many areas as poses.
    """
    sigmas = COCO_SIGMAS if sigmas is None else sigmas
    index = [k for k, joint in enumerate(pairs.joints) if joint in sigmas]
    if not index:
        raise ConfigError(f"OKS: expected joints with a sigma, {', '.join(sigmas)}, got {', '.join(pairs.joints)}")
    if areas_px.shape != (len(pairs.truth),):
        raise ShapeError(f"areas: expected shape ({len(pairs.truth)},), got {areas_px.shape}")
    k = 2 * np.array([sigmas[pairs.joints[i]] for i in index])
    squared = ((pairs.estimate[:, index] - pairs.truth[:, index]) ** 2).sum(-1)
    similarity = np.where(np.isfinite(squared), np.exp(-squared / (2 * areas_px[:, None] * k**2)), 0.0)
    known = pairs.known[:, index]
    total = np.where(known, similarity, 0.0).sum(1)
    return np.where(known.any(1), total / np.maximum(known.sum(1), 1), np.nan)


def keypoint_average_precision(
    truth: Mapping[str, Any], detections: Sequence[Mapping[str, Any]], sigmas: Sequence[float] | None = None
) -> dict[str, Score]:
    """Return COCO's AP, AP50, AP75 and AR, percent.

    Args:
        truth: a COCO keypoint data set, as its JSON holds it.
        detections: COCO results: image_id, category_id, keypoints (x, y, v for each joint), score.
        sigmas: one for each of the category's joints, in order; COCO's own 17 if None.

    Raises:
        ConfigError: faster-coco-eval is not installed, or there is nothing to judge.
    """
    try:
        package = import_module("faster_coco_eval")
    except ImportError as error:
        raise ConfigError("OKS: average precision needs faster-coco-eval: pip install 'poseharvest[coco]'") from error
    if not truth.get("annotations") or not detections:
        raise ConfigError(
            f"OKS: expected annotations and detections, got {len(truth.get('annotations', ()))} and {len(detections)}"
        )
    joints = len(truth["categories"][0]["keypoints"])
    scale = np.asarray(list(COCO_SIGMAS.values()) if sigmas is None else sigmas, dtype=np.float64)
    if len(scale) != joints:
        raise ConfigError(f"OKS: expected {joints} sigmas for the category's joints, got {len(scale)}")
    known = package.COCO(dict(truth), use_deepcopy=True, print_function=_silent)
    results = known.loadRes([dict(detection) for detection in detections])
    judge = package.COCOeval_faster(known, results, "keypoints", print_function=_silent, kpt_oks_sigmas=scale)
    judge.run()
    frames = len({detection["image_id"] for detection in detections})
    return {
        name: Score(
            100 * float(judge.stats[index]),
            MetricProtocol(_STATS[name], "%", joints, frames, len(truth["annotations"]), details="all areas"),
        )
        for name, index in _STAT_INDEX.items()
    }


def _silent(*_: object) -> None:
    """Print nothing."""
