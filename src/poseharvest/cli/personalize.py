"""`poseharvest personalize`: adapt the 2D detector to the person and the place of a harvest."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from poseharvest.cli.assignments import parse_assignments
from poseharvest.cli.progress_bar import progress_bar
from poseharvest.cli.reviewed_harvests import NO_REVIEWS, open_reviewed, print_reviews
from poseharvest.detectors.detector_names import describe_detectors
from poseharvest.devices import network_device
from poseharvest.errors import ConfigError
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.learning.personalize.personalize_options import PersonalizationOptions
from poseharvest.storage.staging import file_name

if TYPE_CHECKING:
    from poseharvest.annotations.reader import Harvest
    from poseharvest.learning.personalize.personalize_detector import Personalization

T = TypeVar("T")

_DEFAULTS = PersonalizationOptions()
_LABELS = (
    "ps+sel: the reliable joints of the 3D poses, projected; ps: all of them; hm: each view's heatmap maximum; "
    "hm+sel: the highest of these."
)
_DETECTOR = f"{describe_detectors(named_only=True)} The harvest's own if not given."
_HARVEST = "Harvest folders, one or more: takes of one person, or of several with --subject."
_CAPTURE = "Folder of the footage, if it is not where the harvest says; once for every harvest, in their order."
_BOXES = "CSV of boxes: frame,view,x,y,width,height; once for every harvest, in their order."
_ROUNDS = "Most rounds of learning and harvesting again; they end when one no longer helps."
_HELD_OUT = "Share of the frames, the last ones, to compare on and not to learn from."
_TEACH_SHARE = (
    "Share of the poses to learn from, above 0 to 1: sure ones that are unlike each other. The training takes as many "
    "steps as with all."
)
_SUBJECT = "Whose take a harvest is, if there are several people: once for every harvest, in their order."
_EACH = "With --subject: a network for each person, in a folder of OUT with their name; one for all if not given."
_DISTILLATION = (
    "Hold joints that are not selected to what the network saw before, with this weight; the paper's is 0. "
    "With ps+weight: unsure joints, where what it saw agrees with the label."
)
_OPTION = "An option of the detector, name=value, such as flip_test=true; may be repeated."
_ROWS = {
    "peak_distance_px": "view's peak to the pose, median, px",
    "contradicting_percent": "peaks that contradict the pose, %",
    "left_out_disagreement": "view's peak to what the others say, mean, % of its window",
    "uncertainty_mm": "uncertainty, median, mm",
    "limb_spread_percent": "spread of limb lengths, %",
}


def personalize(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    harvest: Annotated[list[Path], typer.Argument(help=_HARVEST, show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder to make.", show_default=False)],
    labels: Annotated[LabelSet, typer.Option(help=_LABELS)] = _DEFAULTS.labels,
    epochs: Annotated[int, typer.Option(help="Passes through the pictures.")] = _DEFAULTS.training.epochs,
    rounds: Annotated[int, typer.Option(help=_ROUNDS)] = _DEFAULTS.rounds,
    held_out: Annotated[float, typer.Option(help=_HELD_OUT)] = _DEFAULTS.held_out,
    teach_share: Annotated[float, typer.Option(help=_TEACH_SHARE)] = _DEFAULTS.teach_share,
    capture: Annotated[list[Path] | None, typer.Option(help=_CAPTURE, show_default=False)] = None,
    detector: Annotated[str | None, typer.Option(help=_DETECTOR, show_default=False)] = None,
    weights: Annotated[Path | None, typer.Option(help="The detector's weights; fetched once if not given.")] = None,
    detector_option: Annotated[list[str] | None, typer.Option(help=_OPTION)] = None,
    boxes: Annotated[list[Path] | None, typer.Option(help=_BOXES, show_default=False)] = None,
    learning_rate: Annotated[float, typer.Option(help="Of RMSprop.")] = _DEFAULTS.training.learning_rate,
    batch_size: Annotated[int, typer.Option(help="Pictures a step.")] = _DEFAULTS.training.batch_size,
    subject: Annotated[list[str] | None, typer.Option(help=_SUBJECT, show_default=False)] = None,
    each: Annotated[bool, typer.Option("--each", help=_EACH)] = False,
    distillation: Annotated[float, typer.Option(help=_DISTILLATION)] = _DEFAULTS.training.distillation,
    seed: Annotated[int, typer.Option(help="Of the order and the variation of the pictures.")] = 0,
    device: Annotated[
        str, typer.Option(help="auto (a GPU if there is one), cpu or cuda; by torchrun, a GPU a process.")
    ] = "auto",
    no_reviews: Annotated[bool, typer.Option("--no-reviews", help=NO_REVIEWS)] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run.")] = False,
) -> None:
    """Fine-tune the 2D detector on the annotations of a person's harvests, harvest again, and compare."""
    from poseharvest.detectors.registry import load_detector
    from poseharvest.learning.personalize.personalize_detector import personalize as run
    from poseharvest.localization.boxes import read_boxes

    opened = [open_reviewed(path, no_reviews=no_reviews) for path in harvest]
    training = replace(_DEFAULTS.training, epochs=epochs, learning_rate=learning_rate, batch_size=batch_size)
    training = replace(training, distillation=distillation, seed=seed, device=network_device(device))
    options = PersonalizationOptions(
        labels=labels, training=training, rounds=rounds, held_out=held_out, teach_share=teach_share
    )
    options_of_detector = parse_assignments(detector_option or [], option="--detector-option")
    windows = [read_boxes(path) for path in boxes or ()]
    _check_number_of({"--capture": capture, "--boxes": boxes, "--subject": subject}, len(opened))
    for group in _groups(subject or [], len(opened), out, each=each):
        own = [opened[number] for number in group.harvests]
        name = detector or own[0].info.detector.name
        with progress_bar(Console(stderr=True)) as on_progress:
            result = run(
                own,
                load_detector(name, weights=weights, device=device, **options_of_detector),
                group.out,
                options=options,
                capture=group.of(capture or ()),
                boxes=group.of(windows),
                subjects=group.subjects,
                overwrite=overwrite,
                resume=resume,
                on_progress=on_progress,
            )
        _say(result, group.title, own)


