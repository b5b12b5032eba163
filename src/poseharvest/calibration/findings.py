"""What an audit finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """Something odd about a calibration.

    Attributes:
        severity: "error": results would be wrong; "warning": a person should look.
        message: one line: what, expected, got, what to do.
    """

    severity: Severity
    message: str
