"""Several harvests as one source of samples."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import TrainingError
from poseharvest.skeleton.skeleton import Skeleton, require_joints
from poseharvest.training.samples import SampleSource, TrainingSample


@dataclass(frozen=True, eq=False)
class MixedSource:
    """Sources one after another: a `SampleSource`. An epoch sees every sample of each once, shuffled together.

    Attributes:
        parts: at least one, all of the same joints.
    """

    parts: tuple[SampleSource, ...]

    @property
    def skeleton(self) -> Skeleton:
        """The joints of its samples."""
        return self.parts[0].skeleton

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(len(part) for part in self.parts))

    def __len__(self) -> int:
        return self._ends[-1]

    def sample(self, index: int) -> TrainingSample:
        """Return sample `index`, counted through the parts."""
        part = bisect_right(self._ends, index)
        before = self._ends[part - 1] if part else 0
        return self.parts[part].sample(index - before)


def require_one_skeleton(harvests: Sequence[Harvest]) -> Skeleton:
    """Return the skeleton that all harvests have.

    Raises:
        TrainingError: there is no harvest, or one has the joints in another order or under another root.
        SkeletonError: a harvest has other joints than the first.
    """
    if not harvests:
        raise TrainingError("training: expected one harvest or more, got none")
    first = harvests[0]
    for other in harvests[1:]:
        ours, theirs = first.skeleton, other.skeleton
        require_joints(ours.joints, theirs.joints, wanted_by=f"harvest {first.path}", offered_by=str(other.path))
        if (ours.joints, ours.root) != (theirs.joints, theirs.root):
            raise TrainingError(f"{other.path}: has the joints of {first.path} in another order, or another root")
    return first.skeleton
