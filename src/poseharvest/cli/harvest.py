"""`poseharvest harvest`: footage in, a harvest folder with its report out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from poseharvest.cli.derived_options import option, options_of, with_options
from poseharvest.cli.exit_codes import FAULTY
from poseharvest.cli.footage_options import (
    FOOTAGE,
    DetectorChoice,
    detector_choice,
    detector_options,
    footage_settings,
)
from poseharvest.cli.harvest_plan import HarvestPlan
from poseharvest.cli.progress_bar import progress_bar
from poseharvest.cli.remote_output import local_output
from poseharvest.cli.summary import has_faults, print_summary
from poseharvest.cli.trial_runs import harvest_all
from poseharvest.detectors.detector_names import describe_detectors
from poseharvest.devices import inference_device
from poseharvest.errors import NoteOnError
from poseharvest.harvesting.harvest_options import Estimate, HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.selection.rules import selection_rule
from poseharvest.skeleton.limb_lengths import read_limb_lengths

_DEFAULTS = HarvestOptions()
_CAPTURES = "Folder with videos/ or images/, and a calibration; several of them, or a folder of them, are trials."
_OUT = "The harvest folder to make, or of trials the folder for their harvests; s3://BUCKET/NAME for S3."
_PEOPLE = "Number of people to harvest, or all. 1 takes the person on whom most views agree."
_FOLLOW = (
    "Whom to harvest of several: longest (in view), or who is in the first frame at VIEW:X,Y or in "
    "VIEW:X,Y,WIDTH,HEIGHT, pixels of the picture; in another frame with @FRAME behind it."
)
_HANDS = (
    "Harvest the joints of both hands as well, from keypoint files that hold hands or a whole-body network; for one "
    "person."
)
_MOMENTS = "Each frame stands alone, as in time-lapse; with keypoint files noticed if neither is given."
_RECALIBRATION = "Map that makes the covariances honest, as evaluate --recalibrate writes it from known truth."
_ESTIMATE = "continuous: poses between the voxels, sigma calibrated by the footage; grid: the paper's mean of the grid."
_SHARE = "Part of each joint to select; 0.7, or with --limit 1."
_LIMIT = "Select what is at most so many times as wide as the joint's most certain tenth, such as 1.3."
_JOINTS = "Joints to harvest from keypoint files or an ONNX model: a built-in skeleton, or a TOML file of your own."
_SKELETON = option("skeleton", str | None, None, help=_JOINTS)
_LENGTHS = "TOML file with the subject's limb lengths in mm; estimated from the footage if not given."
_PICTURES = "Number of frames whose pictures are kept for the report, spread evenly; 0 keeps no picture of anybody."
_FILM = (
    "Longer side of the small pictures of all frames that are kept for the report, as a film; 0 keeps none. Without it "
    "320 with a network, and none with keypoint files, for which the footage would be read."
)
_SYNC = "Find by motion how much later each camera was started, and harvest with that where it is sure."
_REFINE = "Refine where the cameras stand by the people, and use that if frames that took no part say it is better."
_RAY = "Spread the frames over a Ray cluster: auto finds it, HOST:PORT is its head, local is this machine alone."
_KEEP = "Leave no camera out, also one that is plainly at fault."
_STRICT = (
    "End with exit code 3 if a camera is at fault, or anything else is an error; the harvest is written all the same."
)


def _detector(values: Mapping[str, Any]) -> DetectorChoice:
    choice, skeleton = detector_choice(values), values["skeleton"]
    return choice if skeleton is None else replace(choice, options={**choice.options, "skeleton": skeleton})


@with_options("footage", FOOTAGE, footage_settings)
@with_options("detector", (*detector_options(describe_detectors(), "efficientpose"), _SKELETON), _detector)
@with_options("inference", options_of(InferenceOptions), lambda values: InferenceOptions(**values))
def harvest(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    captures: Annotated[list[Path], typer.Argument(help=_CAPTURES, show_default=False)],
    out: Annotated[Path, typer.Option(help=_OUT, show_default=False)],
    footage: Mapping[str, Any],
    detector: DetectorChoice,
    inference: InferenceOptions,
    boxes: Annotated[Path | None, typer.Option(help="CSV of boxes: frame,view,x,y,width,height.")] = None,
    limb_lengths: Annotated[Path | None, typer.Option(help=_LENGTHS)] = None,
    estimate: Annotated[Estimate, typer.Option(help=_ESTIMATE)] = _DEFAULTS.estimate,
    share: Annotated[float | None, typer.Option(help=_SHARE, show_default=False)] = None,
    limit: Annotated[float | None, typer.Option(help=_LIMIT, show_default=False)] = None,
    measure: Annotated[str, typer.Option(help="Measure of confidence.")] = _DEFAULTS.selection.measure,
    recalibration: Annotated[Path | None, typer.Option(help=_RECALIBRATION, show_default=False)] = None,
    people: Annotated[str, typer.Option(help=_PEOPLE)] = str(_DEFAULTS.people),
    follow: Annotated[str | None, typer.Option(help=_FOLLOW, show_default=False)] = None,
    hands: Annotated[bool, typer.Option("--hands", help=_HANDS)] = _DEFAULTS.hands,
    moments: Annotated[bool | None, typer.Option("--moments/--in-a-row", help=_MOMENTS, show_default=False)] = None,
    start: Annotated[int, typer.Option(help="First frame.")] = _DEFAULTS.start,
    stop: Annotated[int | None, typer.Option(help="Frame before which to stop.")] = None,
    report_pictures: Annotated[int, typer.Option(help=_PICTURES, min=0)] = _DEFAULTS.num_previews,
    film_pixels: Annotated[int | None, typer.Option(help=_FILM, min=0, show_default=False)] = _DEFAULTS.film_px,
    sync: Annotated[bool, typer.Option("--sync", help=_SYNC)] = False,
    refine_cameras: Annotated[bool, typer.Option("--refine-cameras", help=_REFINE)] = False,
    keep_cameras: Annotated[bool, typer.Option("--keep-cameras", help=_KEEP)] = False,
    strict: Annotated[bool, typer.Option("--strict", help=_STRICT)] = False,
    ignore_audit: Annotated[bool, typer.Option("--ignore-audit", help="Harvest in spite of the audit.")] = False,
    ray: Annotated[str | None, typer.Option(help=_RAY, show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted harvest.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier harvest.")] = False,
) -> None:
    """Harvest 3D poses and annotations from calibrated multi-camera captures."""
    from poseharvest.capture.trials import find_trials
    from poseharvest.localization.boxes import read_boxes
    from poseharvest.selection.recalibration import Recalibration

    frames = HarvestOptions(people=_number_of_people(people), hands=hands, moments=moments, start=start, stop=stop)
    frames = replace(frames, num_previews=report_pictures, film_px=film_pixels, inference=inference, estimate=estimate)
    how = replace(frames, ignore_audit=ignore_audit, keep_cameras=keep_cameras)
    honest = None if recalibration is None else Recalibration.read(recalibration)
    selection = selection_rule(measure, share, limit)
    device = inference_device(detector.device)
    plan = HarvestPlan(
        footage,
        follow,
        # A worker of a cluster need not have the GPU of this machine.
        detector if ray is None else replace(detector, device=device),
        replace(how, selection=selection, recalibration=honest, device=device),
        boxes=None if boxes is None else read_boxes(boxes),
        limb_lengths=None if limb_lengths is None else read_limb_lengths(limb_lengths),
        finds_offsets=sync,
        refines_cameras=refine_cameras,
        ray=ray,
        resume=resume,
        overwrite=overwrite,
    )
    trials = find_trials(captures)
    is_faulty = _harvest_one(plan, captures[0], out) if trials is None else harvest_all(plan, trials, out)
    if strict and is_faulty:
        raise typer.Exit(FAULTY)


def _harvest_one(plan: HarvestPlan, capture: Path, out: Path) -> bool:
    """Harvest a capture, print its summary, and return whether there are faults."""
    from poseharvest.report.html import report as write_report

    with local_output(out, overwrite=plan.overwrite) as folder:
        with progress_bar(Console(stderr=True)) as on_progress:
            result = plan.harvest(capture, folder, on_progress)
        with NoteOnError(f"the harvest is finished: {result.path}: poseharvest report makes its report"):
            print_summary(result, write_report(result.path))
    return has_faults(result.info)


def _number_of_people(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal():
        raise typer.BadParameter(f'expected a number or all, got "{text}"', param_hint="--people")
    return int(text)
