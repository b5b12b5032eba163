"""Table 5 (Sec. 4.5) on the studio: a 3D network learned from harvests against the same one learned from the truth.

Subjects of the target world are harvested, with the network that was personalised on them (`ps+sel`), and a 3D network
learns the selected joints from scratch. A second one of the same shape, order of pictures and windows learns the true
positions of all joints: the one place where the truth teaches, to have something to compare with. Both are judged on
subjects that neither has seen, in the windows of generic harvests. The labels that the first one learns are judged too,
after it has learned them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.across_harvests import OVER_COMPARABLE, select_comparable
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError, TrainingError
from poseharvest.learning.pose3d.pose_model import load_model, write_model
from poseharvest.learning.pose3d.regression_options import RegressionOptions
from poseharvest.progress import OnProgress, with_prefix
from poseharvest.storage.finished_units import UnitStore
from poseharvest.tables.paper import AVERAGE_6, AVERAGE_15, SIX_ACTIONS, TABLE_5
from poseharvest.tables.request import plain_regression
from poseharvest.tables.result import Panel, ReproducedTable
from poseharvest.tables.studio.filming import Take
from poseharvest.tables.studio.fine_tuning import selection_panel
from poseharvest.tables.studio.judged_poses import JudgedPoses, judge_poses, no_poses, read_judged, write_judged
from poseharvest.tables.studio.pose_networks import Teacher, judge_single_views, learn_poses
from poseharvest.tables.studio.results import CENTRED, IN_WORLD, Results, Run, columns
from poseharvest.tables.studio.studio_subject import JUDGED, WEIGHTS, StudioSubject
from poseharvest.tables.studio.study import Network, Study

LABELS: Final = Network.PS_SEL
"""Whose harvests are learned from."""

IN_PLACE: Final = "mean over runs, root's depth estimated, no alignment"
LEARNED: Final = "what was learned: the harvests' joints, in the world as it is"
CAPTION: Final = "Table 5 (Sec. 4.5) on synthetic footage: error of single pictures of unseen subjects, mm"
LARGEST_GAP_PERCENT: Final = 5.0


@dataclass(frozen=True, eq=False)
class SingleViews:
    """What Table 5 is made from.

    Attributes:
        networks: the errors of both networks, by `Teacher`; a run is an unseen subject with a seed.
        labels: the errors of the joints that were harvested for the first of them, by `LABELS`; a run is a subject that
            was learned from with a seed, selected is what was learned.
    """

    networks: Results
    labels: Results


def run_table5(  # noqa: PLR0913 - what is repeated, with what, where
    study: Study,
    out: Path,
    *,
    subjects: Sequence[int],
    unseen: Sequence[int],
    seeds: Sequence[int],
    options: RegressionOptions,
    on_progress: OnProgress,
) -> SingleViews:
    """Return the results of the experiment; finished units in `out` are reused.

    Args:
        study: what every subject goes through; all its frames are learned from.
        out: the folder of finished units.
        subjects: to learn from.
        unseen: to judge by, others.
        seeds: of footage and trainings.
        options: of the 3D network's training.
        on_progress: hears how far it is.

    Raises:
        ConfigError: subjects are missing or in both groups, or units in `out` were made with other settings.
        TrainingError: there were too few labels, or the run was interrupted.
    """
    if not subjects or not unseen or not seeds or set(subjects) & set(unseen):
        raise ConfigError("table5: expected a seed, a subject to learn from and another one to judge by, or more")
    everything, store = replace(study, learned_share=1.0), UnitStore(out / "table5")
    experiments = {
        seed: _SeedExperiment(everything, store, tuple(subjects), seed, options, on_progress) for seed in seeds
    }
    runs = tuple(Run(subject, seed) for seed in seeds for subject in unseen)
    poses: dict[tuple[Run, str, str], JudgedPoses] = {
        (run, teacher.value, action): experiments[run.seed].judged(teacher, run.subject, action)
        for run in runs
        for teacher in Teacher
        for action in study.actions
    }
    taught = tuple(Run(subject, seed) for seed in seeds for subject in subjects)
    labels: dict[tuple[Run, str, str], JudgedPoses] = {
        (run, LABELS, action): experiments[run.seed].labels(run.subject, action)
        for run in taught
        for action in study.actions
    }
    return SingleViews(Results(study.actions, runs, poses), Results(study.actions, taught, labels))


def table5(judged: SingleViews, settings: dict[str, Any]) -> ReproducedTable:
    """Return the table: both networks' errors, their spread, how far apart they are, and how wrong the labels were."""
    results = judged.networks
    rows = (*results.actions, *((AVERAGE_6,) if set(SIX_ACTIONS) <= set(results.actions) else ()), AVERAGE_15)
    titles = {teacher.value: f"learned from the {teacher.value}" for teacher in Teacher}
    panels = (
        Panel("mean over runs, centroids aligned", rows, TABLE_5, columns(results, titles, rows, CENTRED)),
        Panel("spread over runs, centroids aligned", rows, (), columns(results, titles, rows, CENTRED, spread=True)),
        Panel(
            "mean over runs, root's depth estimated, no alignment", rows, (), columns(results, titles, rows, IN_WORLD)
        ),
        selection_panel(LEARNED, judged.labels, LABELS, rows, selected="learned"),
    )
    return ReproducedTable("table5", CAPTION, panels, tuple(_verdicts(results)), settings)


