"""Findings about bodies: limbs of unusual lengths, joints that no camera sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poseharvest.diagnosis.limbs import LimbSummary
from poseharvest.diagnosis.spread import plain_name
from poseharvest.findings import Finding

UNSEEN_WARNING = 0.02
"""A finding names a joint if no camera sees it in more than this share of the moments."""


def about_limbs(limbs: Sequence[LimbSummary], person: int | None) -> list[Finding]:
    """Return a finding that names the limbs with unusual lengths.

    Args:
        limbs: the limbs of one person.
        person: the number of the person; None if there is only one.
    """
    flagged = [limb for limb in limbs if limb.flags]
    if not flagged:
        return []
    whose = "" if person is None else f"person {person}: "
    names = ", ".join(f"{plain_name(limb.limb.name)} ({'; '.join(limb.flags)})" for limb in flagged)
    return [
        Finding(
            "warning",
            "limb lengths",
            f"{whose}{names}: expected each limb to keep its length, alike on both sides: look at these joints in the "
            "report's pictures, or give measured lengths with --limb-lengths",
        )
    ]


def about_unseen_joints(num_unseen: Mapping[str, int], num: int) -> list[Finding]:
    """Return a finding that names the joints that no camera sees.

    Args:
        num_unseen: by joint name, the number of moments in which no camera sees it.
        num: number of all moments.
    """
    unseen = {name: count for name, count in num_unseen.items() if count > UNSEEN_WARNING * num}
    if not unseen:
        return []
    names = ", ".join(f"{plain_name(name)} ({count} of {num})" for name, count in unseen.items())
    return [
        Finding(
            "warning",
            "joints out of sight",
            f"seen by no camera: {names}: they are never selected; show these joints to two cameras or more",
        )
    ]
