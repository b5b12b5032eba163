"""`poseharvest predict`: 3D poses from a picture, a folder of pictures or a video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from poseharvest.cli.progress import progress_bar

_CALIBRATION = "Calibration of the camera, such as a harvest's rig.json; without it there are no millimetres across."
_ROOT = "Distance of the root joint along the camera's axis; estimated from limb lengths if not given."
_LENGTHS = "TOML file with the person's [limb_lengths_mm]; those of the training if not given."
_BOXES = "CSV of boxes: frame,view,x,y,width,height; the whole picture if not given."


def predict(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    model: Annotated[Path, typer.Argument(help="Folder of train3d, or its weights file.", show_default=False)],
    pictures: Annotated[Path, typer.Argument(help="Picture, folder of pictures, or video.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder to make.", show_default=False)],
    boxes: Annotated[Path | None, typer.Option(help=_BOXES, show_default=False)] = None,
    calibration: Annotated[Path | None, typer.Option(help=_CALIBRATION, show_default=False)] = None,
    view: Annotated[str | None, typer.Option(help="The camera's name in it.", show_default=False)] = None,
    root_depth_mm: Annotated[float | None, typer.Option(help=_ROOT, show_default=False)] = None,
    limb_lengths: Annotated[Path | None, typer.Option(help=_LENGTHS, show_default=False)] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier prediction.")] = False,
) -> None:
    """Predict 3D poses in single pictures with a network of train3d."""
    from poseharvest.calibration.registry import read_calibration
    from poseharvest.localization.boxes import read_boxes
    from poseharvest.pictorial.pairwise import read_limb_lengths
    from poseharvest.regression.model import load_model
    from poseharvest.regression.pictures import open_pictures
    from poseharvest.regression.predict import Situation
    from poseharvest.regression.predict import predict as run

    if (calibration is None) != (view is None):
        raise typer.BadParameter("expected --calibration and --view together", param_hint="--view")
    situation = Situation(
        camera=None if calibration is None else read_calibration(calibration).camera(view or ""),
        root_depth_mm=root_depth_mm,
        limb_lengths=None if limb_lengths is None else read_limb_lengths(limb_lengths),
        boxes=None if boxes is None else read_boxes(boxes),
    )
    with progress_bar(Console(stderr=True)) as on_progress:
        poses = run(
            load_model(model, device=device),
            open_pictures(pictures),
            out,
            situation=situation,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"depth of the root: {situation.root_depth_source}")
    console.print(f"poses: {poses}")
