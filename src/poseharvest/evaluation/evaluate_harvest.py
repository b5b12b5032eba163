"""How good a harvest is: all checks without ground truth, and those with the truth or another harvest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.evaluation.body_checks import limb_check, smoothness_check, symmetry_check
from poseharvest.evaluation.check import Check, Evaluation
from poseharvest.evaluation.left_out_views import left_out_check
from poseharvest.evaluation.matching import common_joints, convert_tracks, pair_tracks, restrict_joints
from poseharvest.evaluation.mpjpe import joint_errors, mpjpe, mpjpe_by
from poseharvest.evaluation.pcp_by_person import pcp_check
from poseharvest.evaluation.scores import Score
from poseharvest.evaluation.tracks import PoseTracks, harvest_tracks
from poseharvest.evaluation.with_truth import judge, truth_checks

_AGREEMENT = (
    "Distance between this harvest and the other one, in the world as it is. Two detectors that learned from the same "
    "pictures share their mistakes, so agreement is no proof; but where they disagree, at least one is wrong."
)


def evaluate(
    harvest: Harvest,
    *,
    truth: PoseTracks | None = None,
    against: Harvest | None = None,
    approximate: bool = False,
) -> Evaluation:
    """Return all checks of a harvest that its inputs allow.

    Args:
        harvest: the harvest to judge.
        truth: true positions, if they are known; `read_tracks(path)`.
        against: another harvest of the same capture.
        approximate: also judge joints that can only be derived approximately from the harvest's.

    Raises:
        SkeletonError: truth or the other harvest share no joint with this one.
        HarvestError: they share no frame.
    """
    checks: list[Check] = []
    if truth is not None:
        checks += truth_checks(judge(harvest, truth, approximate=approximate))
        by_person = pcp_check(harvest, truth)
        checks += [] if by_person is None else [by_person]
    checks += self_checks(harvest)
    if against is not None:
        checks.append(agreement_check(harvest, against))
    return Evaluation(str(harvest.path), tuple(checks))


def self_checks(harvest: Harvest) -> list[Check]:
    """Return the checks that need only the harvest; leave-one-out only if there are three views."""
    tracks, skeleton = harvest_tracks(harvest), harvest.skeleton
    smooth = None if harvest.info.motion is None else harvest_tracks(harvest, smooth=True)
    left_out = [left_out_check(harvest)] if len(harvest.view_names) >= 3 else []
    return [
        *left_out,
        limb_check(tracks, skeleton),
        symmetry_check(tracks, skeleton),
        smoothness_check(tracks, harvest.info.capture.frame_rate, smooth),
    ]


def agreement_check(harvest: Harvest, other: Harvest) -> Check:
    """Return the distances of every joint that both harvests have.

    Raises:
        SkeletonError: they have no joint in common.
        HarvestError: they have no frame in common.
    """
    conversion = common_joints(harvest.skeleton, other.skeleton.joints)
    theirs = restrict_joints(harvest_tracks(other), conversion.target.joints)
    pairs = pair_tracks(convert_tracks(harvest_tracks(harvest), conversion), theirs)
    errors = joint_errors(pairs)
    known = errors[np.isfinite(errors)]
    overall = mpjpe(pairs)
    median = replace(overall.protocol, metric="median distance")
    scores = {
        **mpjpe_by(pairs, "joint"),
        "all joints": overall,
        "all joints, median": Score(float(np.median(known)) if known.size else float("nan"), median),
    }
    return Check(f"agreement with {other.path.name}", _AGREEMENT, scores)
