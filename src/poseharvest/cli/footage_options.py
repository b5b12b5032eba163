"""Options that several commands share: which footage and calibration, and who looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poseharvest.cli.assignments import VIEWS_HELP, parse_assignments, split_names
from poseharvest.cli.derived_options import option
from poseharvest.units import LengthUnit

if TYPE_CHECKING:
    from poseharvest.capture.settings import CaptureSettings
    from poseharvest.detectors.protocol import HeatmapDetector

_ROTATE = "Degrees clockwise by which the footage is turned against the calibration: 90, or cam01=90,cam02=270."
_SCALE = "Size of the footage over that of the calibration: 0.5, or cam01=0.5,cam02=1/3."
_RATE = "Frames per second; those of the slowest view if not given, and 30 where there is no footage."
_OPTION = "An option of the detector, such as flip_test=true, frame_offset=1 or frame_offset.cam03=1; may be repeated."

_DEVICE = "auto: a network on a GPU if there is one, 3D inference on the processor; or cpu, cuda."

FOOTAGE = (
    option("calibration", Path | None, None, help="Its file; found in the capture if not given."),
    option("unit", LengthUnit | None, None, help="The calibration's unit: mm, cm or m."),
    option("views", str | None, None, help=VIEWS_HELP),
    option("rotate", str | None, None, help=_ROTATE),
    option("scale", str | None, None, help=_SCALE),
    option("frame_rate", float | None, None, help=_RATE),
)
"""How the footage and the calibration of a capture are to be read."""


def footage_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the options `FOOTAGE` as keys of `capture.toml`; None where nothing was said."""
    return {**values, "views": split_names(values["views"])}


def settings_of(capture: Path, footage: Mapping[str, Any]) -> CaptureSettings:
    """Return what `capture.toml` in a folder says, with what the command line says in its place.

    Raises:
        CaptureError: there is no folder.
        ConfigError: one of the values is wrong.
    """
    from poseharvest.detectors.keypoint_capture import capture_settings

    return capture_settings(capture, footage)


@dataclass(frozen=True)
class DetectorChoice:
    """A detector as the command line names it; it is loaded when it is needed.

    Attributes:
        name: of the detector, or the path that stands for it; None where the command needs none.
        weights: its weights.
        device: where it runs.
        options: of the detector.
    """

    name: str | None
    weights: Path | None
    device: str
    options: Mapping[str, Any]

    @property
    def is_named(self) -> bool:
        """It is a network that may have to be downloaded, not a path."""
        from poseharvest.detectors.registry import NAMED

        return self.name in NAMED

    def lies_in(self, folder: Path) -> bool:
        """Return whether it is a path within a folder, as each of many trials may have its own."""
        return not self.is_named and (folder / str(self.name)).exists()

    def load(self, folder: Path | None = None) -> HeatmapDetector:
        """Return the detector.

        Args:
            folder: of a capture that it lies in; None for the current folder.

        Raises:
            DetectorError: there is no such detector or option, or its weights cannot be used.
        """
        from poseharvest.detectors.registry import load_detector

        assert self.name is not None, "the command needs a detector"
        name = self.name if folder is None else str(folder / self.name)
        return load_detector(name, weights=self.weights, device=self.device, **self.options)


def detector_options(help: str, default: str | None = None) -> tuple[Parameter, ...]:
    """Return the options that name a detector.

    Args:
        help: what may be named, and for what.
        default: the detector if none is named.
    """
    return (
        option("detector", str | None, default, help=help),
        option("weights", Path | None, None, help="The detector's weights; fetched once if not given."),
        option("detector_option", list[str] | None, None, help=_OPTION),
        option("device", str, "auto", help=_DEVICE),
    )


def detector_choice(values: Mapping[str, Any]) -> DetectorChoice:
    """Return the detector that the values of `detector_options` name.

    Raises:
        ConfigError: an option of the detector is not of the form name=value.
    """
    options = parse_assignments(values["detector_option"] or [], option="--detector-option")
    return DetectorChoice(values["detector"], values["weights"], values["device"], options)
