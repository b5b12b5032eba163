"""How good a harvest is: without ground truth by what a rig and a body cannot do, with it by the error itself."""

from __future__ import annotations

from poseharvest.annotations.reader import Harvest
from poseharvest.evaluation.against import agreement_check
from poseharvest.evaluation.body_checks import limb_check, smoothness_check, symmetry_check
from poseharvest.evaluation.check import Check, Evaluation
from poseharvest.evaluation.left_out_views import left_out_check
from poseharvest.evaluation.pcp_by_person import pcp_check
from poseharvest.evaluation.tracks import PoseTracks, harvest_tracks
from poseharvest.evaluation.with_truth import judge, truth_checks


def evaluate(
    harvest: Harvest,
    *,
    truth: PoseTracks | None = None,
    against: Harvest | None = None,
    approximate: bool = False,
) -> Evaluation:
    """Return what can be said of a harvest.

    Args:
        harvest: to judge.
        truth: true positions, if somebody has them; `read_tracks(path)`.
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
    """Return the checks that need nothing but the harvest; leave-one-out only where there are three views."""
    tracks, skeleton = harvest_tracks(harvest), harvest.skeleton
    left_out = [left_out_check(harvest)] if len(harvest.view_names) >= 3 else []
    return [
        *left_out,
        limb_check(tracks, skeleton),
        symmetry_check(tracks, skeleton),
        smoothness_check(tracks, harvest.info.capture.frame_rate),
    ]
