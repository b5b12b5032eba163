"""Conversion between skeletons by joint name; missing joints are derived from other joints.

A derived joint is a weighted mean of others. So one matrix converts points, and the matrix of its squared entries
converts covariances. Few derivations are exact; the others replace a joint that the source does not label.
`Conversion.approximate` names these joints for reports.
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
    """A rule to derive a joint that a skeleton lacks.

    Attributes:
        weights: by joint name, the weights of the mean; they sum to 1.
        exact: True if the joint is defined as this mean, False if the mean is an approximation.
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
"""The derivations of each joint, the best first. The first one whose joints all exist is used.

OpenPose defines `mid_hip` and `neck` as these middles. In MPII, annotators clicked `pelvis` and `thorax`; in Human3.6M
they come from markers. The middles are within some centimetres of both. The `spine` of Human3.6M is halfway up the
torso. The authors of the paper use the joint of Human3.6M above the thorax (`neck_base`) as the `upper_neck` of MPII,
and so do we. COCO has neither; a point at two thirds of the way from the shoulders to the ears replaces both.
`head_top` and the face cannot be derived, because no mean of other joints lies there.
"""


@dataclass(frozen=True)
class Conversion:
    """The map from poses on one skeleton to poses on another.

    Attributes:
        source: the skeleton of the given poses.
        target: the skeleton of the converted poses.

    Raises:
        SkeletonError: the source lacks joints of the target that cannot be derived; the message lists them.
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
        derivations = (_derivation(joint, self.source) for joint in self.target.joints)
        return tuple(derivation for derivation in derivations if derivation is not None)

    @cached_property
    def weights(self) -> Tensor:
        """(J_to, J_from) float64: every joint of the target as a weighted mean of the source's. Rows sum to 1."""
        rows = [[d.weights.get(joint, 0.0) for joint in self.source.joints] for d in self._derivations]
        return torch.tensor(rows, dtype=torch.float64)

    @cached_property
    def approximate(self) -> tuple[str, ...]:
        """The joints of the target whose derivation is an approximation."""
        pairs = zip(self.target.joints, self._derivations, strict=True)
        return tuple(joint for joint, derivation in pairs if not derivation.exact)

    def supported(self, supported: Tensor) -> Tensor:
        """Return (..., J_to) bool from (..., J_from) bool: True if all joints of the derivation are supported."""
        self._check_joints("supported", supported, axis=-1)
        needed = (self.weights != 0).to(supported.device)
        return ~(needed & ~supported.unsqueeze(-2)).any(-1)

    def points(self, points: Tensor) -> Tensor:
        """Return points (..., J_to, D) from (..., J_from, D), D being 2 or 3.

        A joint with a coordinate that is not finite counts as unknown. Joints derived from it are NaN.
        """
        self._check_joints("points", points, axis=-2)
        known = torch.isfinite(points).all(-1)
        filled = torch.where(known.unsqueeze(-1), points, torch.zeros_like(points))
        converted = self.weights.to(points) @ filled
        return torch.where(self.supported(known).unsqueeze(-1), converted, torch.nan)

    def covariances(self, cov: Tensor) -> Tensor:
        """Return the covariances (..., J_to, D, D) of the points that `points` gives, from (..., J_from, D, D).

        The result is exact if the errors of different joints are independent. Marginals contain no correlation between
        joints, so a better result is not possible. If the errors of both hips, for example, have the same direction,
        the true covariance of their middle is up to twice as large.
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
    """Return the derivation of `joint` from the joints of the source; None if there is none."""
    if joint in source.joints:
        return Derivation({joint: 1.0}, exact=True)
    ways = DERIVATIONS.get(joint, ())
    return next((way for way in ways if set(way.weights) <= set(source.joints)), None)
