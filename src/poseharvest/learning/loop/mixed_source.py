"""Several sources of samples as one."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from poseharvest.learning.loop.samples import SampleSource, TrainingSample
from poseharvest.skeleton.skeleton import Skeleton


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
