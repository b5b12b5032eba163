"""The first result of the demo: one action of a drawn person, filmed, harvested, and the truth beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.progress import OnProgress
from poseharvest.tables.studio.filming import Filming, film

FOOTAGE, HARVEST = "capture", "harvest"
SUBJECT, ACTION = 1, "Greeting"
FILMING: Final = Filming(num_frames=16, frame_rate=10.0, scale=0.4)
"""Sixteen moments of four pictures, 400 pixels a side: drawn in some seconds."""


@dataclass(frozen=True, eq=False)
class FirstResult:
    """A harvest of drawn footage.

    Attributes:
        footage: the capture's folder.
        harvest: the harvest.
        truth: (F, J, 3) mm, to judge by.
    """

    footage: Path
    harvest: Harvest
    truth: Tensor


def harvest_first_action(
    detector: HeatmapDetector, out: Path, *, seed: int, overwrite: bool, on_progress: OnProgress
) -> FirstResult:
    """Film a drawn person into a folder, harvest, and return the harvest with the truth.

    Args:
        detector: the 2D network.
        out: the folder that is to hold footage and harvest. Footage that is there is not filmed again.
        seed: of motion, room, light and noise.
        overwrite: replace an earlier harvest; without it an interrupted one is gone on with.
        on_progress: is called with every frame.

    Raises:
        StoreError: the folder cannot be written, or holds the harvest of something else.
    """
    footage = out / f"{FOOTAGE}-{seed}"
    take = film(SUBJECT, ACTION, seed, footage, filming=FILMING, on_progress=on_progress)
    options = HarvestOptions(num_previews=FILMING.num_frames)
    made = harvest(
        take.capture,
        detector,
        out / HARVEST,
        options=options,
        overwrite=overwrite,
        resume=not overwrite,
        on_progress=on_progress,
    )
    return FirstResult(footage, made, take.truth.positions)
