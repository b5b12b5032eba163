"""The four label sets of Sec. 4.4: what a harvest says of every picture, and how much of it is believed.

| name | joints | believed |
|---|---|---|
| `hm` | each view's heatmap maximum | all |
| `hm+sel` | each view's heatmap maximum | of each joint the share with the highest maxima |
| `ps` | the 3D estimate, projected | all |
| `ps+sel` | the 3D estimate, projected | those that the harvest selected (Sec. 3.3) |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.rows import SelectedFrame
from poseharvest.annotations.select import MeasuredRows, find_thresholds, mark_selected
from poseharvest.errors import TrainingError
from poseharvest.geometry.crop import Crop


class LabelSet(StrEnum):
    """Sec. 4.4's names."""

    PS_SEL = "ps+sel"
    PS = "ps"
    HM = "hm"
    HM_SEL = "hm+sel"


@dataclass(frozen=True, eq=False)
class PictureLabels:
    """What is to be learned of one person in one picture.

    Attributes:
        frame: index in the capture.
        person: number of the person.
        view: index of the view in the rig.
        crop: the window that the detector saw.
        joints: (J, 2) float64 pixels of the picture.
        known: (J,) bool, False for a joint that the loss ignores.
        depth_mm: as `TrainingSample` has it.
    """

    frame: int
    person: int
    view: int
    crop: Crop
    joints: Tensor
    known: Tensor
    depth_mm: Tensor | None = None


def harvest_labels(harvest: Harvest, labels: LabelSet, frames: range) -> list[PictureLabels]:
    """Return the labels of every picture of some frames that has any, in order of frame, person and view.

    Args:
        harvest: the annotations.
        labels: which of them.
        frames: the frames to learn from. `hm+sel` chooses among these alone.
    """
    rows = [row for row in harvest.iter_selected() if row.annotations.frame in frames]
    share = harvest.info.selection.share
    believed = _highest(rows, share) if labels == LabelSet.HM_SEL else [None] * len(rows)
    return [
        found
        for row, chosen in zip(rows, believed, strict=True)
        for found in _of_frame(row, labels, chosen)
        if bool(found.known.any())
    ]


def require_enough(found: list[PictureLabels], labels: LabelSet, *, num_pictures: int) -> None:
    """Raise TrainingError if there are fewer than `num_pictures` pictures with labels."""
    if len(found) < num_pictures:
        raise TrainingError(
            f'labels "{labels.value}": too few annotations: expected at least {num_pictures} pictures with any, '
            f"got {len(found)}; harvest more frames, or select a larger share"
        )


def _of_frame(row: SelectedFrame, labels: LabelSet, believed: Tensor | None) -> Iterator[PictureLabels]:
    record = row.annotations
    joints, known = _projected(row, labels) if labels in {LabelSet.PS, LabelSet.PS_SEL} else _peaks(record)
    if believed is not None:
        known = known & believed
    for view, crop in enumerate(record.crops):
        if crop is not None:
            yield PictureLabels(record.frame, record.person, view, crop, joints[view], known[view])


def _projected(row: SelectedFrame, labels: LabelSet) -> tuple[Tensor, Tensor]:
    record = row.annotations
    known = record.inside & record.supported
    return record.pixels, known & row.selected if labels == LabelSet.PS_SEL else known


def _peaks(record: FrameAnnotations) -> tuple[Tensor, Tensor]:
    return record.peak_pixels, torch.isfinite(record.peak_pixels).all(-1)


def _highest(rows: list[SelectedFrame], share: float) -> list[Tensor]:
    """Return (V, J) bool of every row: the heatmap's maximum is among the joint's `share` of highest ones."""
    if not rows:
        return []
    scores = np.stack([np.asarray(row.annotations.peak_score) for row in rows])
    finite = np.stack([np.asarray(_peaks(row.annotations)[1]) for row in rows])
    marked = _smallest(-scores.reshape(-1, scores.shape[-1]), finite.reshape(-1, scores.shape[-1]), share)
    return [torch.from_numpy(part) for part in marked.reshape(scores.shape)]


def _smallest(values: NDArray[np.float64], finite: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    measured = MeasuredRows(values, finite)
    thresholds = find_thresholds(lambda: iter([measured]), values.shape[1], share)
    return next(mark_selected([measured], thresholds))