def _say(result: Personalization, title: str, harvests: Sequence[Harvest]) -> None:
    """Print the result, in the first of several processes."""
    if os.environ.get("RANK", "0") == "0":
        _print(result, title)
        print_reviews(harvests)


def _check_number_of(options: Mapping[str, Sequence[object] | None], num_harvests: int) -> None:
    from poseharvest.learning.personalize.harvested_takes import check_number

    for name, given in options.items():
        if given:
            check_number(len(given), num_harvests, name)


@dataclass(frozen=True)
class _Group:
    """Harvests that one network learns from.

    Attributes:
        harvests: their numbers on the command line.
        subjects: whose each is; empty for one person's.
        out: the folder to make.
        title: said above the result; empty for nothing.
    """

    harvests: tuple[int, ...]
    subjects: tuple[str, ...]
    out: Path
    title: str = ""

    def of(self, given: Sequence[T]) -> list[T]:
        """Return what was given for the group's harvests, of as much as there are harvests; nothing of nothing."""
        return [given[number] for number in self.harvests] if given else []


def _groups(subject: Sequence[str], num_harvests: int, out: Path, *, each: bool) -> list[_Group]:
    """Return who teaches which network: all one network, or each subject their own."""
    if each and not subject:
        raise ConfigError("--each: expected --subject NAME once for every harvest, got none")
    if not each:
        return [_Group(tuple(range(num_harvests)), tuple(subject), out)]
    odd = [name for name in subject if not name or file_name(name) != name]
    if odd:
        raise ConfigError(f'--subject: with --each expected names that a folder can have, got "{odd[0]}"')
    names = dict.fromkeys(subject)
    groups = {name: tuple(number for number, of in enumerate(subject) if of == name) for name in names}
    return [_Group(numbers, (), out / name, f"{name}:") for name, numbers in groups.items()]


def _print(result: Personalization, heading: str) -> None:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    if heading:
        console.print(heading)
    before = result.rounds[0].comparison["before"]
    title = f"{before['num_poses']} poses that nothing was learned from"
    table = Table("", "before", *(f"round {n + 1}" for n in range(len(result.rounds))), title=title)
    for key, name in _ROWS.items():
        factor = 100 if key == "left_out_disagreement" else 1
        after = [f"{factor * done.comparison['after'][key]:.1f}" for done in result.rounds]
        table.add_row(name, f"{factor * before[key]:.1f}", *after)
    table.add_row("poses moved by, mm", "", *(f"{done.comparison['pose_change_mm']:.1f}" for done in result.rounds))
    console.print(table)
    for line in _stretch_lines(result.rounds[result.best].comparison.get("stretches", ())):
        console.print(line)
    for finding in result.findings:
        console.print(f"warning: {finding}")
    console.print(f"weights: {result.weights}")
    for harvest in result.harvests:
        console.print(f"harvest: {harvest.path}")


def _stretch_lines(stretches: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return in words where the best round made the views agree better, and where worse, by more than a twentieth."""
    lines = []
    for word, (low, high) in {"worse": (1.05, math.inf), "better": (0.0, 1 / 1.05)}.items():
        named = [
            f"{one['name']} ({100 * one['before']:.1f} to {100 * one['after']:.1f} % of the window)"
            for one in stretches
            if one["before"] > 0 and low < one["after"] / one["before"] < high
        ]
        if named:
            lines.append(f"the views agree {word} in {', '.join(named)}")
    return lines
