"""`poseharvest reproduce`: a table of the paper from the data set that it was made on, or from synthetic footage.

A table is made by a `TableFunction`: it takes a `TableRequest` and returns a `ReproducedTable`. Those on the data sets
are found in `DATA_SETS`, those on synthetic footage in `SYNTHETIC`; both map a table to "module:function", so that
nothing is imported before it is needed. To give another table a synthetic form, write such a function in a package
above `reproduction` (tests/test_imports.py has the order) and name it in `SYNTHETIC`: its request has `data=None`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer
from rich.console import Console

from poseharvest.cli.assignments import parse_assignments
from poseharvest.cli.progress_bar import progress_bar
from poseharvest.cli.table_lines import print_reproduced
from poseharvest.detectors.detector_names import describe_detectors
from poseharvest.devices import inference_device, network_device
from poseharvest.errors import ConfigError
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.selection.rules import selection_rule
from poseharvest.storage.staging import staged_file
from poseharvest.tables.request import DetectorChoice, TableName, TableRequest

if TYPE_CHECKING:
    from poseharvest.tables.request import TableFunction

SYNTHETIC_DATA: Final = "synthetic"

DATA_SETS: Mapping[TableName, str] = MappingProxyType({
    TableName.TABLE1: "poseharvest.tables.football.table1:table1",
    TableName.TABLE2: "poseharvest.tables.human36m.table2:table2",
    TableName.TABLE3: "poseharvest.tables.football.table3:table3",
    TableName.TABLE4: "poseharvest.tables.human36m.table4:table4",
    TableName.TABLE5: "poseharvest.tables.human36m.table5:table5",
})
"""The tables on the data sets of the paper."""

SYNTHETIC: Mapping[TableName, str] = MappingProxyType({
    TableName.TABLE4: "poseharvest.tables.studio.tables:table4",
    TableName.TABLE5: "poseharvest.tables.studio.tables:table5",
})
"""The tables that can be made on synthetic footage."""

EXPECTED: Mapping[TableName, str] = MappingProxyType({
    TableName.TABLE1: "KTH Multiview Football II with Sequence 1 of Player 2",
    TableName.TABLE2: "Human3.6M with S9 and S11",
    TableName.TABLE3: "KTH Multiview Football II with both sequences of Player 2",
    TableName.TABLE4: "Human3.6M with S9 and S11",
    TableName.TABLE5: "Human3.6M with S1, S5, S6, S7, S8 to learn from and S9, S11 to judge by",
})
"""What must lie in the folder."""

_DEFAULTS = TableRequest(None, Path())
_INFERENCE = _DEFAULTS.harvesting.inference
_DATA = 'Folder of the data set, or "synthetic".'
_OUT = "Folder for finished units and the table; the same call again goes on."
_DETECTOR = (
    "On synthetic footage hourglass if not given, else efficientpose. {sequence} in a path stands for the sequence. "
    f"{describe_detectors()}"
)
_OPTION = "An option of the detector, name=value; may be repeated."
_AUTHORS = "Take windows, bounding volume and limb lengths from the truth, as the authors' code does."
_ACTIONS = "Human3.6M and synthetic: these actions alone, separated by commas."
_HEIGHTS = "Power of its peak's height with which a view's word on a joint counts; 0 is the paper's."
_FLOOR = f"Chance that a view is simply wrong; {_INFERENCE.floor:g}, on synthetic footage 0.005."
_SHARPEN = "Power of heatmaps relative to their peaks; 1 as in the paper, on synthetic footage 2."
_LIMIT = "Select what is at most so many times as wide as the joint's most certain tenth, not 70 %."
_DISTILLATION = (
    "Hold the joints that are not learned to the generic network's heatmaps; 0 leaves them out, as the paper."
)
_ALL_JOINTS = "Table 5: learn the joints of the harvests that are not selected as well."
_STEP = "Human3.6M: use every N-th frame of its 50 a second."
_SEEDS = "Of the trainings, and of synthetic footage, separated by commas; 0, on synthetic footage 0,1,2."
_SUBJECTS = "Synthetic: numbers of the people who are filmed, separated by commas; 1,2,3."
_FRAMES = "Synthetic: of every action; 30."
_LEAVE_OUT = "Human3.6M: a sequence not to look at, by name; may be repeated."
_PICTURES = "Most pictures to fine-tune a network on; more are thinned out."


def reproduce(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    table: Annotated[TableName, typer.Argument(help="Of the paper.", show_default=False)],
    data: Annotated[str, typer.Option(help=_DATA, show_default=False)],
    out: Annotated[Path, typer.Option(help=_OUT, show_default=False)],
    detector: Annotated[str | None, typer.Option(help=_DETECTOR, show_default=False)] = None,
    weights: Annotated[Path | None, typer.Option(help="The detector's weights; fetched once if not given.")] = None,
    detector_option: Annotated[list[str] | None, typer.Option(help=_OPTION)] = None,
    authors_setting: Annotated[bool, typer.Option("--authors-setting", help=_AUTHORS)] = False,
    cameras: Annotated[Path | None, typer.Option(help="Human3.6M: its cameras, if not in the folder.")] = None,
    subjects: Annotated[str | None, typer.Option(help=_SUBJECTS, show_default=False)] = None,
    actions: Annotated[str | None, typer.Option(help=_ACTIONS)] = None,
    frames: Annotated[int | None, typer.Option(help=_FRAMES, show_default=False)] = None,
    frame_step: Annotated[int, typer.Option(help=_STEP)] = _DEFAULTS.frame_step,
    leave_out: Annotated[list[str] | None, typer.Option(help=_LEAVE_OUT)] = None,
    resolution: Annotated[int, typer.Option(help="Voxels along each edge.")] = _INFERENCE.resolution,
    floor: Annotated[float | None, typer.Option(help=_FLOOR, show_default=False)] = None,
    height_power: Annotated[float, typer.Option(help=_HEIGHTS)] = _INFERENCE.height_power,
    sharpen: Annotated[float | None, typer.Option(help=_SHARPEN, show_default=False)] = None,
    limit: Annotated[float | None, typer.Option(help=_LIMIT, show_default=False)] = None,
    epochs: Annotated[int, typer.Option(help="Of fine-tuning.")] = _DEFAULTS.refinement.epochs,
    distillation: Annotated[float, typer.Option(help=_DISTILLATION)] = _DEFAULTS.refinement.distillation,
    max_pictures: Annotated[int, typer.Option(help=_PICTURES)] = _DEFAULTS.max_pictures,
    epochs_3d: Annotated[int, typer.Option(help="Of training in 3D.")] = _DEFAULTS.regression.training.epochs,
    all_joints: Annotated[bool, typer.Option("--all-joints", help=_ALL_JOINTS)] = False,
    seeds: Annotated[str | None, typer.Option(help=_SEEDS, show_default=False)] = None,
    device: Annotated[str, typer.Option(help="auto (networks on a GPU if there is one), cpu or cuda.")] = "auto",
) -> None:
    """Make a table of the paper: its numbers, and ours beside them."""
    its_options = parse_assignments(detector_option or [], option="--detector-option")
    is_synthetic = data == SYNTHETIC_DATA
    training = replace(_DEFAULTS.regression.training, epochs=epochs_3d, device=network_device(device))
    request = TableRequest(
        data=None if is_synthetic else Path(data),
        out=out,
        detector=DetectorChoice(detector or _detector_for(is_synthetic=is_synthetic), weights, its_options, device),
        harvesting=HarvestOptions(
            estimate="grid",  # the paper's
            inference=_inference(resolution, floor, height_power, sharpen, is_synthetic=is_synthetic),
            selection=selection_rule(limit=limit),
            num_previews=0,
            device=inference_device(device),
        ),
        authors_setting=authors_setting,
        cameras=cameras,
        subjects=() if subjects is None else _numbers(subjects, "--subjects"),
        frames=frames,
        actions=None if actions is None else tuple(action.strip() for action in actions.split(",")),
        frame_step=frame_step,
        leave_out=tuple(leave_out or ()),
        seeds=_numbers(seeds or ("0,1,2" if is_synthetic else "0"), "--seeds"),
        refinement=replace(_DEFAULTS.refinement, epochs=epochs, distillation=distillation, device=training.device),
        max_pictures=max_pictures,
        regression=replace(_DEFAULTS.regression, training=training, all_joints=all_joints),
    )
    make = table_function(table, is_synthetic=is_synthetic)
    with progress_bar(Console(stderr=True)) as on_progress:
        reproduced = make(replace(request, on_progress=on_progress))
    path = out / f"{table.value}.json"
    with staged_file(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(reproduced.as_dict(), indent=2) + "\n", encoding="utf-8")
    print_reproduced(reproduced, path)


def table_function(table: TableName, *, is_synthetic: bool) -> TableFunction:
    """Return what makes a table.

    Raises:
        ConfigError: the table has no such form; the message says what it is made of.
    """
    known = SYNTHETIC if is_synthetic else DATA_SETS
    if table not in known:
        synthetic = ", ".join(SYNTHETIC) or "no table"
        raise ConfigError(
            f"{table.value}: expected --data ROOT, a folder of {EXPECTED[table]}; on synthetic footage: {synthetic}"
        )
    module, _, function = known[table].partition(":")
    return cast("TableFunction", getattr(import_module(module), function))


def _detector_for(*, is_synthetic: bool) -> str:
    """Return the generic network: drawn people are harvested by the one that has seen drawn people alone."""
    return "hourglass" if is_synthetic else DetectorChoice().name


def _inference(
    resolution: int, floor: float | None, height_power: float, sharpen: float | None, *, is_synthetic: bool
) -> InferenceOptions:
    """Return the inference; what heatmaps are to it is, if not said, what suits that network."""
    usual = _inference_for(is_synthetic=is_synthetic)
    return InferenceOptions(
        resolution=resolution,
        floor=usual.floor if floor is None else floor,
        height_power=height_power,
        sharpen=usual.sharpen if sharpen is None else sharpen,
    )


def _inference_for(*, is_synthetic: bool) -> InferenceOptions:
    if not is_synthetic:
        return _INFERENCE
    from poseharvest.tables.studio.study import INFERENCE

    return INFERENCE


def _numbers(text: str, option: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise typer.BadParameter(f'expected numbers separated by commas, got "{text}"', param_hint=option)
    return tuple(int(word) for word in words)
