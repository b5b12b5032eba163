"""Conversion between skeletons by joint name, with joints that one lacks derived from those that it has.

A derived joint is a weighted mean of others, so one matrix converts points, and its square converts covariances. Few
derivations are exact; the others stand in for a joint that the source never labelled, and `Conversion.approximate`
names them so that a report can say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError, SkeletonError
from poseharvest.skeleton.skeleton import Skeleton


@dataclass(frozen=True)
class Derivation:
    """How to place a joint that a skeleton lacks.

    Attributes:
        weights: of the joints that it is the weighted mean of; they sum to 1.
        exact: True where the joint is defined as this mean, False where the mean only comes near it.
    """

    weights: dict[str, float]
    exact: bool = False


_HIPS = {"left_hip": 0.5, "right_hip": 0.5}
_SHOULDERS = {"left_shoulder": 0.5, "right_shoulder": 0.5}
_TOWARDS_EARS = {"left_ear": 1 / 3, "right_ear": 1 / 3, "left_shoulder": 1 / 6, "right_shoulder": 1 / 6}


def _halfway(a: dict[str, float], b: dict[str, float]) -> Derivation:
    return Derivation({joint: weight / 2 for joint, weight in (a | b).items()})


DERIVATIONS: dict[str, tuple[Derivation, ...]] = {
    "mid_hip": (Derivation(_HIPS, exact=True),),
    "neck": (Derivation(_SHOULDERS, exact=True),),
    "pelvis": (Derivation({"mid_hip": 1.0}), Derivation(_HIPS)),
    "thorax": (Derivation({"neck": 1.0}), Derivation(_SHOULDERS)),
    "spine": (
        _halfway({"pelvis": 1.0}, {"thorax": 1.0}),
        _halfway({"pelvis": 1.0}, _SHOULDERS),
        _halfway(_HIPS, {"thorax": 1.0}),
        _halfway(_HIPS, _SHOULDERS),
    ),
    "upper_neck": (Derivation({"neck_base": 1.0}), Derivation(_TOWARDS_EARS)),
    "neck_base": (Derivation({"upper_neck": 1.0}), Derivation(_TOWARDS_EARS), Derivation({"thorax": 1.0})),
}
"""For each joint that can be derived, the ways to do so, the best first; the first whose joints are all there is taken.

`mid_hip` and `neck` are OpenPose's, which defines them as these middles. MPII's annotators clicked its `pelvis` and
`thorax`, Human3.6M's come from markers: the middles are within some centimetres. Human3.6M's `spine` is halfway up
the torso. The paper's authors take Human3.6M's joint above the thorax (`neck_base`) for MPII's `upper_neck`, and so do
we; COCO knows neither, and a point two thirds of the way from the shoulders to the ears replaces both. `head_top` and
the face cannot be derived: no mean of other joints lies there.
"""


@dataclass(frozen=True)
class Conversion:
    """The map from poses on one skeleton to poses on another.

    Attributes:
        source: the skeleton that poses come on.
        target: the skeleton that they are wanted on.

    Raises:
        SkeletonError: joints of the target are neither in the source nor can be derived; the message lists them.
    """

    source: Skeleton
    target: Skeleton

    def __post_init__(self) -> None:
        missing = [joint for joint in self.target.joints if _derivation(joint, self.source) is None]
        if missing:
            raise SkeletonError(
                f'conversion from "{self.source.name}" to "{self.target.name}": '
                f'"{self.source.name}" lacks {", ".join(missing)} and what they could be derived from'
            )

    @cached_property
    def _derivations(self) -> tuple[Derivation, ...]:
        found = (_derivation(joint, self.source) for joint in self.target.joints)
        return tuple(derivation for derivation in found if derivation is not None)

    @cached_property
    def weights(self) -> Tensor:
        """(J_to, J_from) float64: every joint of the target as a weighted mean of the source's. Rows sum to 1."""
        rows = [[d.weights.get(joint, 0.0) for joint in self.source.joints] for d in self._derivations]
        return torch.tensor(rows, dtype=torch.float64)

    @cached_property
    def approximate(self) -> tuple[str, ...]:
        """The joints of the target that are only near where their name says."""
        pairs = zip(self.target.joints, self._derivations, strict=True)
        return tuple(joint for joint, derivation in pairs if not derivation.exact)

    def supported(self, supported: Tensor) -> Tensor:
        """Return (..., J_to) bool from (..., J_from) bool: a joint is supported if all that it derives from are."""
        self._check_joints("supported", supported, axis=-1)
        needed = (self.weights != 0).to(supported.device)
        return ~(needed & ~supported.unsqueeze(-2)).any(-1)

    def points(self, points: Tensor) -> Tensor:
        """Return points (..., J_to, D) from (..., J_from, D), D being 2 or 3.

        A joint with a coordinate that is not finite counts as unknown: all that derives from it is NaN.
        """
        self._check_joints("points", points, axis=-2)
        known = torch.isfinite(points).all(-1)
        filled = torch.where(known.unsqueeze(-1), points, torch.zeros_like(points))
        converted = self.weights.to(points) @ filled
        return torch.where(self.supported(known).unsqueeze(-1), converted, torch.nan)

    def covariances(self, cov: Tensor) -> Tensor:
        """Return the covariances (..., J_to, D, D) of the points that `points` gives, from (..., J_from, D, D).

        Exact for the linear map under one assumption: the errors of different joints are independent. Marginals carry
        no correlation between joints, so nothing better can be known. Where the errors of, say, both hips go the same
        way, the true covariance of their middle is up to twice what this gives.
        """
        self._check_joints("covariances", cov, axis=-3)
        known = torch.isfinite(cov).all(-1).all(-1)
        filled = torch.where(known[..., None, None], cov, torch.zeros_like(cov))
        converted = torch.einsum("ij,...jab->...iab", self.weights.to(cov).square(), filled)
        return torch.where(self.supported(known)[..., None, None], converted, torch.nan)

    def _check_joints(self, name: str, value: Tensor, *, axis: int) -> None:
        if value.ndim < -axis or value.shape[axis] != len(self.source):
            raise ShapeError(
                f'{name}: expected {len(self.source)} joints of "{self.source.name}" on axis {axis}, '
                f"got shape {tuple(value.shape)}"
            )
        if axis == -3:
            check_shape(f"{name} of a joint", value[..., 0, :, :].reshape(-1, *value.shape[-2:]), "N D D")


def _derivation(joint: str, source: Skeleton) -> Derivation | None:
    """Return how to make `joint` of the source's joints, or None."""
    if joint in source.joints:
        return Derivation({joint: 1.0}, exact=True)
    ways = DERIVATIONS.get(joint, ())
    return next((way for way in ways if set(way.weights) <= set(source.joints)), None)
