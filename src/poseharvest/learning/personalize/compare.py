"""Before and after on the same frames, without any truth: what changed, and do the cameras agree better?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.errors import TrainingError
from poseharvest.learning.personalize.consistency import (
    Consistency,
    JudgedRecord,
    agreement,
    consistency,
    mean_of,
    rating_of,
)

_MOST_STRETCHES, _LEAST_POSES = 5, 6  # of one take, and people in frames of each

Records = Mapping[tuple[int, int], FrameAnnotations]


@dataclass(frozen=True)
class Stretch:
    """A take, or a stretch of time of one, before and after.

    Attributes:
        name: of the take's harvest, or the frames.
        before: what rounds are judged by (`rating_of`), by the network that was given.
        after: by the one that was fine-tuned.
        num_poses: people in frames.
    """

    name: str
    before: float
    after: float
    num_poses: int


@dataclass(frozen=True, eq=False)
class HarvestPair:
    """A take harvested twice.

    Attributes:
        before: by the network that was given.
        after: by the one that was fine-tuned.
        frames: that are compared.
    """

    before: Harvest
    after: Harvest
    frames: range


@dataclass(frozen=True, eq=False)
class _Both:
    """One person in one frame, before and after."""

    old: JudgedRecord
    new: JudgedRecord


@dataclass(frozen=True)
class Comparison:
    """Harvests of the same frames, before and after.

    Attributes:
        before: by the network that was given.
        after: by the one that was fine-tuned.
        pose_change_mm: mean distance between their joints.
        joint_change_mm: the same by joint; joints that no pose of both harvests supports are left out.
        stretches: how the cameras agreed before and after in each take, or in each stretch of a single one.
    """

    before: Consistency
    after: Consistency
    pose_change_mm: float
    joint_change_mm: Mapping[str, float]
    stretches: tuple[Stretch, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison in plain data."""
        return {
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "pose_change_mm": self.pose_change_mm,
            "joint_change_mm": dict(self.joint_change_mm),
            "stretches": [asdict(stretch) for stretch in self.stretches],
        }


def compare(pairs: Sequence[HarvestPair]) -> Comparison:
    """Return what changed on the judged frames of all takes.

    Raises:
        TrainingError: the harvests of no take have a person in common in these frames.
    """
    records = [(_records(pair.before, pair.frames), _records(pair.after, pair.frames)) for pair in pairs]
    judged = [
        [
            _Both(JudgedRecord.of(pair.before, old[key]), JudgedRecord.of(pair.after, new[key]))
            for key in sorted(old.keys() & new.keys())
        ]
        for pair, (old, new) in zip(pairs, records, strict=True)
    ]
    if not any(judged):
        frames = ", ".join(f"{pair.frames.start} to {pair.frames.stop - 1}" for pair in pairs)
        num_old, num_new = (sum(map(len, some)) for some in zip(*records, strict=True))
        raise TrainingError(
            f"comparison: expected a person that both harvests hold in frames {frames}, got none "
            f"({num_old} poses before, {num_new} after)"
        )
    change = torch.stack([_change(both.old.record, both.new.record) for take in judged for both in take]).numpy()
    joints, taken = pairs[0].before.skeleton.joints, list(zip(pairs, judged, strict=True))
    by_joint = {joint: mean_of(change[:, k]) for k, joint in enumerate(joints)}
    return Comparison(
        before=consistency([(pair.before, [both.old for both in take]) for pair, take in taken]),
        after=consistency([(pair.after, [both.new for both in take]) for pair, take in taken]),
        pose_change_mm=mean_of(change),
        joint_change_mm={joint: mean for joint, mean in by_joint.items() if np.isfinite(mean)},
        stretches=_stretches(taken),
    )


def _stretches(taken: Sequence[tuple[HarvestPair, list[_Both]]]) -> tuple[Stretch, ...]:
    """Return every take; of a single take its judged frames in up to five parts."""
    if len(taken) > 1:
        return tuple(_stretch(pair.before.path.name, take) for pair, take in taken if take)
    _, take = taken[0]
    indices = np.array_split(np.arange(len(take)), min(_MOST_STRETCHES, -(-len(take) // _LEAST_POSES)))
    parts = [[take[index] for index in some] for some in indices]
    return tuple(_stretch(f"frames {some[0].old.record.frame} to {some[-1].old.record.frame}", some) for some in parts)


def _stretch(name: str, some: Sequence[_Both]) -> Stretch:
    before, after = (rating_of(agreement(side)) for side in ([one.old for one in some], [one.new for one in some]))
    return Stretch(name, before, after, len(some))


def _records(harvest: Harvest, frames: range) -> Records:
    return {(r.frame, r.person): r for r in harvest.iter_frames() if r.frame in frames}


def _change(old: FrameAnnotations, new: FrameAnnotations) -> Tensor:
    distance: Tensor = torch.linalg.vector_norm(old.mean - new.mean, dim=-1)
    return torch.where(old.supported & new.supported, distance, torch.nan)
