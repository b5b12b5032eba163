"""Every choice of the 3D inference, with its default and the paper's value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

from poseharvest.errors import ConfigError
from poseharvest.pictorial.likelihood_limits import check_likelihood

if TYPE_CHECKING:
    from poseharvest.pictorial.evidence import Likelihood


InferenceMethod = Literal["exact", "reference"]


_NEGLECT, _NEGLECT_FINER = 2.5e-3, 7e-3


@dataclass(frozen=True)
class InferenceOptions:
    """How Eq. (4) is computed."""

    resolution: int = 64
    """Voxels along each edge of the bounding cube; 64 in the paper."""

    floor: float = 0.01
    """Chance that a view is simply wrong, added to every heatmap (choice D3); 0 is the paper's Eq. (3). A joint that
    V < 4 views show gets floor^(4 / V): that all of them are wrong is then no likelier than with four."""

    height_power: float = 0.0
    """Power of its peak's height with which a view's word on a joint counts (choice D3); 0 in the paper: all alike."""

    sharpen: float = 1.0
    """Power of a heatmap's values relative to its peak, which makes its blobs narrower (choice D3); 1 in the paper."""

    tolerance_mm: float | None = None
    """epsilon of Eq. (2) in millimetres; None is one voxel edge of `resolution` (choice D2)."""

    inference: InferenceMethod = "exact"
    """"exact" sums over pairs of the voxels that matter, "reference" over all voxels by FFT."""

    refine: int = 1
    """1, 2 or 4: parts into which every voxel edge is cut, epsilon unchanged; 1 is the paper's grid. A frame whose
    marginals are too wide for that many voxels is inferred on larger ones, as its posterior's volume says."""

    neglect: float | None = None
    """Share of a joint's marginal that "exact" may leave out, weighted by the squared distance from the mean; None is
    2.5e-3 on the paper's grid and 7e-3 on a finer one, which has eight times as many voxels for each share."""

    def __post_init__(self) -> None:
        if self.resolution < 2:
            raise ConfigError(f"resolution: expected at least 2 voxels, got {self.resolution}")
        check_likelihood(self.floor, self.height_power, self.sharpen)
        if self.tolerance_mm is not None and not self.tolerance_mm > 0:
            raise ConfigError(f"tolerance_mm: expected a positive number, got {self.tolerance_mm}")
        if self.inference not in get_args(InferenceMethod):
            raise ConfigError(f'inference: expected "exact" or "reference", got "{self.inference}"')
        if self.refine not in {1, 2, 4}:
            raise ConfigError(f"refine: expected 1, 2 or 4, got {self.refine}")
        if self.neglect is not None and not 0 <= self.neglect < 1:
            raise ConfigError(f"neglect: expected 0 or more and less than 1, got {self.neglect}")

    @cached_property
    def likelihood(self) -> Likelihood:
        """What is made of the heatmaps."""
        from poseharvest.pictorial.evidence import Likelihood

        return Likelihood(self.floor, self.height_power, self.sharpen)

    @cached_property
    def neglected_at_most(self) -> float:
        """`neglect`, or what its None stands for."""
        if self.neglect is not None:
            return self.neglect
        return _NEGLECT if self.refine == 1 else _NEGLECT_FINER
