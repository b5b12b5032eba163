"""A harvest as one self-contained HTML page.

It reads a harvest and changes nothing. Start with `html`, the page; `collect` makes its one pass over the harvest.
`beside` shows two harvests in one page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.report.beside import report_beside
    from poseharvest.report.collect import ReportContent
    from poseharvest.report.film_of_footage import FootageFilm
    from poseharvest.report.html import render, report
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["FootageFilm", "ReportContent", "render", "report", "report_beside"]
