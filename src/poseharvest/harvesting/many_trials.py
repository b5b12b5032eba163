"""Many trials, one after the other: one that fails does not end the others, and one that is finished is passed over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poseharvest.annotations.reader import Harvest, is_harvest
from poseharvest.capture.trials import Trial
from poseharvest.errors import HarvestError, StoppedError, in_one_line
from poseharvest.harvesting.known_people import KnownPerson, known_people

TrialState = Literal["harvested", "finished before", "failed"]


@dataclass(frozen=True)
class TrialResult:
    """What became of a trial.

    Attributes:
        trial: the trial.
        state: whether it was harvested now or before, or failed.
        harvest: its harvest; None if it failed.
        reason: why it failed, in one line; empty otherwise.
    """

    trial: Trial
    state: TrialState
    harvest: Harvest | None = None
    reason: str = ""


def harvest_trials(
    trials: Sequence[Trial],
    out: Path,
    harvest: Callable[[Trial, Path], Harvest],
    on_result: Callable[[TrialResult], None],
    *,
    replaces: bool = False,
) -> list[TrialResult]:
    """Return what became of each trial.

    Args:
        trials: in the order in which they are harvested.
        out: the folder that is to hold their harvests, each under the name of its trial.
        harvest: harvests a trial into a folder; one that is finished there, by the same request, is returned.
        on_result: is called after each trial.
        replaces: finished harvests are made anew.

    Raises:
        StoppedError: a signal has come.
    """
    results = []
    for trial in trials:
        result = _result(trial, out / trial.name, harvest, replaces=replaces)
        on_result(result)
        results.append(result)
    return results


def people_before(trial: str, out: Path, replaced: Collection[str] = ()) -> tuple[KnownPerson, ...]:
    """Return the people with whom those of a trial are compared: of all other harvests that are finished.

    For a trial that is finished, they are those with whom it was compared.

    Args:
        trial: its name.
        out: the folder that holds the harvests.
        replaced: names of trials whose harvests will be replaced by new ones, and do not count until then.
    """
    if trial not in replaced and is_harvest(out / trial):
        return tuple(map(KnownPerson.of, Harvest.open(out / trial).info.known_people))
    others = [path for path in out.iterdir() if path.name not in {trial, *replaced} and is_harvest(path)]
    infos = sorted((Harvest.open(path).info for path in others), key=lambda info: info.created)
    return known_people([info.people for info in infos])


def _result(trial: Trial, out: Path, harvest: Callable[[Trial, Path], Harvest], *, replaces: bool) -> TrialResult:
    was_there = is_harvest(out) and not replaces
    try:
        made = harvest(trial, out)
    except StoppedError:
        raise
    except HarvestError as error:
        return TrialResult(trial, "failed", reason=in_one_line(error))
    return TrialResult(trial, "finished before" if was_there else "harvested", made)
