"""Posteriors between the voxels: the fit where a joint has one place, else the moments of its marginal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.refinement.mixing import Mixing, disagreement
from poseharvest.refinement.noise import DetectorNoise
from poseharvest.refinement.observations import observe
from poseharvest.refinement.pose_fit import Agreement, PoseFit, fit_poses, is_held, of_undecided_peaks
from poseharvest.refinement.rigid_limbs import RigidLimbs
from poseharvest.skeleton.skeleton import Skeleton

_FAR = 16.0  # squared Mahalanobis distance from the marginal, beyond which the fit has found another place
_LARGEST_FACTOR = 4.0  # on covariances: the fit's errors are twice as large as it says
_WIDEST_MM = 150.0  # standard deviation of a fit that says nothing


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
        has_one_place = is_held(fit.linear) & supported & _is_near(offset, cov) & _is_narrow(fit.cov)
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


def _is_near(offset: Tensor, cov: Tensor) -> Tensor:
    """Return (F, J) bool: an offset (F, J, 3) lies within a marginal."""
    return 3 * disagreement(offset, cov) < _FAR


def _is_narrow(cov: Tensor) -> Tensor:
    """Return (F, J) bool: a covariance is finite and below the widest that tells anything."""
    variance = torch.diagonal(cov, dim1=-2, dim2=-1).sum(-1)
    return torch.isfinite(variance) & (variance < _WIDEST_MM**2)
