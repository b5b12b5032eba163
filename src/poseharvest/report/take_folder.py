"""The folder beside a page that holds what the page has no room for: the frames of a long take, and a long film."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from poseharvest.annotations.info import HarvestInfo
from poseharvest.annotations.unfinished import link_file
from poseharvest.report.film_in_page import FilmInPage
from poseharvest.report.take import Sink, fits_inside
from poseharvest.storage.disk import os_errors_as_store_errors
from poseharvest.storage.staging import StagedFolder

_PIECE = re.compile(r"piece-\d+\.js|film-\d+\.mp4")


@dataclass(frozen=True)
class TakeFolder:
    """Where pieces are written before the folder gets its name.

    Attributes:
        name: the folder's final name.
        path: where it lies until then.
        created: when the harvest was made; a page takes no pieces of another harvest.
        holds_poses: the frames of the take lie in it, not in the page.
    """

    name: str
    path: Path
    created: str
    holds_poses: bool = True

    @property
    def sink(self) -> Sink | None:
        """Takes the pieces of the take; None if the page holds them."""
        return self._write if self.holds_poses else None

    def _write(self, number: int, text: str) -> None:
        """Write a piece as a script that hands it to the page."""
        script = f"takePiece({json.dumps(self.created)},{number},{text});\n"
        (self.path / f"piece-{number:05d}.js").write_text(script, encoding="utf-8")


@contextmanager
def take_folder(info: HarvestInfo, page: Path, film: FilmInPage | None = None) -> Iterator[TakeFolder | None]:
    """Yield the folder beside a `page` for the pieces of a harvest's take; None if the page holds everything itself.

    A film that lies beside the page is in the folder already, as links to the harvest's files where the disk has them.
    An earlier folder of that name is replaced if it holds nothing but pieces.

    Raises:
        StoreError: another folder has the name, or it cannot be written.
    """
    holds_poses = not fits_inside(info.counts.records, len(info.skeleton.joints), len(info.views))
    parts = () if film is None or film.is_inside else film.parts
    if not holds_poses and not parts:
        yield None
        return
    staged = StagedFolder(page.with_name(f"{page.stem}_frames"), replaceable=_holds_pieces)
    try:
        with os_errors_as_store_errors(staged.target):
            for index, part in enumerate(parts):
                link_file(part, staged.path / f"film-{index:05d}.mp4")
        yield TakeFolder(staged.target.name, staged.path, info.created, holds_poses)
        staged.commit()
    finally:
        staged.discard()


def _holds_pieces(folder: Path) -> bool:
    return folder.is_dir() and all(_PIECE.fullmatch(path.name) for path in folder.iterdir())
