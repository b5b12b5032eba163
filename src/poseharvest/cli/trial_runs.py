"""Many trials on one command line: the subject's body is learned once, and a table says what became of each."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from poseharvest.cli.progress_bar import progress_bar
from poseharvest.cli.summary import has_faults
from poseharvest.errors import CaptureError, ConfigError, HarvestError
from poseharvest.findings import NAME_TOPIC, worst_first
from poseharvest.progress import OnProgress, with_prefix
from poseharvest.reading.cells import safe_cell
from poseharvest.skeleton.limb_lengths import LimbLengths, limb_lengths_text, read_limb_lengths
from poseharvest.storage.object_store import is_remote
from poseharvest.storage.staging import make_parent, staged_file

if TYPE_CHECKING:
    from poseharvest.annotations.info import PersonInfo
    from poseharvest.annotations.reader import Harvest
    from poseharvest.capture.trials import Trial
    from poseharvest.cli.harvest_plan import HarvestPlan
    from poseharvest.harvesting.many_trials import TrialResult
    from poseharvest.harvesting.shared_body import SharedBody
    from poseharvest.harvesting.subject import Subject

BODY_FILE, TABLE_FILE = "limb_lengths.toml", "trials.csv"

_COLUMNS = (
    "trial",
    "state",
    "frames",
    "people",
    "who",
    "selected joints",
    "errors",
    "warnings",
    "worst finding or reason",
)


def harvest_all(plan: HarvestPlan, trials: Sequence[Trial], out: Path) -> bool:
    """Harvest the trials, print their table, and return whether there are faults in one.

    Args:
        plan: how each is harvested; finished trials are passed over, and interrupted ones gone on with.
        trials: one or more.
        out: the folder that is to hold their harvests.

    Raises:
        ConfigError: the plan does not suit many trials.
        CaptureError: trials failed; the message names them.
        StoreError: the table cannot be written.
    """
    from poseharvest.harvesting.many_trials import harvest_trials, people_before
    from poseharvest.report.html import report as write_report

    _check(plan, out)
    plan = replace(plan, resume=not plan.overwrite)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    make_parent(out / TABLE_FILE)
    to_replace = {trial.name for trial in trials} if plan.overwrite else set()
    with progress_bar(Console(stderr=True)) as on_progress:
        lengths = _shared_lengths(plan, trials, out, on_progress, console)

        def harvest_one(trial: Trial, folder: Path) -> Harvest:
            known = () if plan.options.people == 1 else people_before(trial.name, out, to_replace)
            to_replace.discard(trial.name)
            made = plan.harvest(
                trial.path,
                folder,
                with_prefix(on_progress, trial.name),
                calibration=trial.calibration,
                limb_lengths=lengths,
                known_people=known,
            )
            write_report(made.path)
            return made

        results = harvest_trials(
            trials, out, harvest_one, lambda result: _say(console, result), replaces=plan.overwrite
        )
    _print_table(console, results)
    _write_table(results, out / TABLE_FILE)
    console.print(f"table: {out / TABLE_FILE}")
    failed = [result for result in results if result.state == "failed"]
    if failed:
        named = ", ".join(result.trial.name for result in failed)
        raise CaptureError(
            f"{len(failed)} of {len(results)} trials failed: {named}: the reasons stand above and in "
            f"{out / TABLE_FILE}; the same command passes over finished trials"
        )
    return any(has_faults(result.harvest.info) for result in results if result.harvest is not None)


def _check(plan: HarvestPlan, out: Path) -> None:
    if plan.boxes is not None:
        raise ConfigError("boxes: expected one capture, since boxes belong to its frames, got several trials")
    if is_remote(out):
        raise ConfigError(f"out: expected a local folder for several trials, got {out}")


def _shared_lengths(
    plan: HarvestPlan, trials: Sequence[Trial], out: Path, on_progress: OnProgress, console: Console
) -> LimbLengths | None:
    """Return the limb lengths of the subject of all trials; None where each trial has its own."""
    if plan.limb_lengths is not None:
        return plan.limb_lengths
    if plan.options.people != 1:
        console.print("limb lengths: each person has their own, known again in later trials where that is sure")
        return None
    if plan.options.moments:
        return None
    path = out / BODY_FILE
    if path.is_file():
        console.print(f"limb lengths: those of {path}; remove it to learn them again")
        return read_limb_lengths(path)
    body = _learned_body(plan, trials, on_progress, console)
    if body is None:
        return None
    comment = f"learned from {', '.join(body.differences)}; used for every trial in this folder"
    with staged_file(path, overwrite=False) as temporary:
        temporary.write_text(limb_lengths_text(body.lengths, comment), encoding="utf-8")
    console.print(f"limb lengths: learned from {', '.join(body.differences)}, for all trials: {path}")
    return read_limb_lengths(path)  # as every later run reads them


def _learned_body(
    plan: HarvestPlan, trials: Sequence[Trial], on_progress: OnProgress, console: Console
) -> SharedBody | None:
    """Return the body that some of the trials show; None if none of them can be used."""
    from poseharvest.harvesting.shared_body import learn_subject, share_body, teachers_among

    by_name = {trial.name: trial for trial in trials}
    subjects: dict[str, Subject] = {}
    for name in teachers_among(tuple(by_name)):
        trial, listener = by_name[name], with_prefix(on_progress, f"{name}: the subject's body")
        try:
            opened, network, options = plan.open(trial.path, listener, trial.calibration)
            subjects[name] = learn_subject(opened, network, options, listener)
        except HarvestError as error:
            console.print(f"limb lengths: not learned from {name}: {error}")
    if not subjects:
        return None
    body = share_body(subjects)
    for name in body.others:
        difference = body.differences[name]
        kind = "longer" if difference > 0 else "shorter"
        console.print(
            f"warning: {name}: limbs are {abs(difference):.0%} {kind} than in the other trials: is it another person, "
            "or another calibration? Harvest it alone, or give the lengths (--limb-lengths)"
        )
    return body


def _say(console: Console, result: TrialResult) -> None:
    console.print(f"{result.trial.name}: {result.state}{f': {result.reason}' if result.reason else ''}")


def _cells(result: TrialResult) -> tuple[str, ...]:
    if result.harvest is None:
        return (result.trial.name, result.state, "", "", "", "", "", "", result.reason)
    info = result.harvest.info
    severities = Counter(finding.severity for finding in info.findings)
    selected = sum(joint.selected for joint in info.selection.joints)
    return (
        result.trial.name,
        result.state,
        f"{info.counts.frames} of {info.capture.num_frames}",
        str(info.counts.persons),
        ", ".join(map(_who, info.people)),
        str(selected),
        str(severities["error"]),
        str(severities["warning"]),
        next((one.message for one in worst_first(info.findings) if one.severity != "note"), ""),
    )


def _print_table(console: Console, results: Sequence[TrialResult]) -> None:
    table = Table(*_COLUMNS[:-1], title="trials", title_justify="left")
    for result in results:
        table.add_row(*_cells(result)[:-1])
    console.print(table, crop=False)
    for line in _unsure_names(results):
        console.print(line)
    for result in results:
        *_, worst = _cells(result)
        if worst:
            console.print(f"{result.trial.name}: {worst}")


def _who(person: PersonInfo) -> str:
    """Return the number of a person, with how sure it is where there are people of other trials."""
    if not person.likely:
        return str(person.person)
    sure = f"{100 * person.likely.get(person.person, 0):.0f} %" if person.name_state == "known" else person.name_state
    return f"{person.person} ({sure})"


def _unsure_names(results: Sequence[TrialResult]) -> Iterator[str]:
    """Yield a line for everybody who may be somebody from another trial."""
    for result in results:
        findings = () if result.harvest is None else result.harvest.info.findings
        for finding in findings:
            if finding.topic.startswith(NAME_TOPIC) and finding.severity != "note":
                yield f"{result.trial.name}: {finding.message}"


def _write_table(results: Sequence[TrialResult], path: Path) -> None:
    with staged_file(path, overwrite=True) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        writer.writerows([safe_cell(cell) for cell in _cells(result)] for result in results)
