"""`poseharvest harvest`: footage in, a harvest folder with its report out."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from poseharvest.annotations.reader import Harvest
from poseharvest.capture.capture import Capture
from poseharvest.cli.assignments import VIEWS_HELP, parse_assignments, split_names
from poseharvest.cli.derived_options import options_of, with_options
from poseharvest.cli.footage_options import ROTATE, SCALE
from poseharvest.cli.progress_bar import progress_bar
from poseharvest.cli.remote_output import local_output
from poseharvest.cli.summary import FAULTY, has_faults, print_summary
from poseharvest.detectors.keypoint_capture import capture_settings, open_capture
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.detectors.registry import NAMES, describe_detectors, load_detector
from poseharvest.errors import NoteOnError
from poseharvest.harvesting.harvest_capture import harvest as run
from poseharvest.harvesting.harvest_options import Estimate, HarvestOptions
from poseharvest.harvesting.on_ray import ray_workers
from poseharvest.harvesting.over_workers import Workers
from poseharvest.localization.boxes import read_boxes
from poseharvest.people_calibration.refined_capture import RefinedCapture, refined_capture
from poseharvest.pictorial.infer import InferenceOptions
from poseharvest.progress import OnProgress
from poseharvest.report.html import report as write_report
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.select import selection_rule
from poseharvest.skeleton.limb_lengths import read_limb_lengths
from poseharvest.synchronisation.capture_clocks import synchronised
from poseharvest.units import LengthUnit

_DEFAULTS = HarvestOptions()
_CAPTURE = "Folder with videos/ or images/, and a calibration."
_RATE = "Frames per second; those of the slowest view if not given, and 30 where there is no footage."
_DETECTOR = describe_detectors()
_OPTION = "An option of the detector, such as flip_test=true, frame_offset=1 or frame_offset.cam03=1; may be repeated."
_PEOPLE = "Number of people to harvest, or all. 1 takes the person on whom most views agree."
_MOMENTS = "Each frame stands alone, as in time-lapse; with keypoint files noticed if neither is given."
_RECALIBRATION = "Map that makes the covariances honest, as evaluate --recalibrate writes it from known truth."
_ESTIMATE = "continuous: poses between the voxels, sigma calibrated by the footage; grid: the paper's mean of the grid."
_SHARE = "Part of each joint to select; 0.7, or with --limit 1."
_LIMIT = "Select what is at most so many times as wide as the joint's most certain tenth, such as 1.3."
_SKELETON = "Joints to harvest from keypoint files or an ONNX model: a built-in skeleton, or a TOML file of your own."
_LENGTHS = "TOML file with the subject's limb lengths in mm; estimated from the footage if not given."
_SYNC = "Find by motion how much later each camera was started, and harvest with that where it is sure."
_REFINE = "Refine where the cameras stand by the people, and use that if frames that took no part say it is better."
_RAY = "Spread the frames over a Ray cluster: auto finds it, HOST:PORT is its head, local is this machine alone."
_KEEP = "Leave no camera out, also one that is plainly at fault."
_STRICT = (
    "End with exit code 3 if a camera is at fault, or anything else is an error; the harvest is written all the same."
)


@with_options("inference", options_of(InferenceOptions), lambda values: InferenceOptions(**values))
def harvest(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    capture: Annotated[Path, typer.Argument(help=_CAPTURE, show_default=False)],
    out: Annotated[Path, typer.Option(help="The harvest folder to make; s3://BUCKET/NAME for S3.", show_default=False)],
    calibration: Annotated[Path | None, typer.Option(help="Its file; found in the capture if not given.")] = None,
    unit: Annotated[LengthUnit | None, typer.Option(help="The calibration's unit: mm, cm or m.")] = None,
    views: Annotated[str | None, typer.Option(help=VIEWS_HELP)] = None,
    rotate: Annotated[str | None, typer.Option(help=ROTATE, show_default=False)] = None,
    scale: Annotated[str | None, typer.Option(help=SCALE, show_default=False)] = None,
    frame_rate: Annotated[float | None, typer.Option(help=_RATE, show_default=False)] = None,
    detector: Annotated[str, typer.Option(help=_DETECTOR)] = "efficientpose",
    weights: Annotated[Path | None, typer.Option(help="The detector's weights; fetched once if not given.")] = None,
    detector_option: Annotated[list[str] | None, typer.Option(help=_OPTION)] = None,
    skeleton: Annotated[str | None, typer.Option(help=_SKELETON, show_default=False)] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    boxes: Annotated[Path | None, typer.Option(help="CSV of boxes: frame,view,x,y,width,height.")] = None,
    limb_lengths: Annotated[Path | None, typer.Option(help=_LENGTHS)] = None,
    inference: InferenceOptions = _DEFAULTS.inference,
    estimate: Annotated[Estimate, typer.Option(help=_ESTIMATE)] = _DEFAULTS.estimate,
    share: Annotated[float | None, typer.Option(help=_SHARE, show_default=False)] = None,
    limit: Annotated[float | None, typer.Option(help=_LIMIT, show_default=False)] = None,
    measure: Annotated[str, typer.Option(help="Measure of confidence.")] = _DEFAULTS.selection.measure,
    recalibration: Annotated[Path | None, typer.Option(help=_RECALIBRATION, show_default=False)] = None,
    people: Annotated[str, typer.Option(help=_PEOPLE)] = str(_DEFAULTS.people),
    moments: Annotated[bool | None, typer.Option("--moments/--in-a-row", help=_MOMENTS, show_default=False)] = None,
    start: Annotated[int, typer.Option(help="First frame.")] = _DEFAULTS.start,
    stop: Annotated[int | None, typer.Option(help="Frame before which to stop.")] = None,
    sync: Annotated[bool, typer.Option("--sync", help=_SYNC)] = False,
    refine_cameras: Annotated[bool, typer.Option("--refine-cameras", help=_REFINE)] = False,
    keep_cameras: Annotated[bool, typer.Option("--keep-cameras", help=_KEEP)] = False,
    strict: Annotated[bool, typer.Option("--strict", help=_STRICT)] = False,
    ignore_audit: Annotated[bool, typer.Option("--ignore-audit", help="Harvest in spite of the audit.")] = False,
    ray: Annotated[str | None, typer.Option(help=_RAY, show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted harvest.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier harvest.")] = False,
) -> None:
    """Harvest 3D poses and annotations from a calibrated multi-camera capture."""
    who = HarvestOptions(people=_number_of_people(people), moments=moments, start=start, stop=stop, device=device)
    how = replace(who, inference=inference, estimate=estimate, ignore_audit=ignore_audit, keep_cameras=keep_cameras)
    options = replace(how, selection=selection_rule(measure, share, limit), recalibration=_recalibration(recalibration))
    footage = {"views": split_names(views), "rotate": rotate, "scale": scale, "frame_rate": frame_rate}
    settings = capture_settings(capture, {"calibration": calibration, "unit": unit, **footage})
    load = partial(_load, detector, weights, device, _detector_options(detector_option, skeleton))
    at_once = None if detector in NAMES else load()  # a network may have to be downloaded
    with local_output(out, overwrite=overwrite) as folder:
        with progress_bar(Console(stderr=True)) as on_progress, _workers(ray) as workers:
            opened, network = open_capture(capture, at_once, settings), at_once or load()
            ready = _prepared(opened, network, on_progress, sync=sync, refine=refine_cameras)
            result = run(
                ready.capture,
                network,
                folder,
                options=options,
                boxes=None if boxes is None else read_boxes(boxes),
                limb_lengths=None if limb_lengths is None else read_limb_lengths(limb_lengths),
                overwrite=overwrite,
                resume=resume,
                on_progress=on_progress,
                workers=workers,
            )
        _conclude(result, ready)
    _end(result, strict=strict)


def _workers(ray: str | None) -> AbstractContextManager[Workers | None]:
    return nullcontext() if ray is None else ray_workers(ray)


def _prepared(
    capture: Capture, detector: HeatmapDetector, on_progress: OnProgress, *, sync: bool, refine: bool
) -> RefinedCapture:
    """Return the capture with the offsets and cameras that the footage itself shows, where that is asked for."""
    in_step = synchronised(capture, detector, on_progress) if sync else capture
    return refined_capture(in_step, detector, on_progress) if refine else RefinedCapture(in_step)


def _conclude(result: Harvest, ready: RefinedCapture) -> None:
    """Write refined cameras and the report, and print the summary."""
    ready.write_cameras(result.path)
    with NoteOnError(f"the harvest is finished: {result.path}: poseharvest report makes its report"):
        print_summary(result, write_report(result.path))


def _end(result: Harvest, *, strict: bool) -> None:
    """End the program with the exit code of faults, if they count."""
    if strict and has_faults(result.info):
        raise typer.Exit(FAULTY)


def _recalibration(path: Path | None) -> Recalibration | None:
    return None if path is None else Recalibration.read(path)


def _load(name: str, weights: Path | None, device: str, options: dict[str, Any]) -> HeatmapDetector:
    return load_detector(name, weights=weights, device=device, **options)


def _detector_options(assignments: list[str] | None, skeleton: str | None) -> dict[str, Any]:
    options = parse_assignments(assignments or [], option="--detector-option")
    return options if skeleton is None else {**options, "skeleton": skeleton}


def _number_of_people(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal():
        raise typer.BadParameter(f'expected a number or all, got "{text}"', param_hint="--people")
    return int(text)
