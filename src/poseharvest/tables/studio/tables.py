"""The tables of `poseharvest reproduce --data synthetic`: from what the command asks for to the experiments."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from poseharvest.learning.personalize.finetune import trainable
from poseharvest.studio import ACTIONS
from poseharvest.tables.request import TableRequest
from poseharvest.tables.result import ReproducedTable
from poseharvest.tables.studio.filming import Filming
from poseharvest.tables.studio.fine_tuning import run_table4
from poseharvest.tables.studio.fine_tuning import table4 as summarise4
from poseharvest.tables.studio.single_pictures import run_table5
from poseharvest.tables.studio.single_pictures import table5 as summarise5
from poseharvest.tables.studio.study import Study

SUBJECTS: Final = (1, 2, 3)
SEEDS: Final = (0, 1, 2)
UNSEEN: Final = (101, 102)
"""Table 5's subjects to judge by: as many as the paper has."""

WARM_UP_FRAMES: Final = 12
"""From which limb lengths are learned: takes are short, and learning them takes most of a harvest's time."""

INPUT_PX: Final = 128
FEATURES: Final = 64
"""Table 5's network is smaller than the published hourglasses, as the generic 2D network is."""


def table4(request: TableRequest) -> ReproducedTable:
    """Return Table 4 on subjects of the studio; finished units of an earlier call with the same `out` are reused."""
    study = study_of(request)
    results = run_table4(
        study,
        request.out,
        subjects=request.subjects or SUBJECTS,
        seeds=request.seeds or SEEDS,
        on_progress=request.on_progress,
    )
    return summarise4(results, study)


def table5(request: TableRequest) -> ReproducedTable:
    """Return Table 5 on subjects of the studio; finished units of an earlier call with the same `out` are reused."""
    study, options = study_of(request), request.regression
    options = replace(options, input_px=INPUT_PX, features=FEATURES, held_out=0.0)
    subjects, seeds = request.subjects or SUBJECTS, request.seeds or SEEDS
    results = run_table5(
        study,
        request.out,
        subjects=subjects,
        unseen=UNSEEN,
        seeds=seeds,
        options=options,
        on_progress=request.on_progress,
    )
    settings = {
        **study.harvest_settings(),
        **study.training_settings(),
        "subjects": list(subjects),
        "unseen": list(UNSEEN),
        "seeds": list(seeds),
        "regression": options.as_dict(),
    }
    return summarise5(results, settings)


def study_of(request: TableRequest) -> Study:
    """Return what every subject goes through.

    Raises:
        ConfigError: there is no such action, or too few frames.
        DetectorError: the detector's weights cannot be used.
        TrainingError: the detector has no network that can be trained.
    """
    filming = Filming(device=request.harvesting.device)
    if request.frames is not None:
        filming = replace(filming, num_frames=request.frames)
    return Study(
        detector=trainable(request.detector.load("studio")),
        detector_settings=request.detector.as_dict(),
        actions=request.actions or tuple(ACTIONS),
        filming=filming,
        harvesting=replace(request.harvesting, warm_up_frames=WARM_UP_FRAMES),
        training=request.refinement,
    )
