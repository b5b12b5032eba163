"""PCP, the percentage of correct parts, in the picture (D = 2) or in space (D = 3).

A part is a limb between two ends, each a joint or the middle of two. With alpha = 0.5 and L the part's true length:

- rule "strict": correct if *both* end errors are at most alpha L (Pishchulin et al., "Strong appearance and expressive
  spatial models", ICCV 2013, on what the literature calls strict PCP).
- rule "average": correct if the *mean* of both end errors is at most alpha L (Ferrari et al., CVPR 2008, as the
  protocol of Campus and Shelf has it: Belagiannis et al., CVPR 2014).

A part whose truth is known but which was not estimated counts as wrong. If it were left out, a method could raise its
score by estimating fewer parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import ConfigError, ShapeError
from poseharvest.evaluation.pairs import Floats, PosePairs
from poseharvest.evaluation.scores import MetricProtocol, Score
from poseharvest.skeleton.skeleton import Skeleton

PcpRule: TypeAlias = Literal["strict", "average"]


@dataclass(frozen=True)
class Part:
    """A part of the body.

    Attributes:
        name: name for tables; parts of the same name, such as the two upper arms, share a row.
        start: joints whose mean is one end.
        end: joints whose mean is the other.
    """

    name: str
    start: tuple[str, ...]
    end: tuple[str, ...]


def _sides(name: str, start: str, end: str) -> tuple[Part, Part]:
    left, right = (Part(name, (f"{side}_{start}",), (f"{side}_{end}",)) for side in ("left", "right"))
    return left, right


LIMB_PARTS: tuple[Part, ...] = (
    *_sides("upper arms", "shoulder", "elbow"),
    *_sides("lower arms", "elbow", "wrist"),
    *_sides("upper legs", "hip", "knee"),
    *_sides("lower legs", "knee", "ankle"),
)
"""The eight limbs of KTH Multiview Football II."""

SHELF_PARTS: tuple[Part, ...] = (
    Part("head", ("upper_neck",), ("head_top",)),
    Part("torso", ("left_hip", "right_hip"), ("upper_neck",)),
    *LIMB_PARTS,
)
"""The ten parts of Campus and Shelf; the torso reaches from the middle of the hips to the bottom of the head."""


def parts_of(skeleton: Skeleton) -> tuple[Part, ...]:
    """Return a skeleton's limbs as parts."""
    return tuple(Part(limb.name, (limb.parent,), (limb.child,)) for limb in skeleton.limbs)


@dataclass(frozen=True)
class PcpOptions:
    """The rule by which a part counts as correct.

    Attributes:
        alpha: largest error as a share of the part's true length.
        rule: "strict" (both ends) or "average" (their mean).

    Raises:
        ConfigError: alpha is not positive, or there is no such rule.
    """

    alpha: float = 0.5
    rule: PcpRule = "strict"

    def __post_init__(self) -> None:
        if not self.alpha > 0:
            raise ConfigError(f"PCP alpha: expected a positive number, got {self.alpha}")
        if self.rule not in get_args(PcpRule):
            raise ConfigError(f'PCP rule: expected one of {", ".join(get_args(PcpRule))}, got "{self.rule}"')


_DEFAULT = PcpOptions()


def correct_parts(pairs: PosePairs, parts: Sequence[Part], options: PcpOptions = _DEFAULT) -> Floats:
    """Return (F, P): 1 where a part is correct, 0 where it is wrong or missing, NaN where its truth is not known."""
    columns = []
    for part in parts:
        (start, true_start), (end, true_end) = (_end(pairs, joints) for joints in (part.start, part.end))
        length = np.linalg.norm(true_start - true_end, axis=-1)
        errors = np.stack((np.linalg.norm(start - true_start, axis=-1), np.linalg.norm(end - true_end, axis=-1)))
        error = errors.max(0) if options.rule == "strict" else errors.mean(0)
        correct = np.where(np.isfinite(error), error, np.inf) <= options.alpha * length
        columns.append(np.where(np.isfinite(length), correct, np.nan))
    return np.stack(columns, 1)


def pcp(pairs: PosePairs, parts: Sequence[Part], options: PcpOptions = _DEFAULT) -> Score:
    """Return the percentage of correct parts over all parts and poses."""
    return _score(correct_parts(pairs, parts, options), pairs, options)


def pcp_by_part(pairs: PosePairs, parts: Sequence[Part], options: PcpOptions = _DEFAULT) -> dict[str, Score]:
    """Return the percentage for every name among the parts, in order."""
    correct = correct_parts(pairs, parts, options)
    names = np.array([part.name for part in parts])
    return {name: _score(correct[:, names == name], pairs, options) for name in dict.fromkeys(names.tolist())}


def pcp_by(pairs: PosePairs, label: str, parts: Sequence[Part], options: PcpOptions = _DEFAULT) -> dict[str, Score]:
    """Return the percentage for every value of a label, for example for every actor.

    Raises:
        ConfigError: the poses have no such label.
    """
    correct = correct_parts(pairs, parts, options)
    return {value: _score(correct[poses], pairs, options) for value, poses in pairs.by(label)}


def nearest_estimates(truth: Floats, estimates: Floats) -> NDArray[np.int64]:
    """Return for each of P true people the number of the estimate that Campus and Shelf compare them with.

    It is the estimate with the smallest mean joint distance. One estimate may be compared with two people, and
    superfluous estimates cost nothing: that is the protocol, not our choice.

    Args:
        truth: (P, J, 3) mm; joints that are NaN are left out of the mean.
        estimates: (Q, J, 3) mm; a joint that is NaN makes the estimate unfit for a person whose joint is known.

    Returns:
        (P,) numbers from 0 to Q - 1; -1 where no estimate is fit.
    """
    if truth.ndim != 3 or estimates.ndim != 3 or truth.shape[1:] != estimates.shape[1:]:
        raise ShapeError(f"people: expected shapes (P, J, 3) and (Q, J, 3), got {truth.shape} and {estimates.shape}")
    if len(estimates) == 0:
        return np.full(len(truth), -1)
    distance = np.linalg.norm(truth[:, None] - estimates[None], axis=-1)  # (P, Q, J)
    known = np.asarray(np.isfinite(truth).all(-1))[:, None]
    distance = np.where(known, np.where(np.isfinite(distance), distance, np.inf), 0.0)
    mean = distance.sum(-1) / np.maximum(known.sum(-1), 1)
    best = mean.argmin(1)
    return np.where(np.isfinite(mean[np.arange(len(truth)), best]), best, -1)


def _end(pairs: PosePairs, joints: tuple[str, ...]) -> tuple[Floats, Floats]:
    index = [pairs.index(joint) for joint in joints]
    return pairs.estimate[:, index].mean(1), pairs.truth[:, index].mean(1)


def _score(correct: Floats, pairs: PosePairs, options: PcpOptions) -> Score:
    judged = np.isfinite(correct)
    value = 100 * float(correct[judged].mean()) if judged.any() else float("nan")
    ends = "both ends" if options.rule == "strict" else "mean of both ends"
    protocol = MetricProtocol(
        metric=f"PCP {pairs.truth.shape[-1]}D",
        unit="%",
        num_joints=len(pairs.joints),
        num_frames=int(judged.any(1).sum()),
        num_values=int(judged.sum()),
        alignment="none",
        details=f"{options.rule} rule ({ends} within {options.alpha:g} of the part's length)",
    )
    return Score(value, protocol)
