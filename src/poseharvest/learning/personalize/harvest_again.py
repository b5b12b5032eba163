"""The options of a harvest, to harvest its footage again in the same way."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import StoreError
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.motion.motion_options import MotionOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.selection.rules import SelectionRule

Options = TypeVar("Options", InferenceOptions, HarvestOptions, MotionOptions, SelectionRule)


def options_of(harvest: Harvest) -> HarvestOptions:
    """Return the options that a harvest was made with.

    Raises:
        StoreError: `harvest.json` holds options that this version does not know how to read.
    """
    options: dict[str, Any] = dict(harvest.info.options)
    try:
        options["inference"] = _options_from(InferenceOptions, options.get("inference", {}))
        options["motion"] = _options_from(MotionOptions, options.get("motion", {}))
        options["selection"] = harvest.info.selection.rule
        return _options_from(HarvestOptions, options)
    except (TypeError, AttributeError) as error:
        raise StoreError(f"{harvest.path}: the options in harvest.json cannot be read: {error}") from error


def harvested_frames(harvest: Harvest) -> range:
    """Return the frames that a harvest covers."""
    options = options_of(harvest)
    last = harvest.info.capture.num_frames
    return range(options.start, last if options.stop is None else min(options.stop, last))


def _options_from(kind: type[Options], options: dict[str, Any]) -> Options:
    names = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in options.items() if name in names})
