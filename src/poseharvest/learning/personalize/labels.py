"""The label sets: what a harvest says of every picture, and how much of it is believed. The first four are Sec. 4.4's.

| name | joints | believed |
|---|---|---|
| `hm` | each view's heatmap maximum | all |
| `hm+sel` | each view's heatmap maximum | of each joint the share with the highest maxima |
| `ps` | the 3D estimate, projected | all |
| `ps+sel` | the 3D estimate, projected | those that the harvest selected (Sec. 3.3) |
| `ps+weight` | the 3D estimate, projected | all, each as much as it is certain (`label_weights`) |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.annotations.across_harvests import iter_marked, select_together
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations, SelectedFrame
from poseharvest.errors import TrainingError
from poseharvest.geometry.crop import Crop
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.learning.personalize.label_weights import LabelTrust, label_trust, most_telling, rarities
from poseharvest.selection.select import MeasuredRows, mark_together

OVER_TAKES: Final = "all takes of a subject"
"""What `labels_of_takes` selects from, as records of trained networks name it."""


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
        weight: (J,) how much a joint counts in the loss; None if all count alike.
        held: (J,) how much a joint is held to the network's own answer; None for 1 where it is not known.
        depth_mm: as `TrainingSample` has it.
    """

    frame: int
    person: int
    view: int
    crop: Crop
    joints: Tensor
    known: Tensor
    depth_mm: Tensor | None = None
    weight: Tensor | None = None
    held: Tensor | None = None


def harvest_labels(harvest: Harvest, labels: LabelSet, frames: range, teach_share: float = 1.0) -> list[PictureLabels]:
    """Return the labels of every picture of some frames that has any, in order of frame, person and view.

    Args:
        harvest: the annotations.
        labels: which of them.
        frames: the frames to learn from. `hm+sel` chooses among these alone.
        teach_share: share of the poses in these frames, above 0 to 1: those that tell most.
    """
    return _labels([harvest], [list(harvest.iter_selected())], labels, [frames], teach_share)[0]


def labels_of_takes(
    harvests: Sequence[Harvest], labels: LabelSet, frames: Sequence[range], teach_share: float = 1.0
) -> list[list[PictureLabels]]:
    """Return the labels of several takes of one subject, chosen from among all of them together (Sec. 3.3).

    If each take kept the same share, a take that came out badly would count as much as a good one. So each joint is
    selected as if all takes were one, with the harvests' own measure and share.

    Args:
        harvests: of the takes, by one detector, with the same joints, limb lengths and rule of selection.
        labels: which of their annotations.
        frames: to learn from, of each take.
        teach_share: share of the poses of all takes together, above 0 to 1: those that tell most.

    Returns:
        One list a harvest, as `harvest_labels` gives it.
    """
    if not harvests:
        return []
    if labels == LabelSet.PS_SEL:
        rows = [list(iter_marked(one, marks)) for one, marks in zip(harvests, select_together(harvests), strict=True)]
    else:
        rows = [list(harvest.iter_selected()) for harvest in harvests]
    return _labels(harvests, rows, labels, frames, teach_share)


def thinned_out(takes: Sequence[list[PictureLabels]], most: int) -> list[list[PictureLabels]]:
    """Return the labels of takes thinned out evenly, to about `most` pictures together."""
    step = max(1, -(-sum(map(len, takes)) // most))
    return [take[::step] for take in takes]


def require_enough(pictures: list[PictureLabels], labels: LabelSet, *, num_pictures: int) -> None:
    """Raise TrainingError if there are fewer than `num_pictures` pictures with labels."""
    if len(pictures) < num_pictures:
        raise TrainingError(
            f'labels "{labels.value}": too few annotations: expected at least {num_pictures} pictures with any, '
            f"got {len(pictures)}; harvest more frames, or select a larger share"
        )


def _labels(
    harvests: Sequence[Harvest],
    takes: Sequence[Sequence[SelectedFrame]],
    labels: LabelSet,
    frames: Sequence[range],
    teach_share: float,
) -> list[list[PictureLabels]]:
    rows = [
        [row for row in take if row.annotations.frame in learned] for take, learned in zip(takes, frames, strict=True)
    ]
    if teach_share < 1:
        rows = most_telling(rows, teach_share)
    everything = [row for take in rows for row in take]
    highest = _highest(everything, _share(harvests)) if labels == LabelSet.HM_SEL else None
    believed = iter(repeat(None, len(everything)) if highest is None else highest)
    by_take = [[label for row in take for label in _of_frame(row, labels, next(believed))] for take in rows]
    if labels == LabelSet.PS_WEIGHT:
        rarity = iter(rarities(everything))
        frame_weights = [{_key(row): next(rarity) for row in take} for take in rows]
        by_take = [
            [_weighted(label, trust, weights) for label in take]
            for take, trust, weights in zip(by_take, map(label_trust, harvests, rows), frame_weights, strict=True)
        ]
    return [[label for label in take if bool(label.known.any())] for take in by_take]


def _key(row: SelectedFrame) -> tuple[int, int]:
    return row.annotations.frame, row.annotations.person


def _weighted(
    label: PictureLabels,
    trust: Mapping[tuple[int, int], LabelTrust],
    frame_weights: Mapping[tuple[int, int], float],
) -> PictureLabels:
    key = (label.frame, label.person)
    certainty, held = (values[label.view] for values in (trust[key].certainty, trust[key].held))
    return replace(label, weight=frame_weights[key] * certainty, held=frame_weights[key] * held)


def _share(harvests: Sequence[Harvest]) -> float:
    """Return which part of each view's maxima `hm+sel` believes: as much as was selected of the joints in space."""
    selections = [harvest.info.selection for harvest in harvests]
    if selections[0].limit is None:
        return selections[0].share
    joints = [joint for selection in selections for joint in selection.joints]
    return sum(joint.selected for joint in joints) / max(sum(joint.supported for joint in joints), 1)


def _of_frame(row: SelectedFrame, labels: LabelSet, believed: Tensor | None) -> Iterator[PictureLabels]:
    record = row.annotations
    joints, known = _peaks(record) if labels in {LabelSet.HM, LabelSet.HM_SEL} else _projected(row, labels)
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


def _highest(rows: Sequence[SelectedFrame], share: float) -> list[Tensor]:
    """Return (V, J) bool of every row: the heatmap's maximum is among the joint's `share` of highest ones."""
    if not rows:
        return []
    scores = np.concatenate([np.asarray(row.annotations.peak_score) for row in rows])
    finite = np.concatenate([np.asarray(_peaks(row.annotations)[1]) for row in rows])
    ends = np.cumsum([len(row.annotations.peak_score) for row in rows])
    return [torch.from_numpy(part) for part in np.split(_smallest(-scores, finite, share), ends[:-1])]


def _smallest(values: NDArray[np.float64], finite: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    return mark_together([MeasuredRows(values, finite)], share)[0]
