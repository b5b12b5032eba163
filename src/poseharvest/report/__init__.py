"""A harvest as one self-contained HTML page.

It reads a harvest and changes nothing. Start with `html`, the page; `collect` makes its one pass over the harvest.
"""

from poseharvest.report.collect import ReportContent
from poseharvest.report.html import render, report

__all__ = ["ReportContent", "render", "report"]
