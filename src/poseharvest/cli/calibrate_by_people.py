"""The part of `poseharvest calibrate` that needs no board: cameras from the people in the footage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from poseharvest.cli.assignments import parse_assignments
from poseharvest.cli.calibration_end import say_where
from poseharvest.cli.derived_options import option, options_of
from poseharvest.cli.finding_lines import print_findings
from poseharvest.cli.progress_bar import progress_bar
from poseharvest.detectors.detector_names import describe_detectors
from poseharvest.errors import ConfigError
from poseharvest.people_calibration.people_world import PeopleWorld

if TYPE_CHECKING:
    from poseharvest.people_calibration.known_length import KnownLength
    from poseharvest.people_calibration.people_footage import PeopleRequest
    from poseharvest.people_calibration.solve_people import PeopleCalibration

_DETECTOR = f"With --from-people: {describe_detectors()} If not given, efficientpose."
_OPTION = "With --from-people: an option of the detector, such as frame_offset=1; may be repeated."


@dataclass(frozen=True)
class PeopleFlags:
    """The options that go with `--from-people` alone, as they stand on the command line; None where not given.

    Attributes:
        detector: its name, its weights or its keypoint files.
        weights: with --from-people: the detector's weights; fetched once if not given.
        detector_option: options of the detector.
        device: with --from-people: cpu or cuda; None is cpu.
        height: with --from-people: height of the person in mm, from the floor to the top of the head, standing upright
            without shoes.
        limb: with --from-people: measured length of a limb in mm, such as left_hip-left_knee=430.
        camera_distance: with --from-people: distance between the lenses of two cameras in mm, such as cam01,cam02=3200.
        world: with --from-people: camera, the first one's world, or person, z up and the origin between the feet of
            somebody who stands upright.
    """

    detector: str | None = None
    weights: Path | None = None
    detector_option: list[str] | None = None
    device: str | None = None
    height: float | None = None
    limb: str | None = None
    camera_distance: str | None = None
    world: PeopleWorld | None = None

    def check_unused(self) -> None:
        """Check that none is given.

        Raises:
            ConfigError: one is.
        """
        names = [one.name for one in fields(self) if getattr(self, one.name)]
        if names:
            raise ConfigError(f"{names[0]}: expected --from-people with this option, got a calibration from a board")

    @staticmethod
    def check_no_board(**options: object) -> None:
        """Check that options of a board are not given.

        Raises:
            ConfigError: one is.
        """
        for name, value in options.items():
            if value is not None:
                raise ConfigError(f"{name}: expected no option of a board with --from-people, got {value}")

    @property
    def known(self) -> KnownLength:
        """The measured length."""
        from poseharvest.people_calibration.known_length import KnownLength

        limb = None if self.limb is None else _length(self.limb, "limb", "left_hip-left_knee=430")
        cameras = None
        if self.camera_distance is not None:
            names, length_mm = _length(self.camera_distance, "camera_distance", "cam01,cam02=3200")
            first, _, second = (name.strip() for name in names.partition(","))
            cameras = (first, second, length_mm)
        return KnownLength(self.height, limb, cameras)

    def request(self, views: Sequence[str] | None, intrinsics: Path | None, every: int | None) -> PeopleRequest:
        """Return what is asked for, with options that a calibration from a board has as well."""
        from poseharvest.people_calibration.people_footage import PeopleRequest

        return PeopleRequest(views, intrinsics, self.known, self.world or "camera", every)


def people_options() -> list[Parameter]:
    """Return the options of the command, for every field of `PeopleFlags`."""
    detector = option("detector", str | None, None, help=_DETECTOR)
    of_detector = option("detector_option", list[str] | None, None, help=_OPTION)
    return [detector, of_detector, *(one for one in options_of(PeopleFlags) if one.name != "detector")]


def _length(text: str, option: str, example: str) -> tuple[str, float]:
    name, _, length = text.rpartition("=")
    try:
        return name.strip(), float(length)
    except ValueError:
        raise ConfigError(f'{option}: expected a name and mm, such as {example}, got "{text}"') from None


def calibrate_by_people(
    footage: Path | None,
    out: Path | None,
    flags: PeopleFlags,
    request: PeopleRequest,
    *,
    keep_faulty: bool,
    overwrite: bool,
) -> None:
    """Calibrate, write the folder, and print what was found."""
    from poseharvest.detectors.registry import load_detector
    from poseharvest.report.people_calibration_folder import write_people_calibration

    if footage is None or out is None:
        raise ConfigError("calibrate: expected a folder with footage and --out, got neither")
    options = parse_assignments(flags.detector_option or [], option="--detector-option")
    network = load_detector(
        flags.detector or "efficientpose", weights=flags.weights, device=flags.device or "cpu", **options
    )
    with progress_bar(Console(stderr=True)) as on_progress:
        result = write_people_calibration(
            footage,
            out,
            network,
            request=request,
            keep_faulty=keep_faulty,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    console = Console(soft_wrap=True, highlight=False, markup=False)
    _print_result(console, result, out)
    say_where(console, out, result.findings, is_written=result.is_fit or keep_faulty)


def _print_result(console: Console, result: PeopleCalibration, out: Path) -> None:
    from poseharvest.people_calibration.people_findings import summarize_views
    from poseharvest.rig_calibration.calibration_record import PAGE_FILE

    table = Table("camera", "error, median px", "mean px", "detections used", "focal length, px", "place, sigma, mm")
    for number, summary in enumerate(summarize_views(result)):
        lens = result.adjusted.state.lenses[number]
        table.add_row(
            summary.name,
            f"{summary.median_px:.1f}",
            f"{summary.mean_px:.1f}",
            f"{100 * summary.used_share:.0f} %",
            f"{lens.values[0]:.1f}" + ("" if lens.model == "fixed" else " (guessed)"),
            f"{result.scale.factor * result.deviations.place_mm[number]:.0f}" if number else "first",
        )
    console.print(table)
    print_findings(console, result.findings, str(out / PAGE_FILE))