class _SeedExperiment:
    """The networks and judgements of one seed."""

    def __init__(
        self,
        study: Study,
        store: UnitStore,
        subjects: tuple[int, ...],
        seed: int,
        options: RegressionOptions,
        on_progress: OnProgress,
    ) -> None:
        self._study, self._store, self._subjects, self._seed = study, store, subjects, seed
        training = replace(options.training, seed=seed)
        self._options, self._on_progress = replace(options, training=training), on_progress

    def judged(self, teacher: Teacher, subject: int, action: str) -> JudgedPoses:
        """Return how wrong a network is on an action of a subject that it has not seen."""
        name = (f"seed-{self._seed}", teacher.value, f"subject-{subject}", action)
        folder = self._store.ensure(name, self._settings(teacher), lambda to: self._judge(teacher, subject, action, to))
        return read_judged(folder / JUDGED)

    def _judge(self, teacher: Teacher, subject: int, action: str, folder: Path) -> None:
        model_folder = self._network(teacher)
        person = self._subject(subject)
        windows, take = person.harvest(Network.GENERIC, action), person.take(action)
        judged = no_poses(len(take.truth.skeleton))
        if windows is not None:
            judged = judge_single_views(load_model(model_folder / WEIGHTS), windows, take)
        write_judged(judged, folder / JUDGED, {"subject": subject, "seed": self._seed, "teacher": teacher.value})

    def labels(self, subject: int, action: str) -> JudgedPoses:
        """Return how wrong the learned harvest of an action is; selected are the joints that were learned."""
        name = (f"seed-{self._seed}", "labels", f"subject-{subject}", action)
        settings = self._settings(Teacher.HARVEST)
        folder = self._store.ensure(name, settings, lambda to: self._judge_labels(subject, action, to))
        return read_judged(folder / JUDGED)

    def _judge_labels(self, subject: int, action: str, folder: Path) -> None:
        person = self._subject(subject)
        harvest, take = person.harvest(LABELS, action), person.take(action)
        judged = judge_poses(harvest, take.truth)
        if harvest is not None:
            known = np.isfinite(judged.error_mm)
            judged = replace(judged, selected=known if self._options.all_joints else self._learned[subject, action])
        write_judged(judged, folder / JUDGED, {"subject": subject, "seed": self._seed, "labels": LABELS.value})

    @cached_property
    def _learned(self) -> dict[tuple[int, str], NDArray[np.bool_]]:
        """What is learned of every subject's actions."""
        harvests = {
            (number, action): harvest
            for number in self._subjects
            for action in self._study.actions
            if (harvest := self._subject(number).harvest(LABELS, action)) is not None
        }
        return dict(zip(harvests, select_comparable(list(harvests.values())), strict=True))

    def _network(self, teacher: Teacher) -> Path:
        name = (f"seed-{self._seed}", teacher.value, "network")
        return self._store.ensure(name, self._settings(teacher), lambda to: self._learn(teacher, to))

    def _learn(self, teacher: Teacher, folder: Path) -> None:
        lessons = [lesson for number in self._subjects for lesson in self._lessons(self._subject(number))]
        if not lessons:
            raise TrainingError("table5: nobody was found in the footage to learn from")
        model = learn_poses(
            lessons,
            teacher,
            folder,
            options=self._options,
            on_progress=with_prefix(self._on_progress, f"seed {self._seed}, learning from the {teacher.value}"),
        )
        write_model(model, folder / WEIGHTS)

    def _lessons(self, subject: StudioSubject) -> list[tuple[Harvest, Take]]:
        pairs = ((subject.harvest(LABELS, action), action) for action in self._study.actions)
        return [(harvest, subject.take(action)) for harvest, action in pairs if harvest is not None]

    def _subject(self, number: int) -> StudioSubject:
        return StudioSubject(number, self._seed, self._study, self._store, self._on_progress)

    def _settings(self, teacher: Teacher) -> dict[str, Any]:
        # The truth teaches all joints either way.
        all_joints = self._options.all_joints and teacher is Teacher.HARVEST
        return {
            **self._study.harvest_settings(),
            **self._study.training_settings(),
            "subjects": list(self._subjects),
            "regression": plain_regression(replace(self._options, all_joints=all_joints)),
            **({"labels_over": OVER_COMPARABLE} if teacher is Teacher.HARVEST else {}),
        }


def _verdicts(results: Results) -> Iterator[str]:
    harvest, truth, gap = _gap(results)
    holds = "within" if gap <= LARGEST_GAP_PERCENT else "NOT within"
    yield (
        f"the network learned from the harvest is {holds} {LARGEST_GAP_PERCENT:g} % of the one learned from the truth: "
        f"{harvest:.1f} against {truth:.1f} mm, {gap:+.1f} %"
    )
    each = []
    for seed in sorted({run.seed for run in results.runs}):
        runs = tuple(run for run in results.runs if run.seed == seed)
        harvest, truth, gap = _gap(replace(results, runs=runs))
        each.append(f"{seed}: {harvest:.1f} against {truth:.1f}, {gap:+.1f} %")
    if len(each) > 1:
        yield f"seed by seed, mm: {'; '.join(each)}"


def _gap(results: Results) -> tuple[float, float, float]:
    """Return both networks' errors, mm, and by how much the harvest's errs more than the truth's, percent."""
    harvest, truth = (results.mean(teacher.value, AVERAGE_15, CENTRED).value for teacher in Teacher)
    return harvest, truth, 100 * (harvest - truth) / truth
