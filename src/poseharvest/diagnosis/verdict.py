"""The verdict on a harvest in one line: good, to be looked at, or wrong, and why.

It is derived from `harvest.json` and from the spread of sigma whenever it is shown, and stored nowhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from poseharvest.annotations.info import HarvestInfo
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import matrix
from poseharvest.diagnosis.histogram import LogHistogram
from poseharvest.diagnosis.spread import Spread, spreads
from poseharvest.diagnosis.wording import number, percent
from poseharvest.findings import NOBODY_FOUND, CameraFault, Finding, worst_first

Level = Literal["good", "look", "wrong"]

MAX_SIGMA_MM = 50.0
"""A harvest is to be looked at if more than one joint position in ten has a larger sigma, mm."""

MAX_LOST_SHARE = 0.1
"""A harvest of one person is to be looked at if the person is missing in more than this share of the frames."""

_OPENINGS: dict[Level, str] = {"good": "Good", "look": "Look first", "wrong": "Wrong"}
_LEVELS: tuple[Level, ...] = ("wrong", "look", "good")
_SHOWN_REASONS = 3
_SHORTEST_REASON, _LONGEST_REASON = 8, 150
_ASIDES = (" (expected", ": expected", "; ", ": look", ": is ", ": are ", ": was ", ": does ")
_LIMB_TOPICS = ("limb lengths", "body")
_CAMERA_TOPICS = ("camera ", "person", "sigma")
_INPUT_TOPICS = ("calibration", "footage", "timing", "boxes", "device", "keypoints", "keypoint files")
"""Warnings about the input. Where three cameras agree about the poses, these did no harm."""

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True)
class Reason:
    """One thing that the verdict rests on.

    Attributes:
        level: what it alone would make of the harvest.
        text: what it is, in words; no full stop at the end.
    """

    level: Level
    text: str


@dataclass(frozen=True)
class Verdict:
    """What a person should think of a harvest.

    Attributes:
        level: "good": use it; "look": a person should look at something first; "wrong": the poses are wrong.
        sentence: the verdict and its main reasons, in one line.
        reasons: all that it rests on, worst first.
    """

    level: Level
    sentence: str
    reasons: tuple[Reason, ...]


def verdict_of(harvest: Harvest) -> Verdict:
    """Return the verdict on a harvest folder; its columns are streamed.

    Raises:
        StoreError: the harvest is damaged.
    """
    num_joints = len(harvest.info.skeleton.joints)
    histogram = LogHistogram(num_joints)
    for table in harvest.columns(["sigma", "supported"]):
        columns = (matrix(table, name, num_joints) for name in ("sigma", "supported"))
        for sigma, supported in zip(*columns, strict=True):
            histogram.add(sigma, supported)
    return verdict_on(harvest.info, spreads(histogram.pooled())[0])


def verdict_on(info: HarvestInfo, sigma_mm: Spread) -> Verdict:
    """Return the verdict on a harvest.

    Args:
        info: the content of `harvest.json`.
        sigma_mm: spread of sigma over all joints that two views show, recalibrated if the harvest is.
    """
    doubtful = _doubtful(info, worst_first(info.findings))
    agreement = _agreement(info, doubtful)
    counted = [one for one in doubtful if not (agreement and one.severity == "warning" and one.topic in _INPUT_TOPICS)]
    reasons = [
        *map(_about_fault, info.camera_faults),
        *map(_about_finding, counted),
        _uncertainty(info, sigma_mm),
        *(agreement or _too_few_cameras(info)),
        _frames(info),
        *_limbs(info, doubtful),
    ]
    ordered = tuple(sorted(reasons, key=lambda reason: _LEVELS.index(reason.level)))
    level = ordered[0].level
    aside = len(doubtful) - len(counted)
    return Verdict(level, _sentence(level, [one.text for one in ordered if one.level == level], aside), ordered)


def _sentence(level: Level, texts: list[str], num_aside: int) -> str:
    """Return the verdict in one line: all that is good, or the first things that are not."""
    shown = texts if level == "good" else texts[:_SHOWN_REASONS]
    rest = [f"and {len(texts) - len(shown)} more"] if len(texts) > len(shown) else []
    aside = f" ({num_aside} warning{'s' if num_aside > 1 else ''} below)" if num_aside and level == "good" else ""
    return f"{_OPENINGS[level]}: {'; '.join([*shown, *rest])}{aside}."


def _doubtful(info: HarvestInfo, findings: tuple[Finding, ...]) -> list[Finding]:
    """Return the errors and warnings but those that say again what is a reason of its own."""
    known = {fault.finding.message for fault in info.camera_faults}
    return [
        one
        for one in findings
        if one.severity != "note" and one.message not in known and not one.message.startswith(NOBODY_FOUND)
    ]


def _about_finding(finding: Finding) -> Reason:
    """Return an error in full, since it says what to do, and what a warning is about."""
    if finding.severity == "error":
        return Reason("wrong", " ".join(finding.message.split()).rstrip("."))
    return Reason("look", first_clause(finding.message))


def _about_fault(fault: CameraFault) -> Reason:
    names = " and ".join(fault.views)
    cameras = f"camera{'s' if len(fault.views) > 1 else ''} {names}: {fault.stretch}{fault.text}"
    if fault.is_left_out:
        return Reason("look", f"{cameras}; left out: the harvest is that of the other cameras")
    if fault.others_px:
        cameras += f"; put right, the others are still up to {fault.others_px:.0f} px off: no single camera explains it"
    return Reason("look" if fault.spoils_nothing else "wrong", cameras)


def _uncertainty(info: HarvestInfo, sigma_mm: Spread) -> Reason:
    if not sigma_mm.num:
        return Reason("wrong", "no two cameras show any joint, so every position is a guess")
    size = (
        f"{len(info.skeleton.joints)} joints with a sigma of {number(sigma_mm.median, 0)} mm (median), nine of ten "
        f"positions at most {number(sigma_mm.q90, 0)} mm"
    )
    doubt = "" if _is_calibrated(info) else ", by a sigma that is not calibrated"
    is_wide = not math.isfinite(sigma_mm.q90) or sigma_mm.q90 > MAX_SIGMA_MM
    return Reason("look" if is_wide else "good", size + doubt)


def _is_calibrated(info: HarvestInfo) -> bool:
    """Return whether sigma in millimetres is more than an order of joints."""
    learned = [person.refinement for person in info.people] or [info.refinement]
    return info.recalibration is not None or all(one is not None and bool(one.get("calibrated")) for one in learned)


def _frames(info: HarvestInfo) -> Reason:
    present, wanted = info.counts.frames, num_frames_asked(info)
    if present >= wanted:
        return Reason("good", "nobody missing in any frame" if wanted > 1 else "somebody in the only frame")
    is_lost = info.counts.persons == 1 and wanted - present > MAX_LOST_SHARE * wanted
    share = percent((wanted - present) / wanted, 0 if wanted - present >= 0.01 * wanted else 1)
    return Reason("look" if is_lost else "good", f"nobody in {wanted - present} of {wanted} frames ({share})")


def num_frames_asked(info: HarvestInfo) -> int:
    """Return how many frames the harvest went through: those from `start` to `stop` of the footage."""
    start, stop = info.options.get("start"), info.options.get("stop")
    last = info.capture.num_frames if not isinstance(stop, int) else min(stop, info.capture.num_frames)
    return max(last - (start if isinstance(start, int) else 0), info.counts.frames)


def _agreement(info: HarvestInfo, doubtful: list[Finding]) -> list[Reason]:
    """Return that the cameras agree, where they can be compared and nothing speaks against it."""
    is_doubted = any(one.topic.startswith(_CAMERA_TOPICS) for one in doubtful)
    if len(info.views) < 3 or is_doubted or any(not fault.is_left_out for fault in info.camera_faults):
        return []
    which = "the other" if info.camera_faults else "all"
    return [Reason("good", f"{which} {_count(len(info.views))} cameras agree")] if info.diagnosed else []


def _too_few_cameras(info: HarvestInfo) -> list[Reason]:
    few = "two cameras only, so that neither can be checked by another"
    return [Reason("good", few)] if len(info.views) < 3 else []


def _limbs(info: HarvestInfo, doubtful: list[Finding]) -> list[Reason]:
    is_odd = any(one.topic in _LIMB_TOPICS for one in doubtful)
    return [] if is_odd or not info.diagnosed else [Reason("good", "limbs keep their lengths")]


def _count(value: int) -> str:
    return _COUNTS[value] if value < len(_COUNTS) else str(value)


def first_clause(message: str) -> str:
    """Return what a finding is about, without what was expected and what to do.

    >>> first_clause('camera "a": absent in 3 of 9 moments, at most 2 in a row; expected it in all: look whether')
    'camera "a": absent in 3 of 9 moments, at most 2 in a row'
    """
    text = " ".join(message.split())
    ends = [at for aside in _ASIDES if (at := text.find(aside)) > _SHORTEST_REASON]
    text = text[: min(ends, default=len(text))]
    if len(text) <= _LONGEST_REASON:
        return text.rstrip(".")
    return f"{text[:_LONGEST_REASON].rsplit(' ', 1)[0]} …"
