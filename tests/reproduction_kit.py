"""Requests for tables that take seconds: a coarse grid, colours for a network, one epoch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from dataset_kits.discs import DiscDetectors
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.learning.loop.augmentation import NO_AUGMENTATION
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.tables.request import TableRequest

QUICK = HarvestOptions(
    inference=InferenceOptions(resolution=16, floor=1e-5), estimate="grid", warm_up_frames=4, num_previews=0
)


def quick_request(data: Path, out: Path, **changes: Any) -> TableRequest:
    """Return a request for a miniature."""
    request = TableRequest(data, out, harvesting=QUICK, **({"detector": DiscDetectors()} | changes))
    training = replace(request.regression.training, epochs=1, augmentation=NO_AUGMENTATION)
    return replace(
        request,
        refinement=replace(request.refinement, epochs=1, augmentation=NO_AUGMENTATION),
        regression=replace(request.regression, training=training, features=2, input_px=64),
    )
