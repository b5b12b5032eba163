"""The whole story in a few minutes: film, harvest, personalise, harvest again, and compare with the known truth."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from poseharvest.detectors.network import NetworkDetector
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.learning.personalize.recipe import REFINEMENT
from poseharvest.progress import OnProgress
from poseharvest.report.html import report
from poseharvest.storage.finished_units import UnitStore
from poseharvest.storage.run_folder import RunFolder
from poseharvest.storage.staging import staged_file
from poseharvest.studio import ACTIONS
from poseharvest.tables.result import ReproducedTable
from poseharvest.tables.studio.filming import Filming
from poseharvest.tables.studio.fine_tuning import run_table4, table4
from poseharvest.tables.studio.results import Results
from poseharvest.tables.studio.story import Story, write_story
from poseharvest.tables.studio.studio_subject import StudioSubject
from poseharvest.tables.studio.study import INFERENCE, Network, Study
from poseharvest.versions import current_versions

FORMAT: Final = "poseharvest demo"
RECORD, TABLE, PAGE = "demo.json", "table4.json", "report/index.html"
SUBJECT: Final = 1


@dataclass(frozen=True)
class DemoPlan:
    """How much of the experiment of Table 4 is run.

    Attributes:
        actions: what the subject performs.
        filming: how it is filmed.
        harvesting: the 3D inference.
        epochs: of every fine-tuning.
        networks: beside the generic one, the first always, the others as long as there is time.
        time_limit_s: no other network is begun if it would end later than this.
        left_out: what is smaller than in the full experiment, a sentence.
    """

    actions: tuple[str, ...]
    filming: Filming
    harvesting: HarvestOptions
    epochs: int
    networks: tuple[Network, ...]
    time_limit_s: float
    left_out: str


DISTILLATION: Final = 1.0
"""Short takes teach little of rare postures: without it whole takes are lost (docs/measurements/experiments.md). It was
chosen on subjects 11 and 12, whom the demo does not show."""

FULL: Final = DemoPlan(
    actions=tuple(ACTIONS),
    filming=Filming(num_frames=12),
    harvesting=HarvestOptions(
        inference=replace(INFERENCE, resolution=48), warm_up_frames=8, num_previews=4, ignore_audit=True
    ),
    epochs=4,
    networks=(Network.PS_SEL, Network.PS, Network.HM_SEL, Network.HM),
    time_limit_s=420.0,
    left_out=(
        "One subject, one seed, 12 frames of every action, and a grid of 48 voxels a side: "
        "poseharvest reproduce table4 --data synthetic runs the whole experiment."
    ),
)
QUICK: Final = DemoPlan(
    actions=("Greeting", "Sitting"),
    filming=Filming(num_frames=16, scale=0.3),
    harvesting=HarvestOptions(
        inference=replace(INFERENCE, resolution=32), warm_up_frames=4, num_previews=2, ignore_audit=True
    ),
    epochs=3,
    networks=(Network.PS_SEL,),
    time_limit_s=0.0,
    left_out=(
        "Quick: one subject, one seed, two actions of 16 frames, pictures of 300 pixels a side, a grid of 32 voxels a "
        "side, three epochs, and of the label sets PS+sel alone. The numbers scatter; without --quick there are more."
    ),
)
HELD: Final = (
    "Unlike the paper's, the networks are held to what the generic one saw in joints that they are not taught "
    f"(personalize --distillation {DISTILLATION:g})."
)


@dataclass(frozen=True, eq=False)
class Demo:
    """What the demo gives.

    Attributes:
        folder: of everything.
        page: the report.
        table: like the paper's Table 4.
        seconds: that it took.
    """

    folder: Path
    page: Path
    table: ReproducedTable
    seconds: float


def run_demo(  # noqa: PLR0913 - the demo's inputs
    detector: NetworkDetector,
    detector_settings: Mapping[str, Any],
    out: Path,
    *,
    plan: DemoPlan = FULL,
    seed: int = 0,
    overwrite: bool = False,
    on_progress: OnProgress,
) -> Demo:
    """Run the demo into `out`; an interrupted one with the same options is continued.

    Args:
        detector: the generic network.
        detector_settings: what it is, in plain data.
        out: the folder to make.
        plan: how much.
        seed: of motion, room, light, noise and training.
        overwrite: begin anew.
        on_progress: hears how far it is.

    Raises:
        StoreError: `out` holds something else, or cannot be written.
        TrainingError: an earlier demo there was run with other options, or there are too few labels.
    """
    start_s = time.monotonic()
    study = Study(
        detector=detector,
        detector_settings=detector_settings,
        actions=plan.actions,
        filming=plan.filming,
        harvesting=plan.harvesting,
        training=replace(REFINEMENT, epochs=plan.epochs, distillation=DISTILLATION),
    )
    run = RunFolder(out, RECORD, FORMAT, remedy="run the command again to go on")
    settings = {**study.harvest_settings(), **study.training_settings(), "seed": seed}
    with run.running(settings, overwrite=overwrite, resume=not overwrite):
        results = _within_time(study, out, plan, seed, start_s=start_s, on_progress=on_progress)
        table = table4(results, study)
        table = replace(table, notes=(plan.left_out, HELD, *table.notes))
        subject = StudioSubject(SUBJECT, seed, study, UnitStore(out), on_progress)
        page = write_story(Story(subject, results, table, _reports(subject)), out / PAGE)
        seconds = time.monotonic() - start_s
        with staged_file(out / TABLE, overwrite=True) as temporary:
            temporary.write_text(json.dumps(table.as_dict(), indent=2) + "\n", encoding="utf-8")
        run.write({"finished": True, **settings, "seconds": round(seconds, 1), "versions": current_versions()})
        return Demo(out, page, table, seconds)


def _within_time(
    study: Study, out: Path, plan: DemoPlan, seed: int, *, start_s: float, on_progress: OnProgress
) -> Results:
    """Return the results of the generic and the first other network, and of more as long as there is time."""
    run = partial(run_table4, study, out, subjects=(SUBJECT,), seeds=(seed,), keep=True, on_progress=on_progress)
    networks: list[Network] = []
    results, last_s = run(networks=networks), 0.0
    for network in plan.networks:
        network_start_s = time.monotonic()
        if networks and network_start_s - start_s + last_s > plan.time_limit_s:
            break
        networks.append(network)
        results = run(networks=networks)
        last_s = time.monotonic() - network_start_s
    return results


def _reports(subject: StudioSubject) -> dict[tuple[Network, str], Path]:
    """Return the reports of the harvests before and after, by network and action."""
    reports = {}
    for network in (Network.GENERIC, Network.PS_SEL):
        for action in subject.study.actions:
            harvested = subject.harvest(network, action)
            if harvested is not None:
                reports[network, action] = report(harvested.path)
    return reports
