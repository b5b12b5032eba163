"""What the user should know about a person's limb lengths: one finding for each kind of doubt, not for each limb."""

from __future__ import annotations

from poseharvest.findings import Finding
from poseharvest.harvesting.subject import SAME_BODY, Subject, by_name
from poseharvest.pictorial.limb_estimation import MAX_CORRECTION_MM

_TOPIC = "limb lengths"
_NOT_TRUSTED = (
    "views that are left out lie much farther from what the others predict than their errors explain, so poses are "
    "means of the grid (as with --estimate grid) and sigma is not calibrated: look at the report; the calibration, the "
    "timing or the windows around the person may be wrong, or take more frames"
)
_NOT_CALIBRATED = (
    "sigma is not calibrated: too few joints are seen by three views, so that no view can be predicted by others; it "
    "rests on usual errors of detectors; add a camera, or give a map from footage with known truth (--recalibration)"
)
_REMEDY = "give the limb lengths if you know them (--limb-lengths FILE, with one person)"


def limb_findings(subject: Subject, who: str) -> list[Finding]:
    """Return findings on limbs that were guessed, were seen in few frames, or contradict the views, and on sigma.

    Args:
        subject: the body.
        who: whose it is, such as "person 1".
    """
    named = by_name(subject.lengths)
    findings = []
    if abs(subject.longer_than_given) > SAME_BODY:
        findings.append(Finding("warning", _TOPIC, f"{who}: {_contradiction(subject.longer_than_given)}"))
    if subject.guessed:
        findings.append(
            Finding(
                "warning",
                _TOPIC,
                f"{who}: {_count(subject.guessed)} never seen whole, so that the length is a guess by the other limbs "
                f"and the usual proportions: {_format_limbs(subject.guessed, named)}; {_REMEDY}",
            )
        )
    if subject.few:
        findings.append(
            Finding(
                "warning",
                _TOPIC,
                f"{who}: {_count(subject.few)} seen whole less than three times, so that the length rests on the usual "
                f"proportions of people too: {_format_limbs(subject.few, named)}; take more frames, or {_REMEDY}",
            )
        )
    if subject.refinement is not None and not subject.refinement.is_trusted:
        findings.append(Finding("warning", "sigma", f"{who}: {_NOT_TRUSTED}"))
    elif subject.refinement is not None and not subject.refinement.is_calibrated:
        findings.append(Finding("warning", "sigma", f"{who}: {_NOT_CALIBRATED}"))
    if subject.at_limit:
        findings.append(
            Finding(
                "note",
                _TOPIC,
                f"{who}: {_count(subject.at_limit)} shorter in the poses than measured, even with the largest "
                f"correction ({MAX_CORRECTION_MM:.0f} mm): {_format_limbs(subject.at_limit, named)}; look "
                "at them in the report: the views disagree there, or the voxels are too coarse (--resolution)",
            )
        )
    return findings


def _contradiction(longer: float) -> str:
    return (
        f"the limbs are {abs(longer):.0%} {'longer' if longer > 0 else 'shorter'} in the footage than the lengths that "
        "were given: are they another person's, or is the calibration in another unit? Poses are fitted to the given "
        "lengths; without --limb-lengths they are measured"
    )


def _count(limbs: tuple[str, ...]) -> str:
    return "1 limb is" if len(limbs) == 1 else f"{len(limbs)} limbs are"


def _format_limbs(limbs: tuple[str, ...], lengths: dict[str, float]) -> str:
    return ", ".join(f"{limb} {lengths[limb]:.0f} mm" for limb in limbs)
