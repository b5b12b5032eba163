"""What reproducing a table gives: the paper's numbers as printed there, and ours beside them with their protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from poseharvest.evaluation.scores import Score, mean_score


@dataclass(frozen=True)
class PaperColumn:
    """Numbers that somebody has published.

    Attributes:
        title: whose, as the paper cites them: "[9] Burenius 2013".
        values: by row; a row that the paper leaves empty is missing.
    """

    title: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class OurColumn:
    """Numbers of this run.

    Attributes:
        title: what is special about them: "here, strict rule".
        scores: by row.
    """

    title: str
    scores: Mapping[str, Score]


def seed_columns(title: str, by_seed: Mapping[int, Mapping[str, Score]]) -> list[OurColumn]:
    """Return a column a seed and, where there are several, their mean."""
    columns = [OurColumn(f"{title}, seed {seed}", rows) for seed, rows in by_seed.items()]
    if len(by_seed) > 1:
        first = next(iter(by_seed.values()))
        mean = {row: mean_score([rows[row] for rows in by_seed.values()], over="seeds") for row in first}
        columns.append(OurColumn(f"{title}, mean", mean))
    return columns


@dataclass(frozen=True)
class Panel:
    """One block of a table.

    Attributes:
        title: "three cameras".
        rows: in order.
        paper: columns of the paper.
        ours: columns of this run.
    """

    title: str
    rows: tuple[str, ...]
    paper: tuple[PaperColumn, ...]
    ours: tuple[OurColumn, ...]

    def protocols(self) -> list[str]:
        """Return what every number of ours means, a line for each column and protocol: "here: Posing, Photo: MPJPE"."""
        lines = []
        for column in self.ours:
            rows: dict[str, list[str]] = {}
            for row in self.rows:
                if row in column.scores:
                    rows.setdefault(str(column.scores[row].protocol), []).append(row)
            lines += [f"{column.title}: {', '.join(names)}: {protocol}" for protocol, names in rows.items()]
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Return the panel in plain data, for JSON."""
        return {
            "title": self.title,
            "rows": list(self.rows),
            "paper": [{"title": column.title, "values": dict(column.values)} for column in self.paper],
            "ours": [
                {"title": column.title, "scores": {row: score.as_dict() for row, score in column.scores.items()}}
                for column in self.ours
            ],
        }


@dataclass(frozen=True)
class ReproducedTable:
    """A table of the paper with this run's numbers.

    Attributes:
        name: "table1".
        caption: what it compares, and where in the paper it stands.
        panels: its blocks.
        notes: what the user should know of this run, in sentences.
        settings: all that the numbers depend on, in plain data.
    """

    name: str
    caption: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the table in plain data, for JSON."""
        return {
            "format": "poseharvest reproduced table",
            "version": 1,
            "table": self.name,
            "caption": self.caption,
            "settings": dict(self.settings),
            "notes": list(self.notes),
            "panels": [panel.as_dict() for panel in self.panels],
        }
