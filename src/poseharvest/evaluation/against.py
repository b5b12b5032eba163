"""Agreement of a harvest with another one of the same capture, made with another detector say, or with the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.evaluation.check import Check
from poseharvest.evaluation.matching import common_joints, converted, paired, restricted
from poseharvest.evaluation.mpjpe import joint_errors, mpjpe, mpjpe_by
from poseharvest.evaluation.scores import Score
from poseharvest.evaluation.tracks import harvest_tracks

_SENTENCE = (
    "Distance between this harvest and the other one, in the world as it is. Two detectors that learned from the same "
    "pictures share their mistakes, so agreement is no proof; but where they disagree, at least one is wrong."
)


def agreement_check(harvest: Harvest, other: Harvest) -> Check:
    """Return the distances of every joint that both harvests have.

    Raises:
        SkeletonError: they have no joint in common.
        HarvestError: they have no frame in common.
    """
    conversion = common_joints(harvest.skeleton, other.skeleton.joints)
    theirs = restricted(harvest_tracks(other), conversion.target.joints)
    pairs = paired(converted(harvest_tracks(harvest), conversion), theirs)
    errors = joint_errors(pairs)
    known = errors[np.isfinite(errors)]
    overall = mpjpe(pairs)
    median = replace(overall.protocol, metric="median distance")
    scores = {
        **mpjpe_by(pairs, "joint"),
        "all joints": overall,
        "all joints, median": Score(float(np.median(known)) if known.size else float("nan"), median),
    }
    return Check(f"agreement with {other.path.name}", _SENTENCE, scores)
