"""Findings in the terminal: worst first, a line each, those of one kind together, never more than fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.console import Console

from poseharvest.findings import Finding, worst_first

MAX_LINES = 12
"""More lines of findings than this are not shown."""

_NAMES_AND_NUMBERS = re.compile(r'"[^"]*"|[-+]?\d+(?:[.,:]\d+)*')


def print_findings(console: Console, findings: Iterable[Finding], where: str) -> None:
    """Print findings a line each, errors first.

    Args:
        console: prints them as they are, without markup.
        findings: any number.
        where: where all of them stand, for those that are not shown.
    """
    for line in finding_lines(findings, where):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def finding_lines(findings: Iterable[Finding], where: str) -> list[str]:
    """Return at most MAX_LINES lines: a kind of finding each, and a last one if something is left out."""
    kinds = list(_by_kind(worst_first(findings)).values())
    kinds_that_fit = kinds if len(kinds) <= MAX_LINES else kinds[: MAX_LINES - 1]
    lines = [_line(kind) for kind in kinds_that_fit]
    rest = [finding for kind in kinds[len(kinds_that_fit) :] for finding in kind]
    if rest:
        counts = ", ".join(
            f"{number} {name}s" if number > 1 else f"1 {name}"
            for name in ("error", "warning", "note")
            if (number := sum(finding.severity == name for finding in rest))
        )
        lines.append(f"and {counts} more: read all of them in {where}")
    return lines


def _by_kind(findings: Sequence[Finding]) -> dict[tuple[str, str], list[Finding]]:
    """Findings of one kind say the same of other names and other numbers."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        pattern = _NAMES_AND_NUMBERS.sub("*", finding.message)
        kinds.setdefault((finding.severity, pattern), []).append(finding)
    return kinds


def _line(kind: Sequence[Finding]) -> str:
    message = " ".join(kind[0].message.split())
    more = f" (and {len(kind) - 1} more like this)" if len(kind) > 1 else ""
    return f"{kind[0].severity}: {message}{more}"
