"""A harvest as one self-contained HTML page.

It reads a harvest and changes nothing. Start with `html`, the page; `collect` makes its one pass over the harvest.
`beside` shows two harvests in one page.
"""

from poseharvest.report.beside import report_beside
from poseharvest.report.collect import ReportContent
from poseharvest.report.html import render, report

__all__ = ["ReportContent", "render", "report", "report_beside"]
