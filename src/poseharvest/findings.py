"""What a person should know of an input or a result: one record for audits, harvests, reports and the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "warning", "error"]

_ORDER: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """Something a person should know.

    Attributes:
        severity: "error": the results are wrong, or would be; "warning": a person should look; "note": good to know.
        topic: what it is about, in a few words, such as "calibration" or "camera cam01".
        message: one line: what, expected, got, what to do.
    """

    severity: Severity
    topic: str
    message: str


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without repetitions, errors first and notes last; otherwise the order stays."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: _ORDER.index(finding.severity)))
