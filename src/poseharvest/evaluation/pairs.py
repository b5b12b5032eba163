"""Pairs of estimated and true poses: the input of every metric of positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.errors import ConfigError, ShapeError

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = Tensor | NDArray[Any]


@dataclass(frozen=True, eq=False)
class PosePairs:
    """Estimates and truth of F poses, joint by joint. D is 3 (mm in the world) or 2 (pixels of a picture).

    Attributes:
        estimate: (F, J, D); NaN where there is no estimate.
        truth: (F, J, D); NaN where the truth is not known: such a joint is never judged.
        joints: J names.
        labels: for "action", "subject" or "sequence", F names: the one that each pose belongs to.

    Raises:
        ShapeError: sizes do not fit.
    """

    estimate: Floats
    truth: Floats
    joints: tuple[str, ...]
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.estimate.ndim != 3 or self.estimate.shape[2] not in {2, 3}:
            raise ShapeError(f"estimate: expected shape (F, J, 2 or 3), got {self.estimate.shape}")
        if self.truth.shape != self.estimate.shape:
            raise ShapeError(f"truth: expected shape {self.estimate.shape} as the estimate's, got {self.truth.shape}")
        if self.estimate.shape[1] != len(self.joints):
            raise ShapeError(f"estimate: expected {len(self.joints)} joints, got {self.estimate.shape[1]}")
        for name, values in self.labels.items():
            if len(values) != len(self.estimate):
                raise ShapeError(f'label "{name}": expected {len(self.estimate)} values, got {len(values)}')

    @classmethod
    def of(
        cls,
        estimate: Numbers,
        truth: Numbers,
        joints: Sequence[str],
        labels: Mapping[str, Sequence[str]] | None = None,
    ) -> PosePairs:
        """Return the pairs of two tensors or arrays."""
        return cls(as_floats(estimate), as_floats(truth), tuple(joints), labels or {})

    @property
    def known(self) -> Bools:
        """(F, J) bool: the truth is known."""
        return np.asarray(np.isfinite(self.truth).all(-1))

    @property
    def judged(self) -> Bools:
        """(F, J) bool: truth and estimate are both known."""
        return np.asarray(self.known & np.isfinite(self.estimate).all(-1))

    def index(self, joint: str) -> int:
        """Return the column of `joint`.

        Raises:
            ConfigError: there is no such joint; the message lists all joints.
        """
        if joint not in self.joints:
            raise ConfigError(f'joint: expected one of {", ".join(self.joints)}, got "{joint}"')
        return self.joints.index(joint)

    def select(self, poses: NDArray[Any]) -> PosePairs:
        """Return some of the poses, by a mask or by numbers."""
        labels = {name: np.asarray(values)[poses].tolist() for name, values in self.labels.items()}
        return PosePairs(self.estimate[poses], self.truth[poses], self.joints, labels)

    def by(self, label: str) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Yield every value of a label, in order of appearance, with the numbers of its poses.

        Raises:
            ConfigError: the poses have no such label.
        """
        if label not in self.labels:
            raise ConfigError(f'label: expected one of {", ".join(self.labels) or "none"}, got "{label}"')
        values = np.asarray(self.labels[label])
        for value in dict.fromkeys(values.tolist()):
            yield value, np.flatnonzero(values == value)


def as_floats(values: Numbers) -> Floats:
    """Return a tensor or array as a float64 array on the CPU."""
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    return np.asarray(array, dtype=np.float64)
