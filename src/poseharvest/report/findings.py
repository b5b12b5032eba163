"""What the report itself notices in the numbers, in plain words, beside what the harvest recorded."""

from __future__ import annotations

from poseharvest.findings import Finding, worst_first
from poseharvest.report.agreement import DISAGREE_MM, ViewSummary
from poseharvest.report.collect import ReportContent
from poseharvest.report.spread import plain_name
from poseharvest.report.wording import percent

DISAGREE_WARNING = 0.25
"""A view gets a warning if this share of its peaks disagrees with the pose."""

ABSENT_WARNING = 0.02
"""A view gets a warning if it is absent in this share of the moments; a joint, if no camera sees it that often."""


def all_findings(content: ReportContent) -> tuple[Finding, ...]:
    """Return the harvest's own findings and the report's, worst first."""
    found = [*content.info.findings]
    for view in content.views:
        found += _about_view(view)
    found += _about_limbs(content)
    found += _about_joints(content)
    return worst_first(found)


def _about_view(view: ViewSummary) -> list[Finding]:
    found = []
    if view.disagree_share > DISAGREE_WARNING:
        found.append(
            _warning(
                f"camera {view.name}",
                f"{percent(view.disagree_share)} of its heatmap peaks lie more than {DISAGREE_MM:.0f} mm from the pose "
                "that the cameras agreed on. Its calibration, its timing or its view of the subject deserves a look.",
            )
        )
    if view.num_absent > ABSENT_WARNING * view.num:
        found.append(
            _warning(
                f"camera {view.name}",
                f"absent in {view.num_absent} of {view.num} moments, at most {view.longest_gap} in a row.",
            )
        )
    return found


def _about_limbs(content: ReportContent) -> list[Finding]:
    flagged = [limb for limb in content.limbs if limb.flags]
    if not flagged:
        return []
    names = ", ".join(f"{plain_name(limb.limb.name)} ({'; '.join(limb.flags)})" for limb in flagged)
    return [_warning("limb lengths", f"{names}.")]


def _about_joints(content: ReportContent) -> list[Finding]:
    found = []
    unseen = [j for j in content.joints.joints if j.num_unseen > ABSENT_WARNING * j.num]
    if unseen:
        names = ", ".join(f"{plain_name(j.name)} ({j.num_unseen} of {j.num})" for j in unseen)
        found.append(_warning("joints out of sight", f"seen by no camera: {names}. They are never selected."))
    risky = [plain_name(j.name) for j in content.joints.joints if content.joints.is_risky(j)]
    if risky and content.info.selection.limit is None:
        found.append(
            Finding(
                severity="note",
                topic="selection",
                message=f"the cut of {', '.join(risky)} lies far above that of the other joints: the same share is "
                "kept of every joint, so the kept annotations of these are less certain.",
            )
        )
    return found


def _warning(topic: str, message: str) -> Finding:
    return Finding(severity="warning", topic=topic, message=message)
