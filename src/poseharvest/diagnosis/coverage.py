"""Joints of a person that two views hardly ever show, and findings about them."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.findings import Finding
from poseharvest.skeleton.skeleton import Skeleton

HARDLY_EVER = 0.05
"""Share of the frames of a person. A joint supported in fewer frames is out of view, and its support is chance."""

_FEW_FRAMES = 3
_LEGS = ("knee", "ankle", "heel", "toe", "foot")
_ARMS_AND_HEAD = ("wrist", "elbow", "shoulder", "head", "nose", "neck")


@dataclass(eq=False)
class Coverage:
    """Counts, for each person, the frames in which two views show a joint.

    Attributes:
        skeleton: the joints.
        frames: number of frames by person.
        supported: by person, (J,) number of frames in which two views show the joint.
    """

    skeleton: Skeleton
    frames: dict[int, int] = field(default_factory=dict)
    supported: dict[int, Tensor] = field(default_factory=dict)

    def add(self, record: FrameAnnotations) -> None:
        """Count one person in one frame."""
        none = torch.zeros(len(self.skeleton), dtype=torch.int64)
        self.frames[record.person] = self.frames.get(record.person, 0) + 1
        self.supported[record.person] = self.supported.get(record.person, none) + record.supported.long()

    def hardly_shown(self) -> dict[int, list[int]]:
        """Return the indices of the joints that two views hardly ever show, by person."""
        shares = {person: self.supported[person].double() / frames for person, frames in sorted(self.frames.items())}
        missing = {person: (share < HARDLY_EVER).nonzero().flatten().tolist() for person, share in shares.items()}
        return {person: joints for person, joints in missing.items() if joints}

    def findings(self) -> list[Finding]:
        """Return a note for each person with joints that two views hardly ever show."""
        findings = []
        for person, joints in self.hardly_shown().items():
            if len(self.frames) > 1 and self.frames[person] < _FEW_FRAMES:
                continue  # one of many people, visible only for a moment
            missing = [self.skeleton.joints[joint] for joint in joints]
            who = f"person {person}: " if len(self.frames) > 1 else ""
            message = (
                f"{who}{_part_shown(self.skeleton, missing)}: hardly any frame has two views that show "
                f"{', '.join(missing)}. Their positions are guesses, and they are not selected"
            )
            findings.append(Finding("note", "joints out of view", message))
        return findings


def _part_shown(skeleton: Skeleton, missing: list[str]) -> str:
    """Return a short text on the visible part of the person."""
    legs, rest = (
        [joint for joint in skeleton.joints if any(word in joint for word in words)]
        for words in (_LEGS, _ARMS_AND_HEAD)
    )
    if legs and set(legs) <= set(missing) and not set(rest) <= set(missing):
        return "upper body only"
    if rest and set(rest) <= set(missing) and not set(legs) <= set(missing):
        return "lower body only"
    return "not the whole body"
