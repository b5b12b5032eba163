"""Two harvests side by side: their numbers in one table, and their reports, whose players move together."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from poseharvest.diagnosis.verdict import Verdict, verdict_on
from poseharvest.diagnosis.wording import short
from poseharvest.report.collect import ReportContent
from poseharvest.report.html import asset, environment, write_page
from poseharvest.report.joint_order import reading_order
from poseharvest.storage.staging import staged_file

_MISSING = "–"


@dataclass(frozen=True)
class Side:
    """One of the two harvests.

    Attributes:
        name: its folder.
        address: of its report, relative to the page.
        verdict: on it.
        content: of its report.
    """

    name: str
    address: str
    verdict: Verdict
    content: ReportContent


def report_beside(
    first: Path | str, second: Path | str, out: Path | str | None = None, *, overwrite: bool = False
) -> Path:
    """Write the reports of two harvests, and a page that shows them side by side; return its path.

    The page frames the two reports, `report/index.html` in each folder, so all three belong together.

    Args:
        first: a harvest folder on the disk.
        second: another one, for example of the same capture with other options.
        out: the page; `report/beside.html` in the first folder if None, and an earlier page there is replaced.
        overwrite: replace the file that stands at `out`.

    Raises:
        StoreError: a harvest is damaged or in an object store, `out` exists, or it cannot be written.
        FormatError: a preview picture is damaged.
    """
    pages = [write_page(harvest) for harvest in (first, second)]
    path = Path(out) if out is not None else pages[0][0].with_name("beside.html")
    sides = [_side(page, content, path.parent) for page, content in pages]
    template = environment().get_template("beside.html.j2")
    text = template.render(
        sides=sides, rows=_rows(*(side.content for side in sides)), style=asset("page.css"), script=asset("beside.js")
    )
    with staged_file(path, overwrite=overwrite or out is None) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def _side(page: Path, content: ReportContent, folder: Path) -> Side:
    address = quote(Path(os.path.relpath(page.resolve(), folder.resolve())).as_posix())
    name = page.resolve().parents[1].name
    return Side(name, address, verdict_on(content.examined, content.joints.sigma), content)


def _rows(first: ReportContent, second: ReportContent) -> list[tuple[str, str, str]]:
    """Return what is compared: a name and the two values, in words."""
    both = (first, second)
    numbers = [
        ("frames with a person", [f"{one.info.counts.frames:,}" for one in both]),
        ("views", [str(len(one.info.views)) for one in both]),
        ("detector", [one.info.detector.name for one in both]),
        ("sigma, median, mm", [short(one.joints.sigma.median) for one in both]),
        ("sigma, nine positions of ten, mm", [short(one.joints.sigma.q90) for one in both]),
        ("views' peaks from the pose, median, px", [short(one.agreement.median) for one in both]),
    ]
    medians = [{joint.name: short(joint.sigma.median) for joint in one.joints.joints} for one in both]
    names = [one.skeleton.joints[j] for one in both for j in reading_order(one.skeleton)]
    of_joints = [
        (f"sigma of the {name.replace('_', ' ')}, median, mm", [of.get(name, _MISSING) for of in medians])
        for name in dict.fromkeys(names)
    ]
    return [(name, values[0], values[1]) for name, values in [*numbers, *of_joints]]
