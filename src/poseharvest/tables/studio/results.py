"""What an experiment found, run by run: means and spreads over subjects and seeds, by action."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from poseharvest.evaluation.scores import MetricProtocol, Score
from poseharvest.selection.rules import SelectionRule
from poseharvest.selection.select import MeasuredRows, mark_together
from poseharvest.tables.paper import AVERAGE, AVERAGE_6, AVERAGE_15, SIX_ACTIONS
from poseharvest.tables.result import OurColumn
from poseharvest.tables.studio.judged_poses import JudgedPoses, joined, mean_of, spread_of
from poseharvest.tables.studio.study import Network


class Run(NamedTuple):
    """One subject with one seed: an independent repetition."""

    subject: int
    seed: int


@dataclass(frozen=True)
class Measure:
    """A number that poses give.

    Attributes:
        of: the number, mm.
        alignment: of the poses beforehand.
        details: what else there is to say of it.
        num_joints: how many joints it looks at; all if None.
    """

    of: Callable[[JudgedPoses], float]
    alignment: str
    details: str = ""
    num_joints: int | None = None


CENTRED = Measure(lambda judged: mean_of(judged.centred_mm), "centroid")
IN_WORLD = Measure(lambda judged: mean_of(judged.error_mm), "none")
SELECTED = Measure(
    lambda judged: float("nan") if not judged.selected.any() else mean_of(judged.error_mm[judged.selected]),
    "none",
    "selected joints",
)

SHARES: Final = tuple(n / 10 for n in range(1, 11))
"""Of every joint, from a few to all, at which errors are compared."""


def kept_share(share: float) -> Measure:
    """Return the measure of the joints that are kept if `share` of each are, the most certain ones."""
    return Measure(lambda judged: judged.mean_at(share), "none", f"the most certain {100 * share:.0f} % of each joint")


def of_joint(index: int, name: str) -> Measure:
    """Return the measure of one joint."""
    return Measure(lambda judged: mean_of(judged.centred_mm[:, index]), "centroid", name, num_joints=1)


@dataclass(frozen=True, eq=False)
class Results:
    """All that was judged.

    Attributes:
        actions: in order.
        runs: the repetitions.
        poses: what was judged of each run, network (`Network`, or what else was compared) and action.
    """

    actions: tuple[str, ...]
    runs: tuple[Run, ...]
    poses: Mapping[tuple[Run, str, str], JudgedPoses]

    def by_run(self, network: str, row: str, measure: Measure) -> list[float]:
        """Return a number a run: of an action, or of an average of the paper, the mean over actions that have one."""
        return [self._of_run(run, network, self._actions_of(row), measure) for run in self.runs]

    def by_run_over(self, network: str, actions: Sequence[str], measure: Measure) -> list[float]:
        """Return a number a run: the mean over some actions."""
        return [self._of_run(run, network, actions, measure) for run in self.runs]

    def mean(self, network: str, row: str, measure: Measure) -> Score:
        """Return the mean over runs."""
        values = self.by_run(network, row, measure)
        return Score(_mean(values), self._protocol(network, row, measure, "mean over {} runs"))

    def spread(self, network: str, row: str, measure: Measure) -> Score:
        """Return the standard deviation over runs; NaN of one run."""
        values = self.by_run(network, row, measure)
        return Score(spread_of(values), self._protocol(network, row, measure, "standard deviation over {} runs"))

    def hardest(self, count: int) -> tuple[str, ...]:
        """Return the actions with the largest error of the generic network, in order of their names in the table."""
        error = {action: self.mean(Network.GENERIC, action, CENTRED).value for action in self.actions}
        worst = sorted(self.actions, key=lambda action: -error[action])[:count]
        return tuple(action for action in self.actions if action in worst)

    def num_poses(self, network: str) -> int:
        """Return how many poses a network found in all."""
        return sum(len(poses.frames) for (_, of, _), poses in self.poses.items() if of == network)

    def _of_run(self, run: Run, network: str, actions: Sequence[str], measure: Measure) -> float:
        return _mean([measure.of(self.poses[run, network, action]) for action in actions])

    def _actions_of(self, row: str) -> tuple[str, ...]:
        if row == AVERAGE_6:
            return tuple(action for action in self.actions if action in SIX_ACTIONS)
        return self.actions if row in {AVERAGE, AVERAGE_15} else (row,)

    def _protocol(self, network: str, row: str, measure: Measure, over: str) -> MetricProtocol:
        judged = [self.poses[run, network, action] for run in self.runs for action in self._actions_of(row)]
        details = [measure.details, over.format(len(self.runs))]
        if row not in self.actions:
            details.append(f"mean over {len(self._actions_of(row))} actions")
        num_joints = measure.num_joints or judged[0].error_mm.shape[1]
        num_frames = sum(len(poses.frames) for poses in judged)
        return MetricProtocol(
            metric="MPJPE",
            unit="mm",
            num_joints=num_joints,
            num_frames=num_frames,
            num_values=num_frames * num_joints,
            alignment=measure.alignment,
            details=", ".join(part for part in details if part),
        )


def columns(
    results: Results, titles: Mapping[str, str], rows: Sequence[str], measure: Measure, *, spread: bool = False
) -> tuple[OurColumn, ...]:
    """Return a column a network, with its means over runs, or their spread.

    Args:
        results: what was judged.
        titles: the networks that are compared, and what each is called.
        rows: actions and averages.
        measure: the number.
        spread: give the standard deviation over runs in place of the mean.
    """
    number = results.spread if spread else results.mean
    return tuple(
        OurColumn(f"here, {title}", {row: number(network, row, measure) for row in rows})
        for network, title in titles.items()
    )


ALL_ACTIONS: Final = "all actions"


def together(results: Results, network: str) -> Results:
    """Return a network's poses of all of a run's actions as those of one action, `ALL_ACTIONS`."""
    poses = {
        (run, network, ALL_ACTIONS): joined([results.poses[run, network, action] for action in results.actions])
        for run in results.runs
    }
    return Results((ALL_ACTIONS,), results.runs, poses)


def selected_together(results: Results, network: str, rule: SelectionRule) -> Results:
    """Return the results with a network's joints selected by det(cov) over all of a run's actions, as `ps+sel` has it.

    Args:
        results: of all frames.
        network: whose joints.
        rule: by det(cov).
    """
    poses = dict(results.poses)
    for run in results.runs:
        takes = [results.poses[run, network, action] for action in results.actions]
        rows = [MeasuredRows(take.det, np.isfinite(take.det)) for take in takes]
        for action, take, selected in zip(
            results.actions, takes, mark_together(rows, rule.share, rule.factor), strict=True
        ):
            poses[run, network, action] = replace(take, selected=selected)
    return replace(results, poses=poses)


def _mean(values: Sequence[float]) -> float:
    return mean_of(np.array(values, dtype=np.float64))
