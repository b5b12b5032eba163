"""The hands of the people in keypoint files: rows of a whole-body layout, or lists of their own beside the body's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from poseharvest.detectors.keypoint_files import KeypointFiles
from poseharvest.skeleton.hands import HAND_ROOTS, hand_joints
from poseharvest.skeleton.human import SIDES

_SAMPLED_PICTURES = 48  # of a view, to see whether its files hold hands
_NO_ROW = -1


@runtime_checkable
class HandFiles(Protocol):
    """Files of one view that list hands beside the bodies."""

    def hands(self, number: int) -> list[Tensor | None]:
        """Return (2, 21, 3) x, y, score of the hands of everybody in a picture; None without any."""
        ...


@dataclass(frozen=True)
class HandRows:
    """Where the joints of the hands stand among the rows of a person.

    Attributes:
        rows: for each side the row of every joint of `HAND21`, -1 where there is none.
        wrists: rows of the body's wrists, which stand in for hands' roots that files lack; -1 where there is none.
    """

    rows: tuple[tuple[int, ...], ...]
    wrists: tuple[int, ...]

    @classmethod
    def of(cls, names: Sequence[str]) -> HandRows:
        """Return where the hands' joints stand among rows with these names."""
        place = {name: row for row, name in enumerate(names)}
        rows = [
            tuple(place.get(joint, _NO_ROW) for joint in (root, *hand_joints(side)))
            for side, root in zip(SIDES, HAND_ROOTS, strict=True)
        ]
        return cls(tuple(rows), tuple(place.get(f"{side}_wrist", _NO_ROW) for side in SIDES))

    @property
    def has_any(self) -> bool:
        """Whether there is a row of a finger."""
        return any(row != _NO_ROW for side in self.rows for row in side[1:])

    def hands(self, person: Tensor, beside: Tensor | None) -> Tensor:
        """Return (2, 21, 3) x, y, score of a person's hands; a root that was not found is the body's wrist.

        Args:
            person: (K, 3) rows.
            beside: (2, 21, 3) what a list of its own says of the hands, if there is one.
        """
        hands = torch.stack([_taken(person, rows) for rows in self.rows]) if beside is None else beside.clone()
        wrists = _taken(person, self.wrists)
        has_fingers = (hands[:, 1:, 2] > 0).any(1)
        lacks_root = has_fingers & (hands[:, 0, 2] <= 0)
        hands[:, 0] = torch.where(lacks_root[:, None], wrists, hands[:, 0])
        return hands


def _taken(person: Tensor, rows: Sequence[int]) -> Tensor:
    """Return (N, 3) the rows of a person; zeros where there is none."""
    with_nothing = torch.cat((person, torch.zeros((1, 3), dtype=person.dtype)))
    return with_nothing[[len(person) if row == _NO_ROW else row for row in rows]]


def hands_beside(files: KeypointFiles, number: int) -> list[Tensor | None] | None:
    """Return the hands that files list beside the bodies of a picture; None where files of their kind list none."""
    return files.hands(number) if isinstance(files, HandFiles) else None


def any_hands_beside(views: Iterable[KeypointFiles]) -> bool:
    """Return whether files list a hand beside a body, by pictures spread over the take."""
    return any(
        any(hands is not None for hands in hands_beside(files, number) or ())
        for files in views
        for number in _spread(files.frames)
    )


def _spread(numbers: Sequence[int]) -> list[int]:
    count = min(_SAMPLED_PICTURES, len(numbers))
    return [numbers[(len(numbers) - 1) * i // max(count - 1, 1)] for i in range(count)]
