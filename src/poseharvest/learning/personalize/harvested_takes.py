"""The takes of one person that a network is personalised on: their harvests, their footage, and which frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poseharvest.annotations.harvest_footage import checked_footage_of
from poseharvest.annotations.reader import Harvest
from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.network import NetworkDetector
from poseharvest.errors import ConfigError, TrainingError
from poseharvest.learning.personalize.harvest_again import harvested_frames
from poseharvest.localization.boxes import Boxes
from poseharvest.skeleton.skeleton import require_joints


@dataclass(frozen=True, eq=False)
class HarvestedTake:
    """A take that was harvested.

    Attributes:
        harvest: the annotations, with what people decided about its joints.
        capture: the footage.
        boxes: windows around the person where somebody has them.
        learned: frames to learn from.
        judged: frames to compare on.
        subject: whose take it is.
    """

    harvest: Harvest
    capture: FrameSource
    boxes: Boxes | None
    learned: range
    judged: range
    subject: str = ""

    @property
    def first(self) -> Harvest:
        """The harvest as it was made, without decisions: later ones are compared with it."""
        return self.harvest.without_reviews()


def open_takes(
    harvests: Sequence[Harvest | Path | str],
    captures: Sequence[FrameSource | Path | None],
    boxes: Sequence[Boxes | None],
    detector: NetworkDetector,
    *,
    held_out: float,
    subjects: Sequence[str] = (),
) -> tuple[HarvestedTake, ...]:
    """Return the takes, each with its last share of frames held out.

    Args:
        harvests: opened, or folders, which are opened with what people decided.
        captures: footage of each, or its folder, or None if it is where the harvest says; none at all for None.
        boxes: of each; none at all for None.
        detector: that is to learn from them.
        held_out: share of each take's frames.
        subjects: whose take each is; none at all for takes of one person.

    Raises:
        ConfigError: there is no harvest, one is given twice, or there is footage, boxes or subjects of another number
            of takes.
        SkeletonError, TrainingError: a harvest has other joints than the detector.
        CaptureError: footage is missing or is not the harvest's.
    """
    opened = [one if isinstance(one, Harvest) else Harvest.open(one).with_reviews() for one in harvests]
    paths = [one.path.resolve() for one in opened]
    if not paths:
        raise ConfigError("harvests: expected one or more to learn from, got none")
    twice = sorted({str(path) for path in paths if paths.count(path) > 1})
    if twice:
        raise ConfigError(f"{twice[0]}: expected every harvest once, it was given {paths.count(Path(twice[0]))} times")
    for one in opened:
        _check_skeleton(one, detector)
    nothing = [None] * len(opened)
    captures, boxes, subjects = captures or nothing, boxes or nothing, subjects or [""] * len(opened)
    check_number(len(captures), len(opened), "captures")
    check_number(len(boxes), len(opened), "boxes")
    check_number(len(subjects), len(opened), "subjects")
    return tuple(
        HarvestedTake(
            one, checked_footage_of(one, given), windows, *split_frames(harvested_frames(one), held_out), subject
        )
        for one, given, windows, subject in zip(opened, captures, boxes, subjects, strict=True)
    )


def split_frames(frames: range, held_out: float) -> tuple[range, range]:
    """Return the frames to learn from and those to judge by: the last share, or all frames twice if it is 0."""
    num_held_out = round(held_out * len(frames))
    if num_held_out == 0:
        return frames, frames
    return frames[:-num_held_out], frames[-num_held_out:]


def check_number(number: int, num_harvests: int, what: str) -> None:
    """Raise ConfigError if there is `what` of another number of harvests than there are."""
    if number != num_harvests:
        raise ConfigError(
            f"{what}: expected none, or one for every harvest in their order ({num_harvests}), got {number}"
        )


def _check_skeleton(harvest: Harvest, detector: NetworkDetector) -> None:
    ours, theirs = harvest.skeleton, detector.skeleton
    require_joints(ours.joints, theirs.joints, wanted_by=f"harvest {harvest.path}", offered_by=detector.name)
    if ours.joints != theirs.joints:
        raise TrainingError(f"{harvest.path}: has the joints of {detector.name} in another order: harvest it again")
