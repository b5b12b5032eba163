"""Table 4 (Sec. 4.4) on the studio: the error after fine-tuning on different labels and harvesting again.

Subjects of the target world perform the paper's actions. The generic network has seen the generic world alone. It
harvests them, and is fine-tuned on the first frames of all of a subject's actions, once with each label set. Every
network harvests all frames again, and is judged on the last frames of each action, from which nothing was learned.
The paper judges the frames that were learned from; a panel of its own has these. The subject's seed is that of motion,
rooms, cameras' noise and training.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np

from poseharvest.errors import ConfigError
from poseharvest.progress import OnProgress, Progress, with_prefix
from poseharvest.selection.rules import SelectionRule
from poseharvest.storage.finished_units import UnitStore
from poseharvest.tables.paper import AVERAGE, AVERAGE_15, TABLE_2, TABLE_4
from poseharvest.tables.result import OurColumn, Panel, PaperColumn, ReproducedTable
from poseharvest.tables.studio.judged_poses import JudgedPoses
from poseharvest.tables.studio.results import (
    ALL_ACTIONS,
    CENTRED,
    IN_WORLD,
    SELECTED,
    SHARES,
    Results,
    Run,
    columns,
    kept_share,
    of_joint,
    selected_together,
    together,
)
from poseharvest.tables.studio.studio_subject import StudioSubject
from poseharvest.tables.studio.study import Network, Study
from poseharvest.tables.studio.verdicts import findings_of

LIMITS: Final = (1.1, 1.2, 1.3, 1.4, 1.5, 1.7, 2.0)
LEARNED_FRAMES: Final = "mean over runs, centroids aligned, frames that were learned from, as the paper judges"
CAPTION: Final = "Table 4 (Sec. 4.4) on synthetic footage: error after fine-tuning on different labels, mm"


def run_table4(  # noqa: PLR0913 - what is repeated, with what, where
    study: Study,
    out: Path,
    *,
    subjects: Sequence[int],
    seeds: Sequence[int],
    networks: Sequence[Network] = tuple(Network),
    keep: bool = False,
    on_progress: OnProgress,
) -> Results:
    """Return the results of the experiment; finished units in `out` are reused.

    Args:
        study: what every subject goes through.
        out: the folder of finished units.
        subjects: their numbers.
        seeds: of every subject.
        networks: rows of the table; the generic one is always among them.
        keep: keep footage and harvests of subjects that are done: some hundred megabytes each.
        on_progress: hears how far it is.

    Raises:
        ConfigError: there is no subject or seed, or units in `out` were made with other settings.
        TrainingError: a subject gave too few labels, or the run was interrupted.
        StoreError: `out` cannot be written.
    """
    runs = tuple(Run(subject, seed) for subject in subjects for seed in seeds)
    if not runs or len(set(runs)) < len(runs):
        raise ConfigError("table4: expected one subject and one seed or more, each once")
    compared = tuple(network for network in Network if network is Network.GENERIC or network in networks)
    poses: dict[tuple[Run, str, str], JudgedPoses] = {}
    total = len(runs) * len(compared) * len(study.actions)

    def report(progress: Progress) -> None:
        with_prefix(on_progress, f"{len(poses) + 1} of {total}")(progress)

    for run in runs:
        subject = StudioSubject(run.subject, run.seed, study, UnitStore(out), report)
        for network, action in product(compared, study.actions):
            poses[run, network, action] = subject.judged(network, action)
        if not keep:
            for folder in subject.work:
                shutil.rmtree(folder, ignore_errors=True)
    return Results(study.actions, runs, poses)


def table4(results: Results, study: Study) -> ReproducedTable:
    """Return the table: errors of judged and of learned frames, their spread, and what selection is worth."""
    rule = study.harvesting.selection
    if rule.measure == "det":
        results = selected_together(results, Network.GENERIC, rule)
    judged, learned = within(results, study.judged), within(results, study.learned)
    networks = [network for network in Network if any(of == network for _, of, _ in results.poses)]
    titles = {network.value: network.paper_name for network in networks}
    rows = (*results.actions, AVERAGE)
    settings = {
        **study.harvest_settings(),
        **study.training_settings(),
        "subjects": sorted({run.subject for run in results.runs}),
        "seeds": sorted({run.seed for run in results.runs}),
    }
    panels = (
        Panel("mean over runs, centroids aligned", rows, paper_columns(rows), columns(judged, titles, rows, CENTRED)),
        Panel("spread over runs, centroids aligned", rows, (), columns(judged, titles, rows, CENTRED, spread=True)),
        Panel("mean over runs, in the world as it is", rows, (), columns(judged, titles, rows, IN_WORLD)),
        Panel(LEARNED_FRAMES, rows, paper_columns(rows), columns(learned, titles, rows, CENTRED)),
        _by_joint(judged, networks, study.detector.skeleton.joints),
        selection_panel(
            "selection: the generic harvests' joints, all frames, in the world as it is", results, Network.GENERIC, rows
        ),
        _shares(results),
        _limits(results),
    )
    return ReproducedTable("table4", CAPTION, panels, tuple(findings_of(judged, results)), settings)


def within(results: Results, frames: range) -> Results:
    """Return the results on some frames alone."""
    return replace(results, poses={key: poses.within(frames) for key, poses in results.poses.items()})


def paper_columns(rows: Sequence[str]) -> tuple[PaperColumn, ...]:
    """Return the paper's numbers: of Table 4, and for the generic network of Table 2, which has every action."""
    generic = next(column for column in TABLE_2 if column.title == "paper")
    published = []
    for column in TABLE_4:
        values: Mapping[str, float] = {**column.values, AVERAGE: column.values[AVERAGE_15]}
        if column.title.endswith("Generic"):
            values = {**generic.values, **values}
        published.append(PaperColumn(column.title, {row: values[row] for row in rows if row in values}))
    return tuple(published)


