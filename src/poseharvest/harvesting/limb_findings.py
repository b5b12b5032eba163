"""What a person should know of somebody's limb lengths: one line for each kind of doubt, not one for each limb."""

from __future__ import annotations

from poseharvest.findings import Finding
from poseharvest.harvesting.subject import Subject, by_name
from poseharvest.pictorial.limb_estimation import MAX_CORRECTION_MM

_TOPIC = "limb lengths"
_REMEDY = "give the limb lengths if you know them (--limb-lengths FILE, with one person)"


def limb_findings(subject: Subject, who: str) -> list[Finding]:
    """Return which limbs were guessed, rest on little, or contradict what the views show.

    Args:
        subject: the body.
        who: whose it is, such as "person 1".
    """
    named = by_name(subject.lengths)
    found = []
    if subject.guessed:
        found.append(
            Finding(
                "warning",
                _TOPIC,
                f"{who}: {_count(subject.guessed)} never seen whole, so that the length is a guess by the other limbs "
                f"and the usual proportions: {_listed(subject.guessed, named)}; {_REMEDY}",
            )
        )
    if subject.few:
        found.append(
            Finding(
                "warning",
                _TOPIC,
                f"{who}: {_count(subject.few)} seen whole less than three times, so that the length rests on the usual "
                f"proportions of people too: {_listed(subject.few, named)}; take more frames, or {_REMEDY}",
            )
        )
    if subject.at_limit:
        found.append(
            Finding(
                "note",
                _TOPIC,
                f"{who}: {_count(subject.at_limit)} shorter in the poses than measured, even with the most that "
                f"a length may get in addition ({MAX_CORRECTION_MM:.0f} mm): {_listed(subject.at_limit, named)}; look "
                "at them in the report: the views disagree there, or the voxels are too coarse (--resolution)",
            )
        )
    return found


def _count(limbs: tuple[str, ...]) -> str:
    return "1 limb is" if len(limbs) == 1 else f"{len(limbs)} limbs are"


def _listed(limbs: tuple[str, ...], lengths: dict[str, float]) -> str:
    return ", ".join(f"{limb} {lengths[limb]:.0f} mm" for limb in limbs)
