"""Whether the measured limbs can be a person's body, compared with the proportions of people."""

from __future__ import annotations

from collections.abc import Mapping

from poseharvest.calibration.rig_audit import check_scale_of_limbs
from poseharvest.findings import Finding
from poseharvest.harvesting.subject import Subject, by_name
from poseharvest.skeleton.proportions import (
    MAX_STATURE_MM,
    MIN_STATURE_MM,
    BodyFit,
    Misfit,
    fit_body,
    is_long,
    is_person,
)
from poseharvest.skeleton.skeleton import Limb, Skeleton
from poseharvest.units import LengthUnit

IMPOSSIBLE = 1.5
"""Factor beyond the longest or shortest usual length from which a limb cannot be a person's."""

MUCH_SMALLER = 0.78
"""Stature over that of the capture's tallest person, below which a person is reported as small."""

_LISTED = 4


def check_body(skeleton: Skeleton, subject: Subject, unit: LengthUnit | None = None) -> list[Finding]:
    """Return findings on the measured limbs: an error if they cannot be a person's, a warning if they are unusual.

    The proportions of animals are not known here: a skeleton with joints that no person has gives no findings.

    Args:
        skeleton: of the body.
        subject: the body.
        unit: the unit of length in which the calibration was read, for advice on another; None if it is not known.
    """
    if not is_person(skeleton):
        return []
    named = by_name(subject.lengths)
    long = {limb.name: named[limb.name] for limb in skeleton.limbs if is_long(limb)}  # a face has many short ones
    scale = check_scale_of_limbs(long or named, unit)
    if scale is not None:
        return [scale]
    fit = fit_subject(subject)
    return [] if fit is None else [*_stature_findings(fit), *_limb_findings(fit)]


def fit_subject(subject: Subject) -> BodyFit | None:
    """Return how well the measured limbs fit a person, without guessed limbs; None if too few were measured."""
    lengths = {Limb(*limb): length for limb, length in subject.lengths.mm.items()}
    return fit_body({limb: length for limb, length in lengths.items() if limb.name not in subject.guessed})


def check_statures(stature_mm: Mapping[int, float]) -> list[Finding]:
    """Return a warning for each person who is much smaller than the tallest person of a capture.

    Args:
        stature_mm: stature by number of the person, estimated from the limbs.
    """
    tallest = max(stature_mm.values(), default=0.0)
    return [
        Finding(
            "warning",
            f"person {person}",
            f"the limbs of person {person} are those of a person of {stature / 1000:.2f} m, beside a person of "
            f"{tallest / 1000:.2f} m: a child, or a figure that is not really there (a picture, a mirror image, "
            "keypoints of different people taken for one); look at the overlays",
        )
        for person, stature in stature_mm.items()
        if stature < MUCH_SMALLER * tallest
    ]


def _stature_findings(fit: BodyFit) -> list[Finding]:
    if MIN_STATURE_MM <= fit.stature_mm <= MAX_STATURE_MM:
        return []
    message = (
        f"the limbs are those of a person of {fit.stature_mm / 1000:.2f} m, expected {MIN_STATURE_MM / 1000:.2f} to "
        f"{MAX_STATURE_MM / 1000:.2f} m: is the calibration in another unit (--unit), or its board's size wrong?"
    )
    return [Finding("error", "body", message)]


def _limb_findings(fit: BodyFit) -> list[Finding]:
    """Return an error with the limbs that are impossible, or else a warning with those that are unusual.

    Points of face, hands and feet are never an error: some detectors put them onto wrists and ankles, although the
    rest of the body is right.
    """
    impossible = [misfit for misfit in fit.misfits if misfit.factor >= IMPOSSIBLE and misfit.is_of_the_frame]
    if impossible:
        what = "the body cannot be a person's: relative to the other limbs (of a person of "
        remedy = (
            "are joints mixed up (layout=, the order of the rows), other people's joints used, or parts never in the "
            "picture? Correct it, or give the limb lengths (--limb-lengths), or --ignore-audit"
        )
        return [Finding("error", "body", f"{what}{fit.stature_mm / 1000:.2f} m) {_format_limbs(impossible)}: {remedy}")]
    if fit.misfits:
        what = "the body has odd proportions: for a person of "
        return [Finding("warning", "body", f"{what}{fit.stature_mm / 1000:.2f} m {_format_limbs(list(fit.misfits))}")]
    return []


def _format_limbs(misfits: list[Misfit]) -> str:
    parts = [
        f"{misfit.limb} is {misfit.factor:.1f} times too {'long' if misfit.is_long else 'short'} "
        f"({misfit.length_mm:.0f} mm, expected {misfit.least_mm:.0f} to {misfit.most_mm:.0f})"
        for misfit in misfits[:_LISTED]
    ]
    more = len(misfits) - _LISTED
    return ", ".join(parts) + (f" and {more} more" if more > 0 else "")
