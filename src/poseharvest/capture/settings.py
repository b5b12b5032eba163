"""The options of a capture: `capture.toml` in its folder, and what a call says instead."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from poseharvest.capture.per_view import PerView, parse_rotate, parse_scale
from poseharvest.errors import ConfigError
from poseharvest.units import LengthUnit

SETTINGS_NAME = "capture.toml"

DamagePolicy = Literal["error", "drop"]
TimeZero = Literal["timestamps", "first_picture"]
QuarterTurn = Literal[0, 90, 180, 270]

_OFFSET = re.compile(r"\s*([-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?)\s*(s|seconds?|frames?)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Offset:
    """How much later a view's pictures were taken than its time stamps say.

    Attributes:
        value: in `unit`; negative is earlier.
        unit: seconds, or frames of the view itself.
    """

    value: float
    unit: Literal["s", "frames"] = "s"

    def seconds(self, frame_rate: float) -> float:
        """Return the offset in seconds for a view of `frame_rate` pictures per second."""
        return self.value if self.unit == "s" else self.value / frame_rate


def parse_offset(value: object) -> Offset:
    """Return the offset that a number (seconds) or a text ("0.25 s", "-3 frames") says.

    >>> parse_offset("-3 frames")
    Offset(value=-3.0, unit='frames')

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, Offset):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return Offset(float(value))
    match = _OFFSET.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('expected seconds, as in 0.25 or "0.25 s", or frames, as in "-3 frames"')
    in_frames = (match[2] or "s").lower().startswith("frame")
    return Offset(float(match[1]), "frames" if in_frames else "s")


class CaptureSettings(BaseModel):
    """What `capture.toml` may say. Every key is optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    calibration: Path | None = None
    """The calibration file, relative to the capture's folder. Otherwise the only one in the folder is taken."""

    calibration_format: str | None = None
    """Its format, where the file alone does not tell."""

    unit: LengthUnit | None = None
    """The calibration's unit of length, where the format does not fix it."""

    subject: str | None = None
    """Whose extrinsics to read, in calibrations that hold several subjects (Human3.6M)."""

    camera_type: str | None = None
    """Which cameras to read, in calibrations that hold several types (CMU Panoptic)."""

    footage: Path | None = None
    """The folder with the footage, relative to the capture's, where it is none of the usual ones or one of several."""

    views: tuple[str, ...] | None = None
    """The views to use, by the footage's names; all of them otherwise."""

    names: dict[str, str] = Field(default_factory=dict)
    """The calibrated camera of a view (view = "camera"), where the names alone do not tell."""

    offsets: dict[str, Annotated[Offset, BeforeValidator(parse_offset)]] = Field(default_factory=dict)
    """Added to a view's time stamps: a number of seconds, "0.25 s" or "-3 frames" (of that view)."""

    time_zero: TimeZero = "timestamps"
    """What is simultaneous before offsets: equal time stamps, or the first pictures of all views."""

    frame_rate: Annotated[float, Field(gt=0)] | None = None
    """The capture's frames per second; otherwise those of its slowest view."""

    reference: str | None = None
    """The view whose pictures the frames lie on; otherwise the slowest, the first of equals."""

    image_rate: Annotated[float, Field(gt=0)] | None = None
    """Pictures per second of image folders; otherwise `frame_rate`, otherwise 30 with a warning."""

    turn: QuarterTurn | dict[str, QuarterTurn] | None = None
    """Degrees clockwise by which the network sees pictures turned, so that people stand in them: for all views, or by
    view (0 for the others). It is found from cameras and footage otherwise."""

    on_damage: DamagePolicy = "error"
    """Damaged footage is an error, or the view drops out where it cannot be read."""

    rotate: Annotated[PerView, BeforeValidator(parse_rotate)] = PerView(0)
    """Degrees clockwise by which the footage is turned against the calibrated pictures, of all views or each."""

    scale: Annotated[PerView, BeforeValidator(parse_scale)] = PerView(1.0)
    """Size of the footage over that of the calibration's pictures, of all views or each: 0.5 is half as wide."""


def read_settings(folder: Path) -> CaptureSettings:
    """Return the settings in the folder's `capture.toml`, its paths resolved; all defaults where there is none.

    Raises:
        ConfigError: the file is not TOML, has an unknown key (the nearest is named) or a wrong value.
    """
    path = folder / SETTINGS_NAME
    if not path.is_file():
        return CaptureSettings()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected TOML, got: {error}") from error
    settings = _validated(values, str(path))
    if settings.calibration is None:
        return settings
    return settings.model_copy(update={"calibration": folder / settings.calibration})


def override_settings(settings: CaptureSettings, overrides: Mapping[str, object | None]) -> CaptureSettings:
    """Return the settings with `overrides` in their place; an override of None changes nothing.

    Raises:
        ConfigError: an override has an unknown name or a wrong value.
    """
    said = {name: getattr(settings, name) for name in settings.model_fields_set}
    given = {name: value for name, value in overrides.items() if value is not None}
    return _validated({**said, **given}, "capture options")


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
