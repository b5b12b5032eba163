"""Which joints of a person two views ever show, and what to say of those that they do not."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.findings import Finding
from poseharvest.skeleton.skeleton import Skeleton

HARDLY_EVER = 0.05
"""Share of a person's frames; a joint that fewer show is out of view, and where it is shown, that is chance."""

_FEW_FRAMES = 3
_LEGS = ("knee", "ankle", "heel", "toe", "foot")
_ARMS_AND_HEAD = ("wrist", "elbow", "shoulder", "head", "nose", "neck")


@dataclass(eq=False)
class Coverage:
    """Counts, for each person, the frames in which two views show a joint.

    Attributes:
        skeleton: the joints.
        frames: of each person.
        supported: (J,) of each person.
    """

    skeleton: Skeleton
    frames: dict[int, int] = field(default_factory=dict)
    supported: dict[int, Tensor] = field(default_factory=dict)

    def add(self, record: FrameAnnotations) -> None:
        """Count a record in."""
        none = torch.zeros(len(self.skeleton), dtype=torch.int64)
        self.frames[record.person] = self.frames.get(record.person, 0) + 1
        self.supported[record.person] = self.supported.get(record.person, none) + record.supported.long()

    def hardly_shown(self) -> dict[int, list[int]]:
        """Return the numbers of the joints that two views hardly ever show, by person."""
        shares = {person: self.supported[person].double() / frames for person, frames in sorted(self.frames.items())}
        missing = {person: (share < HARDLY_EVER).nonzero().flatten().tolist() for person, share in shares.items()}
        return {person: joints for person, joints in missing.items() if joints}

    def findings(self) -> list[Finding]:
        """Return a note for everybody of whom some joints are hardly ever shown."""
        found = []
        for person, joints in self.hardly_shown().items():
            if len(self.frames) > 1 and self.frames[person] < _FEW_FRAMES:
                continue  # one of many who are seen for a moment
            missing = [self.skeleton.joints[joint] for joint in joints]
            who = f"person {person}: " if len(self.frames) > 1 else ""
            message = (
                f"{who}{_part_shown(self.skeleton, missing)}: hardly any frame has two views that show "
                f"{', '.join(missing)}. Where they are said to be is a guess, and they are not selected"
            )
            found.append(Finding("note", "joints out of view", message))
        return found


def _part_shown(skeleton: Skeleton, missing: list[str]) -> str:
    """Return what is seen of the person, in a few words."""
    legs, rest = (
        [joint for joint in skeleton.joints if any(word in joint for word in words)]
        for words in (_LEGS, _ARMS_AND_HEAD)
    )
    if legs and set(legs) <= set(missing) and not set(rest) <= set(missing):
        return "upper body only"
    if rest and set(rest) <= set(missing) and not set(legs) <= set(missing):
        return "lower body only"
    return "not the whole body"
