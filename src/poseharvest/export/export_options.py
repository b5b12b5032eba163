"""What several exporters share: which frames are written, which joints are left blank, and checks of choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from poseharvest.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from poseharvest.annotations.records import SelectedFrame

Blank: TypeAlias = Literal["none", "unsupported", "unselected"]
"""Which joints have empty cells: none, those that no camera sees, or all that are not selected as reliable."""


def check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raise ConfigError if `value` is not one of `allowed`."""
    if value not in allowed:
        raise ConfigError(f'{name}: expected one of {", ".join(allowed)}, got "{value}"')


def check_blank(value: str) -> None:
    """Raise ConfigError if `value` is no `Blank`."""
    check_choice("blank", value, get_args(Blank))


def check_frames(start: int, stop: int | None) -> None:
    """Raise ConfigError if no frame lies between `start` and the frame before `stop`."""
    if start < 0:
        raise ConfigError(f"start: expected a frame from 0, got {start}")
    if stop is not None and stop <= start:
        raise ConfigError(f"stop: expected a frame after the first, {start}, got {stop}")


def is_within(frame: int, start: int, stop: int | None) -> bool:
    """Return whether a frame is one of `start` to the one before `stop`; None is the end of the capture."""
    return start <= frame and (stop is None or frame < stop)


def shown_joints(row: SelectedFrame, blank: Blank) -> Tensor:
    """Return (J,) bool: the joints whose position is written."""
    if blank == "none":
        return row.selected.new_ones(row.selected.shape)
    return row.selected if blank == "unselected" else row.annotations.supported
