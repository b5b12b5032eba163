"""What a harvest says of hands: what was learned of them, in how many frames they were seen, and what is odd."""

from __future__ import annotations

from dataclasses import replace

from poseharvest.annotations.info import HandsInfo, HarvestRun
from poseharvest.findings import Finding
from poseharvest.harvesting.hand_sightings import HandTally
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.limb_findings import limb_findings
from poseharvest.harvesting.subject import Subject, by_name
from poseharvest.skeleton.hands import HAND21, HAND_JOINTS, of_side
from poseharvest.skeleton.human import SIDES

_TOPIC = "hands"
_SELDOM = 0.5  # share of the frames below which a hand is seldom seen
_NAMED_FROM = 0.01  # share of hands in pictures from which exchanges are named


def with_hands_described(run: HarvestRun, job: Job, hands: Subject | None, tally: HandTally) -> HarvestRun:
    """Return the record of a run with its hands.

    Args:
        run: of the body.
        job: the harvest.
        hands: what was learned of the hands, if anything was.
        tally: what was seen of them.
    """
    info = HandsInfo(
        joints=HAND_JOINTS,
        learned=hands is not None,
        frames=tally.records,
        frames_seen=dict(zip(SIDES, tally.seen, strict=True)),
        exchanged=tally.exchanged,
        elsewhere=tally.elsewhere,
        outside=tally.outside,
    )
    lengths = run.limb_lengths_mm
    if hands is not None:
        model = replace(job.learner, skeleton=HAND21).model(hands.shells)
        refinement = hands.refinement
        info = info.model_copy(
            update={
                "edge_mm": model.edge_mm,
                "shells_mm": by_name(hands.shells),
                "refinement": None if refinement is None else refinement.described(HAND21, job.capture.rig.names),
            }
        )
        lengths = lengths | lengths_of_hands(hands)
    findings = (*run.findings, *hand_findings(hands, tally, len(job.capture.rig)))
    return run.model_copy(update={"hands": info, "limb_lengths_mm": lengths, "findings": findings})


def lengths_of_hands(hands: Subject) -> dict[str, float]:
    """Return the lengths of the limbs of both hands in mm, by "parent-child" of the person's skeleton."""
    return {
        f"{of_side(parent, side)}-{of_side(child, side)}": mm
        for side in SIDES
        for (parent, child), mm in hands.lengths.mm.items()
    }


def hand_findings(hands: Subject | None, tally: HandTally, num_views: int) -> list[Finding]:
    """Return what a person should know of the hands.

    Args:
        hands: what was learned of them, if anything was.
        tally: what was seen of them.
        num_views: cameras.
    """
    if hands is None:
        message = (
            "too little is seen of hands in the frames from which the person is learned: no joint of a hand has a "
            "position. Each finger must be found by two views in three of these frames"
        )
        return [Finding("warning", _TOPIC, message)]
    findings: list[Finding | None] = list(limb_findings(hands, "the hands"))
    findings += [_seldom_seen(side, seen, tally.records) for side, seen in zip(SIDES, tally.seen, strict=True)]
    shown = sum(tally.seen) * num_views
    if tally.exchanged > _NAMED_FROM * shown:
        message = (
            f"{tally.exchanged} hands were called left in a picture where they start at the right wrist, or the other "
            "way round: each was taken for the hand of the wrist at which it starts"
        )
        findings.append(Finding("note", _TOPIC, message))
    if tally.outside:
        message = (
            f"{tally.outside} keypoints of hands lie outside the cube around their hand, and were not used: they are "
            "wrong, or the calibration is"
        )
        findings.append(Finding("warning" if tally.outside > _NAMED_FROM * 20 * shown else "note", _TOPIC, message))
    if tally.elsewhere:
        message = (
            f"in {tally.elsewhere} pictures no hand starts near a wrist of the person: these are taken for hands of "
            "other people"
        )
        findings.append(Finding("note", _TOPIC, message))
    return [one for one in findings if one is not None]


def _seldom_seen(side: str, seen: int, records: int) -> Finding | None:
    if seen > _SELDOM * records:
        return None
    frames = "no frame" if seen == 0 else f"{seen} of {records} frames"
    message = f"the {side} hand is seen by two views in {frames}: elsewhere its joints have no position"
    return Finding("warning", _TOPIC, message)
