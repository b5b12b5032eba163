"""A harvest in a few words, for a console and for a notebook; no column is read."""

from __future__ import annotations

from markupsafe import escape

from poseharvest.annotations.reader import Harvest
from poseharvest.findings import Finding, worst_first

_MOST_FINDINGS = 6


def in_one_line(harvest: Harvest) -> str:
    """Return name, frames, people, joints, views and what share is selected."""
    facts = _facts(harvest)
    words = ", ".join(f"{value} {name}" for name, value in facts.items())
    return f'<Harvest "{harvest.info.capture.name}": {words}>'


def as_html(harvest: Harvest) -> str:
    """Return a small table, and the worst findings under it; every name is escaped."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in _facts(harvest).items()
    )
    findings = worst_first(harvest.info.findings)
    listed = "".join(_finding(finding) for finding in findings[:_MOST_FINDINGS])
    more = len(findings) - _MOST_FINDINGS
    rest = f"<li>and {more} more in harvest.json</li>" if more > 0 else ""
    title = f"<strong>{escape(harvest.info.capture.name)}</strong> <code>{escape(harvest.path)}</code>"
    return f"<div>{title}<table>{rows}</table><ul>{listed}{rest}</ul></div>"


def _finding(finding: Finding) -> str:
    return f"<li>{escape(finding.severity)}: {escape(finding.message)}</li>"


def _facts(harvest: Harvest) -> dict[str, str]:
    info = harvest.info
    supported = sum(joint.supported for joint in info.selection.joints)
    selected = sum(joint.selected for joint in info.selection.joints)
    share = f"{100 * selected / supported:.0f} %" if supported else "none"
    return {
        "frames": f"{info.counts.frames} of {info.capture.num_frames}",
        "person" if info.counts.persons == 1 else "people": str(info.counts.persons),
        "joints": str(len(info.skeleton.joints)),
        "views": str(len(info.views)),
        "of the joints selected": share,
    }
