"""What a multi-view data set is to the rest of the package: sequences, each with footage and, apart from it, its truth.

`DatasetSequence.footage` gives a `FrameSource`, the only thing that inference may have. `DatasetSequence.truth` gives
another object, for judging: no way leads from the first to the second. Both count frames alike, from 0; `numbers` keeps
what the data set itself calls them.
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
    """Where one person truly was.

    Attributes:
        name: who it is in the data set: "S9", "actor1", "3".
        skeleton: the joints in order.
        frames: (F,) int64 rising, frames of the footage in which the person is annotated.
        numbers: (F,) int64, what the data set calls those frames.
        positions: (F, J, 3) float64, mm in the world; NaN where a joint is not annotated.
        confidence: (F, J) float64, 0 to 1, where the truth was itself estimated; None where the data set gives none.
        pixels: (F, J, 2) float64 by view, pixels of the picture; NaN where not annotated. Empty where the data set has
            no 2D annotations of its own.
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
        """(F, J) bool: the joint is annotated in the frame."""
        known: Tensor = torch.isfinite(self.positions).all(-1)
        return known

    def at_frames(self, frames: Tensor) -> PersonTruth:
        """Return the truth of those of the footage's `frames` (N,) in which the person is annotated."""
        return self._rows(torch.isin(self.frames, frames.to(self.frames)))

    def at_numbers(self, numbers: Tensor) -> PersonTruth:
        """Return the truth of those frames in which the person is annotated, by the data set's own `numbers` (N,)."""
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
    """Where everybody annotated in a sequence truly was: to judge a harvest by, never to make one with.

    Attributes:
        skeleton: the joints in order, one skeleton for all.
        people: one entry a person.
    """

    skeleton: Skeleton
    people: tuple[PersonTruth, ...]

    def __post_init__(self) -> None:
        names = [person.name for person in self.people]
        if len(set(names)) < len(names):
            raise DatasetError(f"truth: expected every person once, got {', '.join(names)}")

    @property
    def only(self) -> PersonTruth:
        """The one person of a sequence with one person.

        Raises:
            DatasetError: there is nobody, or more than one.
        """
        if len(self.people) != 1:
            raise DatasetError(f"truth: expected one person, got {listed([person.name for person in self.people])}")
        return self.people[0]

    def person(self, name: str) -> PersonTruth:
        """Return the person of that name.

        Raises:
            DatasetError: there is none; the message lists those that are.
        """
        found = [person for person in self.people if person.name == name]
        if not found:
            there = listed([person.name for person in self.people])
            raise DatasetError(f'truth: expected a person of {there}, got "{name}"')
        return found[0]


@dataclass(frozen=True, eq=False)
class DatasetSequence:
    """One recording of a data set. Nothing is read before it is asked for.

    Attributes:
        name: unique within the data set: "S9/Posing 1".
        subject: who performs: "S9".
        action: what is performed, as papers name it: "Posing".
        cameras: the views that there are.
        open_footage: opens the named views, with their pictures or without.
        read_truth: reads the annotations.
        damage: what is known to be wrong with this recording; None for most.
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
            cameras: use these views alone, in this order; None uses all.
            pictures: False gives frames without pictures, for detectors that look at none.

        Raises:
            DatasetError: there is no such view, or its pictures are missing or out of step with the annotations.
            CaptureError: pictures are damaged.
            CalibrationError: the cameras are impossible, or do not fit the pictures.
        """
        chosen = self.cameras if cameras is None else tuple(cameras)
        unknown = [camera for camera in chosen if camera not in self.cameras]
        if unknown or not chosen:
            got = ", ".join(unknown) or "none"
            raise DatasetError(f"{self.name}: expected cameras of {listed(self.cameras)}, got {got}")
        return self.open_footage(chosen, pictures)

    def truth(self) -> SequenceTruth:
        """Return the true poses: to judge by alone.

        Raises:
            FormatError: an annotation is damaged.
            DatasetError: annotations are missing, or do not fit together.
        """
        return self.read_truth()


@dataclass(frozen=True, eq=False)
class MultiViewDataset:
    """A data set of calibrated, synchronised multi-view recordings.

    Attributes:
        name: as in the registry: "human36m".
        root: its folder.
        skeleton: the joints of its truth.
        sequences: its recordings, by name.

    Raises:
        DatasetError: it holds no sequence, or two of one name.
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
        """The subjects that there are, in order of their first sequence."""
        return tuple(dict.fromkeys(sequence.subject for sequence in self.sequences))

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that there are, in order of their first sequence."""
        return tuple(dict.fromkeys(sequence.action for sequence in self.sequences))

    def sequence(self, name: str) -> DatasetSequence:
        """Return the sequence of that name.

        Raises:
            DatasetError: there is none; the message lists those that are.
        """
        self._check_present("sequence", [name], [sequence.name for sequence in self.sequences])
        return next(sequence for sequence in self.sequences if sequence.name == name)

    def select(
        self, *, subjects: Sequence[str] | None = None, actions: Sequence[str] | None = None
    ) -> tuple[DatasetSequence, ...]:
        """Return the sequences of these subjects and actions; None means all.

        Raises:
            DatasetError: a subject or an action is not there at all; the message lists those that are.
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
    """Return names for a message, the first dozen of many.

    >>> listed([])
    'none'
    """
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown} and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else shown or "none"
