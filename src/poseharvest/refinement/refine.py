"""Posteriors between the voxels: the fit where a joint has one place, else the moments of its marginal.

Where both disagree the mean lies between them (`Mixing`): the fit knows the limbs, the marginal the whole heatmaps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.refinement.observations import DetectorNoise, observe
from poseharvest.refinement.pose_fit import Agreement, PoseFit, fit_poses, is_held, of_undecided_peaks
from poseharvest.refinement.rigid_limbs import RigidLimbs
from poseharvest.skeleton.skeleton import Skeleton

_FAR = 16.0  # squared Mahalanobis distance from the marginal, beyond which the fit has found another place
_LARGEST_FACTOR = 4.0  # on covariances: the fit's errors are twice as large as it says
_WIDEST_MM = 150.0  # standard deviation of a fit that says nothing
# The subject's usual disagreement counts so many times beside that of a joint in a frame: chosen on simulated sequences
# of five kinds of errors (docs/method.md, D17).
_USUAL_COUNTS = 3.0
_MOST = 10.0  # that one joint in one frame counts for in the usual disagreement
_WHERE_UNKNOWN = 25.0


class Mixed(NamedTuple):
    """A place between the fit's and the marginal's.

    Attributes:
        offset: (F, J, 3) from the fit, mm.
        cov: (F, J, 3, 3) mm^2.
    """

    offset: Tensor
    cov: Tensor


@dataclass(frozen=True)
class Mixing:
    """How much the marginal counts beside the fit.

    A disagreement is a squared distance between both, over what it would be on average if the fit's covariance held for
    it. Peaks that the fit takes for wrong explain it.

    Attributes:
        half_at: disagreement at which both count alike; infinite where the fit counts alone.
        usual: of the person.
    """

    half_at: float = _WHERE_UNKNOWN
    usual: float = 0.0

    @classmethod
    def between(cls, fit: PoseFit, offset: Tensor, of_fit: Tensor, half_at: float = _WHERE_UNKNOWN) -> Mixing:
        """Return the mixing with the usual disagreement of F frames.

        Args:
            fit: of the frames.
            offset: (F, J, 3) from the fits to the marginals' means, mm.
            of_fit: (F, J, 3, 3) covariances of the fit, mm^2.
            half_at: as above.
        """
        weight = unexplained(fit) * is_held(fit.linear) * torch.isfinite(offset).all(-1)
        each = torch.nan_to_num(disagreement(offset, of_fit)).clamp(max=_MOST)
        total = float(weight.sum())
        return cls(half_at, float((weight * each).sum()) / total if total > 0 else 0.0)

    def mix(self, fit: PoseFit, offset: Tensor, of_fit: Tensor) -> Mixed:
        """Return mean and covariance if the truth lies about the fit or, with a probability, about the marginal's mean.

        That probability rises with the disagreement, of the joint in the frame and of the person in general.

        Args:
            fit: of F frames.
            offset: (F, J, 3) from the fits to the marginals' means, mm.
            of_fit: (F, J, 3, 3) covariances of the fit, mm^2; about either place.
        """
        if math.isinf(self.half_at):
            return Mixed(torch.zeros_like(offset), of_fit)
        odds = (disagreement(offset, of_fit) + _USUAL_COUNTS * self.usual) * unexplained(fit) / self.half_at
        chance = (odds / (1 + odds))[..., None]
        apart = offset[..., :, None] * offset[..., None, :]
        return Mixed(chance * offset, of_fit + (chance * (1 - chance))[..., None] * apart)


def disagreement(offset: Tensor, of_fit: Tensor) -> Tensor:
    """Return (F, J) squared Mahalanobis distances of offsets (F, J, 3) over what they are on average, 3."""
    solved = torch.linalg.solve(of_fit, offset[..., None]).squeeze(-1)
    squares: Tensor = (offset * solved).sum(-1)
    return squares / 3


def unexplained(fit: PoseFit) -> Tensor:
    """Return (F, J) the probability that no peak is wrong: wrong ones draw the marginal's mean, and not the fit."""
    linear = fit.linear
    return torch.where(linear.seen, linear.right, 1.0).prod(1)


