"""The folder beside a page that holds the frames of a long take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from poseharvest.annotations.info import HarvestInfo
from poseharvest.report.take import fits_inside
from poseharvest.storage.staging import StagedFolder

_PIECE = re.compile(r"piece-\d+\.js")


@dataclass(frozen=True)
class TakeFolder:
    """Where pieces are written before the folder gets its name.

    Attributes:
        name: the folder's final name.
        path: where it lies until then.
        created: when the harvest was made; a page takes no pieces of another harvest.
    """

    name: str
    path: Path
    created: str

    def write(self, number: int, text: str) -> None:
        """Write a piece as a script that hands it to the page."""
        script = f"takePiece({json.dumps(self.created)},{number},{text});\n"
        (self.path / f"piece-{number:05d}.js").write_text(script, encoding="utf-8")


@contextmanager
def take_folder(info: HarvestInfo, page: Path) -> Iterator[TakeFolder | None]:
    """Yield the folder for the pieces of a harvest's take beside its `page`; None if the page holds them itself.

    An earlier folder of that name is replaced if it holds nothing but pieces.

    Raises:
        StoreError: another folder has the name, or it cannot be written.
    """
    if fits_inside(info.counts.records, len(info.skeleton.joints), len(info.views)):
        yield None
        return
    staged = StagedFolder(page.with_name(f"{page.stem}_frames"), replaceable=_holds_pieces)
    try:
        yield TakeFolder(staged.target.name, staged.path, info.created)
        staged.commit()
    finally:
        staged.discard()


def _holds_pieces(folder: Path) -> bool:
    return folder.is_dir() and all(_PIECE.fullmatch(path.name) for path in folder.iterdir())
