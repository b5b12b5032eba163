"""The options of a capture: `capture.toml` in its folder, and arguments that replace its values."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from poseharvest.capture.per_view import PerView, parse_rotate, parse_scale
from poseharvest.errors import ConfigError
from poseharvest.reading.documents import load_toml
from poseharvest.reading.plain_numbers import finite_number
from poseharvest.units import LengthUnit

SETTINGS_NAME = "capture.toml"

DamagePolicy = Literal["error", "drop"]
TimeZero = Literal["timestamps", "first_picture"]
QuarterTurn = Literal[0, 90, 180, 270]

_OFFSET = re.compile(r"\s*([-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?)\s*(s|seconds?|frames?)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Offset:
    """The time to add to the time stamps of a view.

    Attributes:
        value: the number in `unit`; a negative one means earlier.
        unit: seconds, or frames of this view.
    """

    value: float
    unit: Literal["s", "frames"] = "s"

    def seconds(self, frame_rate: float) -> float:
        """Return the offset in seconds for a view of `frame_rate` pictures per second."""
        return self.value if self.unit == "s" else self.value / frame_rate


def parse_offset(value: object) -> Offset:
    """Return the offset of a number (seconds) or a text ("0.25 s", "-3 frames").

    >>> parse_offset("-3 frames")
    Offset(value=-3.0, unit='frames')

    Raises:
        ValueError: the value is neither.
    """
    if isinstance(value, Offset):
        return value
    seconds = finite_number(value)
    if seconds is not None:
        return Offset(seconds)
    match = _OFFSET.fullmatch(value) if isinstance(value, str) else None
    if match is None or not math.isfinite(float(match[1])):
        raise ValueError('expected seconds, as in 0.25 or "0.25 s", or frames, as in "-3 frames"')
    in_frames = (match[2] or "s").lower().startswith("frame")
    return Offset(float(match[1]), "frames" if in_frames else "s")


class CaptureSettings(BaseModel):
    """The keys of `capture.toml`. Every key is optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    calibration: Path | None = None
    """The calibration file, relative to the folder of the capture. By default, the only one in the folder is used."""

    calibration_format: str | None = None
    """The format of the calibration, if it cannot be recognised from the file."""

    unit: LengthUnit | None = None
    """The unit of length of the calibration, if the format does not define it."""

    follow: str | None = None
    """Whom to harvest of several people, as with --follow: "longest", or "VIEW:X,Y" for who is at this point."""

    subject: str | None = None
    """The subject whose extrinsics are read, in calibrations with several subjects (Human3.6M)."""

    camera_type: str | None = None
    """The type of camera to read, in calibrations with several types (CMU Panoptic)."""

    footage: Path | None = None
    """The folder with the footage, relative to the capture, if it has an unusual name or is one of several."""

    views: tuple[str, ...] | None = None
    """The names of the views to use; by default all of them."""

    names: dict[str, str] = Field(default_factory=dict)
    """The calibrated camera of a view (view = "camera"), if the names alone are not enough."""

    offsets: dict[str, Annotated[Offset, BeforeValidator(parse_offset)]] = Field(default_factory=dict)
    """Time to add to the time stamps of a view: seconds, "0.25 s", or "-3 frames" (of that view)."""

    clock_rates: dict[str, Annotated[float, Field(gt=0.5, lt=2)]] = Field(default_factory=dict)
    """How fast the time stamps of a view run: seconds of the common clock for each second, such as 1.00002. The offset
    is added after that."""

    time_zero: TimeZero = "timestamps"
    """What is simultaneous before the offsets: equal time stamps, or the first pictures of all views."""

    frame_rate: Annotated[float, Field(gt=0)] | None = None
    """Frames per second of the capture; by default those of its slowest view."""

    reference: str | None = None
    """The view whose picture times are the frame times; by default the slowest view, the first of equal ones."""

    image_rate: Annotated[float, Field(gt=0)] | None = None
    """Pictures per second of image folders; by default `frame_rate`, or 30 with a warning."""

    turn: QuarterTurn | dict[str, QuarterTurn] | None = None
    """Turn of the pictures for the network, so that people stand upright: degrees clockwise, for all views or by view
    (0 for the others). By default it is found from the cameras and the footage."""

    on_damage: DamagePolicy = "error"
    """For damaged footage: "error", or "drop" to continue without the pictures that cannot be read."""

    rotate: Annotated[PerView, BeforeValidator(parse_rotate)] = PerView(0)
    """Turn of the footage relative to the calibrated pictures: degrees clockwise, for all views or by view."""

    scale: Annotated[PerView, BeforeValidator(parse_scale)] = PerView(1.0)
    """Size of the footage divided by that of the calibrated pictures, for all views or by view: 0.5 is half as wide."""


_TIMING = ("offsets", "clock_rates", "time_zero", "frame_rate", "reference", "image_rate")


def timing_of(settings: CaptureSettings) -> dict[str, Any]:
    """Return the keys that decide which pictures belong to one moment, as plain data that `capture.toml` could hold."""
    plain = settings.model_dump(include=set(_TIMING) - {"offsets"}, exclude_defaults=True)
    offsets = {view: f"{offset.value!r} {offset.unit}" for view, offset in settings.offsets.items()}
    return {**plain, **({"offsets": offsets} if offsets else {})}


def with_timing(settings: CaptureSettings, timing: Mapping[str, Any]) -> CaptureSettings:
    """Return the settings with other keys of `timing_of`; those that it lacks have their defaults.

    Raises:
        ConfigError: one of them is wrong.
    """
    others = {name: getattr(settings, name) for name in settings.model_fields_set if name not in _TIMING}
    return _validated({**others, **timing}, "timing of a harvest")


def read_settings(folder: Path) -> CaptureSettings:
    """Return the settings of `capture.toml` in the folder, with resolved paths; without the file, all defaults.

    Raises:
        ConfigError: the file is not TOML, or has an unknown key (the message names the nearest one) or a wrong value.
    """
    path = folder / SETTINGS_NAME
    if not path.is_file():
        return CaptureSettings()
    values = load_toml(path, where=str(path), error=ConfigError)
    settings = _validated(values, str(path))
    if settings.calibration is None:
        return settings
    return settings.model_copy(update={"calibration": folder / settings.calibration})


def override_settings(settings: CaptureSettings, overrides: Mapping[str, object | None]) -> CaptureSettings:
    """Return the settings with the values of `overrides`; an override of None changes nothing.

    Raises:
        ConfigError: an override has an unknown name or a wrong value.
    """
    present = {name: getattr(settings, name) for name in settings.model_fields_set}
    changes = {name: value for name, value in overrides.items() if value is not None}
    return _validated({**present, **changes}, "capture options")


def _validated(values: Mapping[str, Any], where: str) -> CaptureSettings:
    try:
        return CaptureSettings.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ConfigError(f'{where}: unknown key "{key}"; {_nearest_key(key)}') from error
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f'{where}: "{key}": {message}, got {first["input"]!r}') from error


def _nearest_key(key: str) -> str:
    known = list(CaptureSettings.model_fields)
    near = difflib.get_close_matches(key, known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known keys: {', '.join(known)}"
