"""`poseharvest predict`: 3D poses from a picture, a folder of pictures or a video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from poseharvest.cli.assignments import parse_assignments
from poseharvest.cli.progress_bar import progress_bar
from poseharvest.detectors.detector_names import describe_detectors
from poseharvest.devices import network_device

if TYPE_CHECKING:
    from poseharvest.learning.pose3d.predict_poses import Prediction, Situation

_CALIBRATION = "Calibration of the camera, such as a harvest's rig.json; without it there are no millimetres across."
_ROOT = "Distance of the root joint along the camera's axis; estimated from limb lengths if not given."
_LENGTHS = escape("TOML file with the person's [limb_lengths_mm]; those of the training if not given.")
_BOXES = "CSV of boxes: frame,view,x,y,width,height. Without boxes and detector the window is the whole picture."
_DETECTOR = (
    "Finds the most visible person, best the one that harvested. In a video the person is followed; a folder's "
    f"pictures are searched one by one, unless --sequence. {describe_detectors()}"
)
_SEQUENCE = "The folder's pictures are the frames of one film: follow the person through them."
_OVERLAYS = "How many pictures to write with their poses, spread evenly."
_NUM_OVERLAYS = 20
_OPTION = "An option of the detector, name=value, such as flip_test=true; may be repeated."


def predict(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    model: Annotated[Path, typer.Argument(help="Folder of train3d, or its weights file.", show_default=False)],
    pictures: Annotated[Path, typer.Argument(help="Picture, folder of pictures, or video.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder to make.", show_default=False)],
    boxes: Annotated[Path | None, typer.Option(help=_BOXES, show_default=False)] = None,
    detector: Annotated[str | None, typer.Option(help=_DETECTOR, show_default=False)] = None,
    weights: Annotated[Path | None, typer.Option(help="The detector's weights; fetched once if not given.")] = None,
    detector_option: Annotated[list[str] | None, typer.Option(help=_OPTION)] = None,
    sequence: Annotated[bool, typer.Option("--sequence", help=_SEQUENCE)] = False,
    calibration: Annotated[Path | None, typer.Option(help=_CALIBRATION, show_default=False)] = None,
    view: Annotated[str | None, typer.Option(help="The camera's name in it.", show_default=False)] = None,
    root_depth_mm: Annotated[float | None, typer.Option(help=_ROOT, show_default=False)] = None,
    limb_lengths: Annotated[Path | None, typer.Option(help=_LENGTHS, show_default=False)] = None,
    overlays: Annotated[int, typer.Option(help=_OVERLAYS, min=0)] = _NUM_OVERLAYS,
    device: Annotated[str, typer.Option(help="auto (a GPU if there is one), cpu or cuda.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier prediction.")] = False,
) -> None:
    """Predict 3D poses in single pictures with a network of train3d."""
    from poseharvest.calibration.registry import read_calibration
    from poseharvest.detectors.registry import load_detector
    from poseharvest.learning.pose3d.input_pictures import open_pictures
    from poseharvest.learning.pose3d.pose_model import load_model
    from poseharvest.learning.pose3d.predict_poses import Situation
    from poseharvest.learning.pose3d.predict_poses import predict as run
    from poseharvest.localization.boxes import read_boxes
    from poseharvest.skeleton.limb_lengths import read_limb_lengths

    if (calibration is None) != (view is None):
        raise typer.BadParameter("expected --calibration and --view together", param_hint="--view")
    if detector is None and (weights is not None or detector_option):
        raise typer.BadParameter("expected --detector with it", param_hint="--weights, --detector-option")
    options_of_detector = parse_assignments(detector_option or [], option="--detector-option")
    situation = Situation(
        camera=None if calibration is None else read_calibration(calibration).camera(view or ""),
        root_depth_mm=root_depth_mm,
        limb_lengths=None if limb_lengths is None else read_limb_lengths(limb_lengths),
        boxes=None if boxes is None else read_boxes(boxes),
        detector=None
        if detector is None
        else load_detector(detector, weights=weights, device=device, **options_of_detector),
    )
    with progress_bar(Console(stderr=True)) as on_progress:
        result = run(
            load_model(model, device=network_device(device)),
            open_pictures(pictures, sequence=sequence),
            out,
            situation=situation,
            num_overlays=overlays,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    _print(result, situation)


def _print(result: Prediction, situation: Situation) -> None:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for finding in result.findings:
        console.print(f"warning: {finding}")
    console.print(f"window: {situation.window_source}")
    console.print(f"depth of the root: {situation.root_depth_source}")
    missing = "without a box" if situation.detector is None else "in which nobody is found"
    without = result.num_pictures - result.num_poses
    console.print(
        f"{result.num_poses} poses in {result.num_pictures} pictures" + (f", {without} {missing}" if without else "")
    )
    if situation.camera is None:
        console.print(
            "x, y, z are empty: they need the camera (--calibration FILE --view NAME); u, v and depth are there"
        )
    console.print(f"poses: {result.poses}")
    if result.overlays is not None:
        console.print(f"pictures with poses: {result.overlays}")
