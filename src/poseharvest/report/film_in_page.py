"""The film of a harvest in its report: inside the page if it is small, otherwise in the folder beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest.annotations.info import FilmInfo
from poseharvest.annotations.reader import Harvest
from poseharvest.report.page_limit import MOVING_BYTES, as_text


@dataclass(frozen=True)
class FilmInPage:
    """A film as the page plays it.

    Attributes:
        info: its pictures.
        parts: its files in the harvest.
        is_inside: the page itself holds them; if not, they lie beside it.
    """

    info: FilmInfo
    parts: tuple[Path, ...]
    is_inside: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """The parts as base64, if they lie inside the page."""
        return tuple(base64.b64encode(part.read_bytes()).decode("ascii") for part in self.parts if self.is_inside)

    def plain(self) -> dict[str, Any]:
        """Return what the page's script reads."""
        return {**self.info.model_dump(mode="json"), "is_inside": self.is_inside}


def film_in_page(harvest: Harvest) -> FilmInPage | None:
    """Return the film of a harvest; None if it keeps none.

    Raises:
        StoreError: a part of it is missing or damaged.
    """
    if harvest.info.film is None:
        return None
    parts = harvest.film_parts()
    return FilmInPage(harvest.info.film, parts, fits_into_page(parts))


def fits_into_page(parts: Sequence[Path]) -> bool:
    """Return whether the page itself holds the files of a film."""
    return sum(as_text(part.stat().st_size) for part in parts) <= MOVING_BYTES
