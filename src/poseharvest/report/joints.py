"""Per joint: its uncertainty, its share of selected rows, and the threshold of its selection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.cuts import risky_joints
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.diagnosis.histogram import HIGHEST, LOWEST, LogHistogram
from poseharvest.diagnosis.spread import Side, Spread, side_of_joint, spreads
from poseharvest.report.ellipses import sigma_mm, worst_sigma_mm
from poseharvest.skeleton.skeleton import Skeleton

_NUM_BARS = 40


@dataclass(frozen=True, eq=False)
class JointSummary:
    """One joint over the whole harvest.

    Attributes:
        name: the joint.
        side: side of the body.
        num: number of its rows (frames times persons).
        num_unseen: number of rows in which no camera sees it.
        num_selected: rows selected.
        num_image_points: selected rows times the views whose picture holds them: the 2D annotations of this joint.
        sigma: spread of its sigma, det^(1/6), mm; rows that no camera sees are left out.
        worst_sigma: spread of its standard deviation along the longest axis, mm.
        largest_selected_mm: largest sigma among the selected rows; NaN if none is.
        selected_bars: histogram of the selected rows' sigma over `JointSummaries.edges_mm`.
        other_bars: the same of the rows not selected.
    """

    name: str
    side: Side
    num: int
    num_unseen: int
    num_selected: int
    num_image_points: int
    sigma: Spread
    worst_sigma: Spread
    largest_selected_mm: float
    selected_bars: NDArray[np.int64]
    other_bars: NDArray[np.int64]

    @property
    def selected_share(self) -> float:
        """Share of the rows that was selected; NaN if there are none."""
        return self.num_selected / self.num if self.num else float("nan")


@dataclass(frozen=True, eq=False)
class JointSummaries:
    """All joints, and all of them together.

    Attributes:
        joints: in the skeleton's order.
        sigma: spread over all joints, mm.
        worst_sigma: the same along the longest axis, mm.
        selected_sigma: spread of the selected rows, mm.
        edges_mm: (B + 1,) edges of the histograms' bars, equal ratios.
    """

    joints: tuple[JointSummary, ...]
    sigma: Spread
    worst_sigma: Spread
    selected_sigma: Spread
    edges_mm: NDArray[np.float64]

    @property
    def num(self) -> int:
        """Rows of all joints."""
        return sum(joint.num for joint in self.joints)

    @property
    def num_selected(self) -> int:
        """Selected rows of all joints."""
        return sum(joint.num_selected for joint in self.joints)

    @property
    def usual_sigma_mm(self) -> float:
        """Median sigma, above which joints are drawn fainter, mm; 1 if no camera sees a joint."""
        return self.sigma.median if self.sigma.num else 1.0

    @property
    def num_image_points(self) -> int:
        """2D annotations of all joints in all views."""
        return sum(joint.num_image_points for joint in self.joints)

    def is_risky(self, joint: JointSummary) -> bool:
        """Return whether the joint's cut lies far above that of the median joint."""
        return joint.name in risky_joints(self.largest_selected_mm)

    @property
    def largest_selected_mm(self) -> dict[str, float]:
        """Largest sigma among the selected rows, by joint; a joint without a selected row is left out."""
        return {j.name: j.largest_selected_mm for j in self.joints if j.num_selected}


class JointTally:
    """Counts the joints of a stream of frames."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        num_joints = len(skeleton)
        self._selected, self._others, self._worst = (LogHistogram(num_joints) for _ in range(3))
        self._num = 0
        self._unseen, self._num_selected, self._image_points = (np.zeros(num_joints, dtype=np.int64) for _ in range(3))

    def add(self, frame: FrameAnnotations, selected: NDArray[np.bool_]) -> None:
        """Count one person in one frame; `selected` is (J,)."""
        supported = frame.supported.numpy()
        sigma = sigma_mm(frame.cov).numpy()
        self._num += 1
        self._selected.add(sigma, supported & selected)
        self._others.add(sigma, supported & ~selected)
        self._worst.add(worst_sigma_mm(frame.cov).numpy(), supported)
        self._unseen += ~supported
        self._num_selected += selected
        self._image_points += frame.inside.sum(0).numpy() * selected

    def summary(self) -> JointSummaries:
        """Return what was counted."""
        both = self._selected.merged(self._others)
        sigma, worst = spreads(both), spreads(self._worst)
        edges = bar_edges(both)
        selected_bars, other_bars = self._selected.counts_between(edges), self._others.counts_between(edges)
        cuts = self._selected.maximum
        joints = tuple(
            JointSummary(
                name=name,
                side=side_of_joint(self._skeleton, name),
                num=self._num,
                num_unseen=int(self._unseen[j]),
                num_selected=int(self._num_selected[j]),
                num_image_points=int(self._image_points[j]),
                sigma=sigma[j],
                worst_sigma=worst[j],
                largest_selected_mm=float(cuts[j]),
                selected_bars=selected_bars[j],
                other_bars=other_bars[j],
            )
            for j, name in enumerate(self._skeleton.joints)
        )
        pool, worst_pool, selected_pool = (spreads(h.pooled())[0] for h in (both, self._worst, self._selected))
        return JointSummaries(joints, pool, worst_pool, selected_pool, edges)


def bar_edges(histogram: LogHistogram) -> NDArray[np.float64]:
    """Return the edges of bars of equal ratio that span the values of all series."""
    pool = histogram.pooled()
    low, high = float(pool.quantile(0.001)[0]), float(pool.maximum[0])
    if not np.isfinite(low) or not np.isfinite(high):
        low, high = 1.0, 10.0
    low, high = max(low / 1.05, LOWEST), min(max(high, low) * 1.05, HIGHEST)
    return np.geomspace(low, high, _NUM_BARS + 1)
