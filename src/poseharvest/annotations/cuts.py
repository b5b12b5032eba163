"""Findings about a selection, which are computed again whenever it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median

from poseharvest.annotations.info import SelectionInfo
from poseharvest.findings import Finding, worst_first

SELECTION_TOPIC = "selection"
"""The topic of these findings alone. Findings of an earlier selection are found and dropped by this topic."""

RISKY_CUT_RATIO = 1.5
"""A joint is named if its largest selected sigma is this many times that of the median joint."""


def with_selection_findings(findings: Iterable[Finding], selection: SelectionInfo) -> tuple[Finding, ...]:
    """Return the findings, worst first; those about the selection are replaced by new ones."""
    others = [finding for finding in findings if finding.topic != SELECTION_TOPIC]
    return worst_first([*others, *selection_findings(selection)])


def unasked_selection(selection: SelectionInfo) -> list[str]:
    """Return what was selected, in words, unless it is the share that was asked for; a list of one or of none.

    With a limit, the share of what was selected is a result, and is always said.
    """
    selected = sum(joint.selected for joint in selection.joints)
    supported = sum(joint.supported for joint in selection.joints)
    slack = len(selection.joints) * max(1, len(selection.people))  # each joint's share is rounded to whole rows
    is_as_asked = selection.limit is None and abs(selected - selection.share * supported) <= slack
    return [] if is_as_asked and selected else [f"{selected} of {supported} joints selected as annotations"]


def selection_findings(selection: SelectionInfo) -> list[Finding]:
    """Return the findings about a selection."""
    if not any(joint.selected for joint in selection.joints):
        message = "no joint was selected as an annotation: expected some: raise --share or --limit, or look at the rest"
        return [Finding("warning", SELECTION_TOPIC, f"{message} of this list")]
    risky = risky_joints(selection.largest_sigma_mm)
    if not risky or selection.limit is not None:
        return []
    names = ", ".join(name.replace("_", " ") for name in risky)
    message = (
        f"the cut of {names} lies far above that of the other joints: the same share is kept of every joint, so the "
        "kept annotations of these are less certain; --limit cuts all joints alike"
    )
    return [Finding("note", SELECTION_TOPIC, message)]


def risky_joints(largest_sigma_mm: Mapping[str, float]) -> list[str]:
    """Return the joints whose largest selected sigma, mm, lies far above the median joint's.

    >>> risky_joints({"neck": 10.0, "knee": 12.0, "wrist": 19.0})
    ['wrist']
    """
    if not largest_sigma_mm:
        return []
    limit = RISKY_CUT_RATIO * median(largest_sigma_mm.values())
    return [name for name, sigma in largest_sigma_mm.items() if sigma > limit]
