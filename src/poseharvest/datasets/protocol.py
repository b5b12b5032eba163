"""The interface of a multi-view data set: sequences, each with footage and separate ground truth.

`DatasetSequence.footage` returns a `FrameSource`, which is all that inference may use. `DatasetSequence.truth` returns
a separate object for evaluation, which is not reachable from the footage. Both count frames from 0. `numbers` contains
the frame numbers of the data set itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.datasets.recording_footage import DatasetFootage
from poseharvest.errors import DatasetError
from poseharvest.skeleton.skeleton import Skeleton

_NAMES_SHOWN = 12


@dataclass(frozen=True, eq=False)
class PersonTruth:
    """The true poses of one person.

    Attributes:
        name: name of the person in the data set, such as "S9", "actor1" or "3".
        skeleton: the joints in order.
        frames: (F,) int64 increasing, frames of the footage in which the person is annotated.
        numbers: (F,) int64, the numbers of these frames in the data set.
        positions: (F, J, 3) float64, mm in the world; NaN where a joint is not annotated.
        confidence: (F, J) float64, 0 to 1, for an estimated ground truth; None if the data set contains none.
        pixels: (F, J, 2) float64 by view, pixels of the picture; NaN where not annotated. Empty if the data set has no
            2D annotations.
    """

    name: str
    skeleton: Skeleton
    frames: Tensor
    numbers: Tensor
    positions: Tensor
    confidence: Tensor | None = None
    pixels: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        what = f'truth of "{self.name}"'
        sizes = check_shape(f"{what}: positions", self.positions, "F J 3", J=len(self.skeleton))
        check_shape(f"{what}: frames", self.frames, "F", F=sizes["F"])
        check_shape(f"{what}: numbers", self.numbers, "F", F=sizes["F"])
        if self.confidence is not None:
            check_shape(f"{what}: confidence", self.confidence, "F J", F=sizes["F"], J=sizes["J"])
        for view, pixels in self.pixels.items():
            check_shape(f'{what}: pixels of "{view}"', pixels, "F J 2", F=sizes["F"], J=sizes["J"])
        if bool((self.frames.diff() <= 0).any()):
            raise DatasetError(f"{what}: expected rising frames, got one twice or out of order")

    @property
    def is_known(self) -> Tensor:
        """(F, J) bool: True where the joint is annotated in the frame."""
        known: Tensor = torch.isfinite(self.positions).all(-1)
        return known

    def at_frames(self, frames: Tensor) -> PersonTruth:
        """Return the truth in those `frames` (N,) of the footage in which the person is annotated."""
        return self._rows(torch.isin(self.frames, frames.to(self.frames)))

    def at_numbers(self, numbers: Tensor) -> PersonTruth:
        """Return the truth in those frames, by `numbers` (N,) of the data set, in which the person is annotated."""
        return self._rows(torch.isin(self.numbers, numbers.to(self.numbers)))

    def _rows(self, keep: Tensor) -> PersonTruth:
        return PersonTruth(
            name=self.name,
            skeleton=self.skeleton,
            frames=self.frames[keep],
            numbers=self.numbers[keep],
            positions=self.positions[keep],
            confidence=None if self.confidence is None else self.confidence[keep],
            pixels={view: pixels[keep] for view, pixels in self.pixels.items()},
        )


@dataclass(frozen=True, eq=False)
class SequenceTruth:
    """The true poses of all annotated people of a sequence. Use it to evaluate a harvest, never to make one.

    Attributes:
        skeleton: the joints in order, the same for all people.
        people: one entry per person.
    """

    skeleton: Skeleton
    people: tuple[PersonTruth, ...]

    def __post_init__(self) -> None:
        names = [person.name for person in self.people]
        if len(set(names)) < len(names):
            raise DatasetError(f"truth: expected every person once, got {', '.join(names)}")

    @property
    def only(self) -> PersonTruth:
        """The person of a sequence with exactly one person.

        Raises:
            DatasetError: there is no person, or more than one.
        """
        if len(self.people) != 1:
            raise DatasetError(f"truth: expected one person, got {listed([person.name for person in self.people])}")
        return self.people[0]

    def person(self, name: str) -> PersonTruth:
        """Return the person of that name.

        Raises:
            DatasetError: there is no such person; the message lists the known names.
        """
        matches = [person for person in self.people if person.name == name]
        if not matches:
            there = listed([person.name for person in self.people])
            raise DatasetError(f'truth: expected a person of {there}, got "{name}"')
        return matches[0]


@dataclass(frozen=True, eq=False)
class DatasetSequence:
    """One recording of a data set. Files are read only on request.

    Attributes:
        name: unique name within the data set, such as "S9/Posing 1".
        subject: the performing person, such as "S9".
        action: the performed action, with its name in papers, such as "Posing".
        cameras: names of all views.
        open_footage: opens the views of given names, with or without their pictures.
        read_truth: reads the annotations.
        damage: known faults of this recording; None for most recordings.
    """

    name: str
    subject: str
    action: str
    cameras: tuple[str, ...]
    open_footage: Callable[[tuple[str, ...], bool], DatasetFootage]
    read_truth: Callable[[], SequenceTruth]
    damage: str | None = None

    def footage(self, cameras: Sequence[str] | None = None, *, pictures: bool = True) -> DatasetFootage:
        """Return the pictures and the cameras: a `FrameSource`.

        Args:
            cameras: names of the views to use, in this order; None uses all.
            pictures: False gives frames without pictures, for detectors that need none.

        Raises:
            DatasetError: there is no such view, or its pictures are missing or do not match the annotations.
            CaptureError: pictures are damaged.
            CalibrationError: the cameras are impossible, or do not match the pictures.
        """
        selected = self.cameras if cameras is None else tuple(cameras)
        unknown = [camera for camera in selected if camera not in self.cameras]
        if unknown or not selected:
            got = ", ".join(unknown) or "none"
            raise DatasetError(f"{self.name}: expected cameras of {listed(self.cameras)}, got {got}")
        return self.open_footage(selected, pictures)

    def truth(self) -> SequenceTruth:
        """Return the true poses, for evaluation only.

        Raises:
            FormatError: an annotation is damaged.
            DatasetError: annotations are missing, or contradict each other.
        """
        return self.read_truth()


@dataclass(frozen=True, eq=False)
class MultiViewDataset:
    """A data set of calibrated, synchronised multi-view recordings.

    Attributes:
        name: name in the registry, such as "human36m".
        root: its folder.
        skeleton: the joints of its ground truth.
        sequences: its recordings, by name.

    Raises:
        DatasetError: there is no sequence, or two have the same name.
    """

    name: str
    root: Path
    skeleton: Skeleton
    sequences: tuple[DatasetSequence, ...]

    def __post_init__(self) -> None:
        names = [sequence.name for sequence in self.sequences]
        if not names:
            raise DatasetError(f"{self.root}: expected sequences of {self.name}, got none")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DatasetError(f"{self.root}: expected every sequence once, got twice: {', '.join(twice)}")

    @property
    def subjects(self) -> tuple[str, ...]:
        """All subjects, in order of their first sequence."""
        return tuple(dict.fromkeys(sequence.subject for sequence in self.sequences))

    @property
    def actions(self) -> tuple[str, ...]:
        """All actions, in order of their first sequence."""
        return tuple(dict.fromkeys(sequence.action for sequence in self.sequences))

    def sequence(self, name: str) -> DatasetSequence:
        """Return the sequence of that name.

        Raises:
            DatasetError: there is no such sequence; the message lists the known names.
        """
        self._check_present("sequence", [name], [sequence.name for sequence in self.sequences])
        return next(sequence for sequence in self.sequences if sequence.name == name)

    def select(
        self, *, subjects: Sequence[str] | None = None, actions: Sequence[str] | None = None
    ) -> tuple[DatasetSequence, ...]:
        """Return the sequences of these subjects and actions; None means all.

        Raises:
            DatasetError: a subject or an action does not exist; the message lists the known ones.
        """
        self._check_present("subject", subjects or (), self.subjects)
        self._check_present("action", actions or (), self.actions)
        return tuple(
            sequence
            for sequence in self.sequences
            if (subjects is None or sequence.subject in subjects) and (actions is None or sequence.action in actions)
        )

    def _check_present(self, what: str, wanted: Sequence[str], there: Sequence[str]) -> None:
        missing = [name for name in wanted if name not in there]
        if missing:
            raise DatasetError(
                f"{self.root}: {self.name}: expected {what} {', '.join(missing)}, got {listed(there)} alone"
            )


def listed(names: Sequence[str]) -> str:
    """Return names as a text for a message, at most the first dozen.

    >>> listed([])
    'none'
    """
    first = ", ".join(names[:_NAMES_SHOWN])
    return f"{first} and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else first or "none"