def selection_panel(
    title: str, results: Results, network: Network, rows: Sequence[str], *, selected: str = "selected"
) -> Panel:
    """Return the errors of all joints that a network harvested beside those of the selected ones, called `selected`."""
    measures = {"all joints": IN_WORLD, selected: SELECTED}
    return Panel(
        title,
        tuple(rows),
        (),
        tuple(
            OurColumn(f"here, {name}", {row: results.mean(network, row, measure) for row in rows})
            for name, measure in measures.items()
        ),
    )


def _by_joint(judged: Results, networks: Sequence[Network], joints: Sequence[str]) -> Panel:
    """Every joint by itself, over all actions: labels are worth as much as the generic network knows of a joint."""
    by_network = []
    for network in networks:
        pooled = together(judged, network)
        scores = {name: pooled.mean(network, ALL_ACTIONS, of_joint(k, name)) for k, name in enumerate(joints)}
        by_network.append(OurColumn(f"here, {network.paper_name}", scores))
    return Panel("mean over runs by joint, all actions, centroids aligned", tuple(joints), (), tuple(by_network))


def _shares(results: Results) -> Panel:
    """The generic harvests' error over the share of joints that is kept of all actions together, by det(cov)."""
    rows = {f"{100 * share:.0f} %": share for share in SHARES}
    pooled = together(results, Network.GENERIC)
    scores = {row: pooled.mean(Network.GENERIC, ALL_ACTIONS, kept_share(share)) for row, share in rows.items()}
    title = "error against the share kept of every joint over all actions, generic harvests, in the world as it is"
    return Panel(title, tuple(rows), (), (OurColumn("here, kept by det(cov)", scores),))


def _limits(results: Results) -> Panel:
    """The same for limits. They keep more of a joint that is known well, and less of another."""
    scores = {}
    for limit in LIMITS:
        pooled = together(
            selected_together(results, Network.GENERIC, SelectionRule(share=1.0, limit=limit)), Network.GENERIC
        )
        shares = [poses.selected.mean() for poses in pooled.poses.values() if poses.selected.size]
        row = f"{limit:g}, keeps {100 * float(np.mean(shares)):.0f} %" if shares else f"{limit:g}"
        scores[row] = pooled.mean(Network.GENERIC, ALL_ACTIONS, SELECTED)
    title = "error against the limit of width over all actions, generic harvests, in the world as it is"
    return Panel(title, tuple(scores), (), (OurColumn("here, limit of det(cov)", scores),))