@dataclass(frozen=True, eq=False)
class Refinement:
    """What was learned of a person and the detector.

    Attributes:
        noise: how exact the detector's peaks are.
        limbs: how long and how rigid the limbs are.
        cov_factor: factor on the covariances of fits, by which left-out views are predicted best.
        freedom: how many coordinates the usual size of errors counts for against those of a joint in a frame: few
            where sizes differ from frame to frame.
        num_frames: frames that it was learned from.
        is_calibrated: three or more views were there, so that each could be predicted by the others.
        mixing: how much the marginal counts beside the fit where they disagree.
    """

    noise: DetectorNoise
    limbs: RigidLimbs
    cov_factor: float
    freedom: float
    num_frames: int
    is_calibrated: bool
    mixing: Mixing = field(default_factory=Mixing)

    @property
    def is_trusted(self) -> bool:
        """Left-out views are predicted about as well as the fit says; if not, its model does not hold here."""
        return self.cov_factor < _LARGEST_FACTOR

    def refine(self, frames: Sequence[FrameEvidence], posteriors: Sequence[JointPosterior]) -> list[JointPosterior]:
        """Return the posteriors of F frames with means between the voxels and covariances of the fit.

        The fit knows the limbs and the peaks' exactness, the marginal knows the whole heatmaps. The farther they
        disagree, the nearer the mean is to the marginal's, and the wider the covariance. A joint keeps the moments of
        its marginal where fewer than two views agree, where the fit has left the marginal or where it is too wide to
        tell anything; all joints do if the fit is not trusted.

        Args:
            frames: with as many views each.
            posteriors: of the same frames.
        """
        if not frames or not self.is_trusted:
            return list(posteriors)
        mean = torch.stack([posterior.mean for posterior in posteriors]).double()
        cov = torch.stack([posterior.cov for posterior in posteriors]).double()
        supported = torch.stack([posterior.supported for posterior in posteriors])
        fit = fit_poses(observe(frames, mean), mean, self.noise, self.limbs)
        of_fit, offset = self.covariances(fit), mean - fit.points
        is_near = 3 * disagreement(offset, cov) < _FAR
        variance = torch.diagonal(fit.cov, dim1=-2, dim2=-1).sum(-1)
        is_narrow = torch.isfinite(variance) & (variance < _WIDEST_MM**2)
        has_one_place = is_held(fit.linear) & supported & is_near & is_narrow
        between = self.mixing.mix(fit, offset, of_fit)
        mean = torch.where(has_one_place[..., None], fit.points + between.offset, mean)
        cov = torch.where(has_one_place[..., None, None], between.cov, cov)
        return [
            replace(posterior, mean=mean[i].to(posterior.mean), cov=cov[i].to(posterior.cov))
            for i, posterior in enumerate(posteriors)
        ]

    def compared(self, fit: PoseFit, mean: Tensor) -> Refinement:
        """Return this with the usual disagreement of fits and the marginals' means (F, J, 3), mm, of some frames."""
        mixing = Mixing.between(fit, mean - fit.points, self.covariances(fit), self.mixing.half_at)
        return replace(self, mixing=mixing)

    def covariances(self, fit: PoseFit) -> Tensor:
        """Return (F, J, 3, 3) mm^2, with the factor of left-out views and the doubt of undecided peaks."""
        factor = self.cov_factor * Agreement.of(fit).factors(self.freedom)
        return factor[..., None, None] * fit.cov + of_undecided_peaks(fit)

    def described(self, skeleton: Skeleton, views: Sequence[str]) -> dict[str, Any]:
        """Return it in plain data, for `harvest.json`."""
        noise = self.noise
        return {
            "calibrated": self.is_calibrated and self.is_trusted,
            "used": self.is_trusted,
            "frames": self.num_frames,
            "covariance_factor": self.cov_factor,
            "freedom": self.freedom,
            "disagreement": self.mixing.usual,
            "disagreement_half_and_half": self.mixing.half_at if math.isfinite(self.mixing.half_at) else None,
            "peak_error_share_of_window": {
                view: dict(zip(skeleton.joints, row, strict=True))
                for view, row in zip(views, noise.share.tolist(), strict=True)
            },
            "wrong_peaks_share": noise.wrong_share,
            "wrong_peaks_wider": noise.wider,
            "constant_share_of_variance": noise.constant_share,
            "height_power": noise.height_power,
            "limbs": self.limbs.described(skeleton),
        }
