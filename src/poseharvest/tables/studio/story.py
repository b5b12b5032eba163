"""The demo's page: what was done, the table, and pictures before and after, in one file that loads nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest.report.figures import data_uri
from poseharvest.report.page_templates import page_environment
from poseharvest.storage.staging import staged_file
from poseharvest.tables.paper import AVERAGE
from poseharvest.tables.result import ReproducedTable
from poseharvest.tables.studio.before_after import moments
from poseharvest.tables.studio.fine_tuning import within
from poseharvest.tables.studio.results import CENTRED, Results
from poseharvest.tables.studio.studio_subject import StudioSubject
from poseharvest.tables.studio.study import Network


@dataclass(frozen=True, eq=False)
class Story:
    """What the page shows.

    Attributes:
        subject: with its footage and harvests.
        results: what was judged, of all frames.
        table: like the paper's Table 4.
        reports: of harvests, by network and action.
    """

    subject: StudioSubject
    results: Results
    table: ReproducedTable
    reports: Mapping[tuple[Network, str], Path]


@dataclass(frozen=True)
class Row:
    """A row of the page's table.

    Attributes:
        name: of the action, or the average.
        errors: by network, mm.
        change_percent: of PS+sel against Generic.
        paper: the paper's numbers by network, where it has any.
    """

    name: str
    errors: tuple[float, ...]
    change_percent: float
    paper: tuple[float | None, ...]


def write_story(story: Story, path: Path) -> Path:
    """Write the page and return its path.

    Raises:
        StoreError: it cannot be written.
    """
    environment = page_environment("poseharvest.tables.studio")
    page = environment.get_template("story.html.j2").render(**_context(story, path))
    with staged_file(path, overwrite=True) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def rows_of(story: Story) -> list[Row]:
    """Return the rows of the page's table, the average last."""
    judged = within(story.results, story.subject.study.judged)
    networks, paper = networks_of(story), {column.title: column.values for column in story.table.panels[0].paper}
    rows = []
    for name in (*judged.actions, AVERAGE):
        errors = tuple(judged.mean(network, name, CENTRED).value for network in networks)
        before, after = (errors[networks.index(network)] for network in (Network.GENERIC, Network.PS_SEL))
        published = tuple(paper[f"paper, {network.paper_name}"].get(name) for network in networks)
        rows.append(Row(name, errors, 100 * (after - before) / before, published))
    return rows


def networks_of(story: Story) -> list[Network]:
    """Return the networks that were judged, in the paper's order."""
    return [network for network in Network if any(of == network for _, of, _ in story.results.poses)]


def _context(story: Story, path: Path) -> dict[str, Any]:
    study = story.subject.study
    return {
        "study": study,
        "subject": story.subject,
        "networks": networks_of(story),
        "rows": rows_of(story),
        "notes": story.table.notes,
        "moments": list(moments(story.subject)),
        "jpeg": lambda content: data_uri("image/jpeg", content),
        "links": [
            (network.paper_name, action, Path(os.path.relpath(page, path.parent)).as_posix())
            for (network, action), page in story.reports.items()
        ],
        "learned": len(study.learned),
        "judged": len(study.judged),
    }
