"""A harvest against true positions: its error, the effect of its selection, and the quality of its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import covariances, matrix
from poseharvest.annotations.schema import COVARIANCE_ENTRIES
from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.bootstrap import blocks
from poseharvest.evaluation.check import Check
from poseharvest.evaluation.matching import Matched, common_joints, convert_tracks, match_people, restrict_joints
from poseharvest.evaluation.mpjpe import joint_errors, mpjpe, mpjpe_by
from poseharvest.evaluation.pairs import Bools, Floats, PosePairs
from poseharvest.evaluation.pck import pck_3d, pck_3d_area
from poseharvest.evaluation.recalibrate import fit_recalibration
from poseharvest.evaluation.scores import Score
from poseharvest.evaluation.tracks import PoseTracks, harvest_tracks
from poseharvest.evaluation.uncertainty import (
    ELLIPSOID_LEVELS,
    ellipsoid_coverage,
    expected_calibration_error,
    rank_correlation,
    rank_correlation_by_joint,
    risk_coverage,
    squared_mahalanobis,
)
from poseharvest.selection.recalibration import Recalibration

_BLOCK_SECONDS = 2.0
_ERROR = (
    "Mean distance of the joints that some camera sees from their true positions. The alignment says which error is "
    "removed before: with none nothing, with centroid (the paper's) the place, with procrustes place and rotation. The "
    "interval comes from resampling stretches of two seconds."
)
_SELECTION = (
    "The selected joints are those that count as reliable. Their error should be clearly below that of all "
    "joints; otherwise the selection only throws annotations away."
)
_RANKING = (
    "Whether det(cov) is large where the error is large: 1 is the perfect order, 0 no relation at all. Within a joint "
    "it shows whether good frames are separated from bad ones. AURC is the mean error over all shares that could be "
    "kept: it lies between that of the best possible order and that of no order."
)
_COVERAGE = (
    "Share of true positions within the ellipsoids that should hold that share. Below it, the uncertainty is too "
    "small, above it too large; `--recalibrate` writes a map that corrects it. Judge the map on other footage."
)

_CALIBRATED = (
    "The same for the posterior's covariances times the harvest's column `scale`, which comes from its recalibration. "
    "It shows whether the recalibration, fitted on other footage, holds on this footage."
)


@dataclass(frozen=True, eq=False)
class JudgedHarvest:
    """A harvest and the truth, on the joints that both have.

    Attributes:
        pairs: estimates and truth; the label "sequence" names stretches of two seconds of a person.
        covariances: (F, J, 3, 3) of the posterior, mm^2.
        calibrated: (F, J, 3, 3) after the harvest's recalibration, mm^2; None if it has none.
        selected: (F, J) bool; a derived joint is selected if all joints that it is derived from are.
        left_out: joints of the truth that the harvest lacks.
        warnings: sentences on poses that were not judged, or not in the usual way.
    """

    pairs: PosePairs
    covariances: Floats
    calibrated: Floats | None
    selected: Bools
    left_out: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def error_vectors(self) -> Floats:
        """(F, J, 3) estimate minus truth, mm; NaN where not judged."""
        return np.asarray(self.pairs.estimate - self.pairs.truth)

    @property
    def det(self) -> Floats:
        """(F, J) determinants of the covariances, mm^6."""
        return np.asarray(np.linalg.det(self.covariances))


def judge(harvest: Harvest, truth: PoseTracks, *, approximate: bool = False) -> JudgedHarvest:
    """Return a harvest paired with the truth.

    Args:
        harvest: a harvest of one or several people.
        truth: true poses in the same world, with the capture's frame numbers.
        approximate: also judge joints that can only be derived approximately.

    Raises:
        SkeletonError: they have no joint in common.
        HarvestError: they have no frame in common.
    """
    conversion = common_joints(harvest.skeleton, truth.joints, approximate=approximate)
    joints = conversion.target.joints
    estimate = convert_tracks(harvest_tracks(harvest), conversion)
    match = match_people(estimate, restrict_joints(truth, joints))
    frames, persons = estimate.frames[match.first], estimate.persons[match.first]
    stretch = blocks(frames, max(1, round(_BLOCK_SECONDS * harvest.info.capture.frame_rate)))
    labels = {"sequence": [f"{person}/{block}" for person, block in zip(persons.tolist(), stretch, strict=True)]}
    known = restrict_joints(truth, joints).positions[match.second]
    cov, scale, selected = _covariances_and_selection(harvest)

    def matched(covariances: Floats) -> Floats:
        return np.asarray(conversion.covariances(torch.from_numpy(covariances))[match.first].numpy())

    return JudgedHarvest(
        pairs=PosePairs(estimate.positions[match.first], known, joints, labels),
        covariances=matched(cov),
        calibrated=None if harvest.info.recalibration is None else matched(cov * scale[..., None, None]),
        selected=np.asarray(conversion.supported(torch.from_numpy(selected))[match.first].numpy()),
        left_out=tuple(joint for joint in truth.joints if joint not in joints),
        warnings=_warnings(truth, match),
    )


def _warnings(truth: PoseTracks, match: Matched) -> tuple[str, ...]:
    """Return warnings on true poses without an estimate, and on people who were matched frame by frame."""
    warnings = []
    if match.by_moment:
        warnings.append(
            "WARNING: the persons' numbers do not follow them from frame to frame, so people are matched in each frame "
            "separately: identities are not judged."
        )
    frames, known = truth.frames[match.second], np.unique(truth.frames)
    num_poses, num_frames = len(truth.frames) - len(match.second), len(known) - len(np.unique(frames))
    if num_poses:
        warnings.append(
            f"WARNING: {num_poses} of {len(truth.frames)} true poses are not judged ({num_frames} of {len(known)} "
            "frames have none that is): the harvest has no person there, or a person with another number."
        )
    return tuple(warnings)


def recalibration_of(judged: JudgedHarvest, fitted_on: str) -> Recalibration:
    """Return the recalibration that makes the 90 % ellipsoids of this harvest hold their share.

    Raises:
        HarvestError: too few joints are judged.
    """
    return fit_recalibration(judged.error_vectors, judged.covariances, fitted_on=fitted_on)


def truth_checks(judged: JudgedHarvest) -> tuple[Check, ...]:
    """Return all checks of a harvest against the truth."""
    return (
        _error_check(judged),
        _joint_check(judged),
        _selection_check(judged),
        _ranking_check(judged),
        _coverage_check("honesty of the covariance", _COVERAGE, judged.error_vectors, judged.covariances),
        *_calibrated_check(judged),
    )


def _error_check(judged: JudgedHarvest) -> Check:
    pairs = judged.pairs
    several = len(set(pairs.labels["sequence"])) > 1
    scores: dict[str, Score] = {}
    for alignment in (Alignment("none"), Alignment("centroid"), Alignment("procrustes")):
        scores[f"mean, alignment {alignment}"] = mpjpe(pairs, alignment, sequence_label="sequence" if several else None)
    errors = joint_errors(pairs)
    whole = scores["mean, alignment none"].protocol
    scores["median, alignment none"] = Score(_median(errors), replace(whole, metric="median error"))
    scores["3D PCK"] = pck_3d(pairs)
    scores["3D PCK, area"] = pck_3d_area(pairs)
    sentence = " ".join((_ERROR, *judged.warnings))
    if judged.left_out:
        sentence += f" Not judged, since the harvest's skeleton lacks them: {', '.join(judged.left_out)}."
    return Check("error", sentence, scores)


def _joint_check(judged: JudgedHarvest) -> Check:
    return Check(
        "error by joint", "Mean distance from the truth, in the world as it is.", mpjpe_by(judged.pairs, "joint")
    )


def _selection_check(judged: JudgedHarvest) -> Check:
    pairs = judged.pairs
    selected = np.where(judged.selected[..., None], pairs.estimate, np.nan)
    scores = {
        "all joints": mpjpe(pairs),
        "selected joints": mpjpe(PosePairs(selected, pairs.truth, pairs.joints)),
    }
    return Check("selection", _SELECTION, scores)


def _ranking_check(judged: JudgedHarvest) -> Check:
    errors, det = joint_errors(judged.pairs), judged.det
    overall = rank_correlation(det, errors)
    scores = {"det(cov), all joints": overall}
    scores |= {
        f"det(cov), {name}": s for name, s in rank_correlation_by_joint(det, errors, judged.pairs.joints).items()
    }
    curves = {"det(cov)": det, "the best possible order": errors, "no order": np.zeros_like(errors)}
    protocol = replace(overall.protocol, metric="AURC", unit="mm")
    scores |= {f"AURC by {name}": Score(risk_coverage(doubt, errors).area, protocol) for name, doubt in curves.items()}
    return Check("ranking", _RANKING, scores)


def _calibrated_check(judged: JudgedHarvest) -> list[Check]:
    if judged.calibrated is None:
        return []
    name = "honesty of the recalibrated covariance"
    return [_coverage_check(name, _CALIBRATED, judged.error_vectors, judged.calibrated)]


def _coverage_check(name: str, sentence: str, errors: Floats, covariances: Floats) -> Check:
    squared = squared_mahalanobis(errors, covariances)
    scores = {
        f"within the {100 * level:g} % ellipsoid": ellipsoid_coverage(squared, level) for level in ELLIPSOID_LEVELS
    }
    scores["expected calibration error"] = expected_calibration_error(squared)
    return Check(name, sentence, scores)


def _covariances_and_selection(harvest: Harvest) -> tuple[Floats, Floats, Bools]:
    num_joints = len(harvest.skeleton)
    cov, scale = [np.zeros((0, num_joints, 3, 3))], [np.zeros((0, num_joints))]
    selected = [np.zeros((0, num_joints), bool)]
    for table in harvest.columns((*COVARIANCE_ENTRIES, "scale", "selected")):
        cov.append(covariances(table, num_joints))
        scale.append(matrix(table, "scale", num_joints))
        selected.append(matrix(table, "selected", num_joints))
    return np.concatenate(cov), np.concatenate(scale), np.concatenate(selected)


def _median(errors: Floats) -> float:
    known = errors[np.isfinite(errors)]
    return float(np.median(known)) if known.size else float("nan")
