"""What Table 4 is expected to show, and whether it does, in sentences with the numbers in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from poseharvest.evaluation.uncertainty import rank_correlation
from poseharvest.tables.paper import AVERAGE
from poseharvest.tables.studio.judged_poses import mean_of
from poseharvest.tables.studio.results import (
    ALL_ACTIONS,
    CENTRED,
    IN_WORLD,
    SELECTED,
    SHARES,
    Measure,
    Results,
    kept_share,
    together,
)
from poseharvest.tables.studio.study import Network

NUM_HARDEST = 3
_ORDER = (
    (Network.HM, Network.GENERIC),
    (Network.PS_SEL, Network.PS),
    (Network.PS_SEL, Network.HM_SEL),
    (Network.PS_SEL, Network.GENERIC),
)
"""Pairs of networks of which the paper finds the first better."""

RANKING = Measure(lambda judged: rank_correlation(judged.det, judged.error_mm).value, "none", "Spearman's rho of det")
"""How well the determinant orders the errors of poses, without a unit."""

_PAPER_GAIN = "the paper: 16 % on all actions; 28, 30 and 38 % on the three hardest"


def findings_of(judged: Results, whole: Results) -> list[str]:
    """Return sentences on the order of the label sets, the gain, the selection, and what was not found.

    Args:
        judged: on the frames that nothing was learned from.
        whole: on all frames.
    """
    present = {network for _, network, _ in judged.poses}
    sentences = [_order(judged, better, worse) for better, worse in _ORDER if {better, worse} <= present]
    if Network.PS_SEL in present:
        sentences.append(_gain(judged))
    return [*sentences, _selection(whole), _curve(whole), _ranking(whole), *_missing(judged, present)]


@dataclass(frozen=True)
class Gain:
    """By how much a network's error lies below the generic one's, percent of the latter; negative above."""

    of_means: float
    """Of the means over runs: what a reader of the table's averages works out, and what the paper's figure is."""

    of_runs: float
    """The mean of the runs' own: every run counts alike, however much there was to gain."""


def gain_percent(results: Results, network: Network, actions: Sequence[str], measure: Measure = CENTRED) -> Gain:
    """Return by how much a network's error lies below the generic one's."""
    before = np.array(results.by_run_over(Network.GENERIC, actions, measure))
    after = np.array(results.by_run_over(network, actions, measure))
    both = np.isfinite(before) & np.isfinite(after)
    of_means = 100 * (1 - mean_of(after[both]) / mean_of(before[both]))
    return Gain(of_means, of_runs=mean_of(100 * (1 - after / before)))


def _order(results: Results, better: Network, worse: Network) -> str:
    first, second = (np.array(results.by_run(network, AVERAGE, CENTRED)) for network in (better, worse))
    wins, holds = int((first < second).sum()), float(np.nanmean(first)) < float(np.nanmean(second))
    return (
        f"{better.paper_name} below {worse.paper_name}: {'yes' if holds else 'NO'}, {np.nanmean(first):.1f} against "
        f"{np.nanmean(second):.1f} mm, in {wins} of {len(first)} runs"
    )


def _gain(results: Results) -> str:
    hardest = results.hardest(NUM_HARDEST)
    overall = gain_percent(results, Network.PS_SEL, results.actions)
    there = gain_percent(results, Network.PS_SEL, hardest)
    return (
        f"PS+sel lies {_below(overall.of_means)} Generic on average, and {_below(there.of_means)} on the hardest "
        f"actions, {', '.join(hardest)} ({_PAPER_GAIN}); mean of the runs' own: {_below(overall.of_runs)}, "
        f"{_below(there.of_runs)} on the hardest"
    )


def _below(percent: float) -> str:
    return f"{abs(percent):.1f} % {'ABOVE' if percent < 0 else 'below'}"


def _selection(whole: Results) -> str:
    wrong = [
        action
        for action in whole.actions
        if not whole.mean(Network.GENERIC, action, SELECTED).value < whole.mean(Network.GENERIC, action, IN_WORLD).value
    ]
    where = "in every action" if not wrong else f"but NOT in {', '.join(wrong)}"
    return f"selected joints of the generic harvests are nearer to the truth than all joints {where}"


def _curve(whole: Results) -> str:
    pooled = together(whole, Network.GENERIC)
    errors = [pooled.mean(Network.GENERIC, ALL_ACTIONS, kept_share(share)).value for share in SHARES]
    falls = all(fewer < more for fewer, more in pairwise(errors))
    return (
        f"the fewer of them are kept the smaller their error, at every tenth: {'yes' if falls else 'NO'}, from "
        f"{errors[-1]:.0f} mm of all to {errors[0]:.0f} mm of the most certain {100 * SHARES[0]:.0f} %"
    )


def _ranking(whole: Results) -> str:
    over_all = together(whole, Network.GENERIC).mean(Network.GENERIC, ALL_ACTIONS, RANKING).value
    by_action = [whole.mean(Network.GENERIC, action, RANKING).value for action in whole.actions]
    known = [value for value in by_action if np.isfinite(value)] or [float("nan")]
    return (
        f"det(cov) ranks their errors with a Spearman correlation of {over_all:.2f} over all actions (mean over runs), "
        f"of {min(known):.2f} to {max(known):.2f} within one"
    )


def _missing(judged: Results, present: set[str]) -> list[str]:
    counts = {network: judged.num_poses(network) for network in Network if network in present}
    if len(set(counts.values())) == 1:
        return []
    numbers = ", ".join(f"{network.paper_name} {count}" for network, count in counts.items())
    return [f"not all networks found somebody in the same number of judged frames ({numbers}): means are over those"]
