"""A harvest as one self-contained HTML page."""

from poseharvest.report.collect import ReportContent as ReportContent
from poseharvest.report.collect import collect as collect
from poseharvest.report.html import render as render
from poseharvest.report.html import report as report
