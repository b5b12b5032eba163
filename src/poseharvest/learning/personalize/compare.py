"""Before and after on the same frames, without any truth: what changed, and do the cameras agree better?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.errors import TrainingError
from poseharvest.learning.personalize.consistency import Consistency, consistency, mean_of, rating_of

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

    old: FrameAnnotations
    new: FrameAnnotations


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
    judged = [[_Both(old[key], new[key]) for key in sorted(old.keys() & new.keys())] for old, new in records]
    if not any(judged):
        frames = ", ".join(f"{pair.frames.start} to {pair.frames.stop - 1}" for pair in pairs)
        num_old, num_new = (sum(map(len, some)) for some in zip(*records, strict=True))
        raise TrainingError(
            f"comparison: expected a person that both harvests hold in frames {frames}, got none "
            f"({num_old} poses before, {num_new} after)"
        )
    everything = [record for take in judged for record in take]
    change = torch.stack([_change(record.old, record.new) for record in everything]).numpy()
    joints = pairs[0].before.skeleton.joints
    by_joint = {joint: mean_of(change[:, k]) for k, joint in enumerate(joints)}
    return Comparison(
        before=consistency([(pair.before, [record.old for record in take]) for pair, take in _paired(pairs, judged)]),
        after=consistency([(pair.after, [record.new for record in take]) for pair, take in _paired(pairs, judged)]),
        pose_change_mm=mean_of(change),
        joint_change_mm={joint: mean for joint, mean in by_joint.items() if np.isfinite(mean)},
        stretches=_stretches(pairs, judged),
    )


def _paired(pairs: Sequence[HarvestPair], judged: Sequence[list[_Both]]) -> Iterator[tuple[HarvestPair, list[_Both]]]:
    yield from zip(pairs, judged, strict=True)


def _stretches(pairs: Sequence[HarvestPair], judged: Sequence[list[_Both]]) -> tuple[Stretch, ...]:
    """Return every take; of a single take its judged frames in up to five parts."""
    if len(pairs) > 1:
        parts = [(pair, pair.before.path.name, take) for pair, take in _paired(pairs, judged)]
    else:
        pair, take = pairs[0], judged[0]
        indices = np.array_split(np.arange(len(take)), min(_MOST_STRETCHES, -(-len(take) // _LEAST_POSES)))
        parts = [(pair, _span([take[index] for index in some]), [take[index] for index in some]) for some in indices]
    return tuple(_stretch(pair, name, some) for pair, name, some in parts if some)


def _span(some: Sequence[_Both]) -> str:
    return f"frames {some[0].old.frame} to {some[-1].old.frame}"


def _stretch(pair: HarvestPair, name: str, some: Sequence[_Both]) -> Stretch:
    before = consistency([(pair.before, [record.old for record in some])])
    after = consistency([(pair.after, [record.new for record in some])])
    return Stretch(name, rating_of(before.as_dict()), rating_of(after.as_dict()), len(some))


def _records(harvest: Harvest, frames: range) -> Records:
    return {(r.frame, r.person): r for r in harvest.iter_frames() if r.frame in frames}


def _change(old: FrameAnnotations, new: FrameAnnotations) -> Tensor:
    distance: Tensor = torch.linalg.vector_norm(old.mean - new.mean, dim=-1)
    return torch.where(old.supported & new.supported, distance, torch.nan)
