"""Harvesting from Python, into a folder or without one."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from poseharvest.analysis.harvest_object import Harvest
from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.errors import ConfigError
from poseharvest.harvesting.harvest_capture import harvest as harvest_into_folder
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.over_workers import Workers
from poseharvest.localization.boxes import Boxes
from poseharvest.progress import OnProgress
from poseharvest.skeleton.limb_lengths import LimbLengths


class TemporaryHarvest(Harvest):
    """A harvest without a folder of its own: its files go with the object. `save` keeps them."""

    def report(self, out: Path | str | None = None, *, overwrite: bool = False) -> Path:
        """Write the report to `out`, which has to be given, and return its path."""
        if out is None:
            raise ConfigError("out: this harvest has no folder: name the HTML file to make, or save the harvest first")
        return super().report(out, overwrite=overwrite)


def harvest(  # noqa: PLR0913 - the stage's inputs, each optional one of its own kind
    capture: FrameSource,
    detector: HeatmapDetector,
    out: str | Path | None = None,
    *,
    options: HarvestOptions | None = None,
    boxes: Boxes | None = None,
    limb_lengths: LimbLengths | None = None,
    overwrite: bool = False,
    resume: bool = False,
    on_progress: OnProgress | None = None,
    workers: Workers | None = None,
) -> Harvest:
    """Harvest a capture and return the harvest, opened.

    Without `out` there is no folder: the files of the harvest are temporary ones that are removed with the object, at
    the latest when Python ends. Memory does not depend on the capture's length in either case.

    Args:
        capture: the footage with its cameras; `Capture.open(path)`.
        detector: the 2D network; `load_detector(name)`.
        out: the folder to make; None for none.
        options: the defaults if None.
        boxes: windows around the person, if they are known.
        limb_lengths: of the subject; estimated from the footage if None.
        overwrite: replace an earlier harvest at `out`.
        resume: go on with an interrupted harvest at `out`, or begin if there is none.
        on_progress: called as frames are finished, some at a time.
        workers: harvest the frames of one person, in chunks, as `ray_workers` gives them.

    Raises:
        HarvestError: as `poseharvest.harvesting.harvest` says; `overwrite` or `resume` without `out` is a ConfigError.
    """
    if out is None and (overwrite or resume):
        raise ConfigError("out: expected a folder to overwrite or to go on with, got none")
    harvest_into = partial(
        harvest_into_folder,
        capture,
        detector,
        options=options,
        boxes=boxes,
        limb_lengths=limb_lengths,
        overwrite=overwrite,
        resume=resume,
        on_progress=on_progress,
        workers=workers,
    )
    if out is not None:
        stored = harvest_into(out)
        return Harvest(stored.path, stored.info)
    with ExitStack() as stack:
        stored = harvest_into(Path(stack.enter_context(TemporaryDirectory(prefix="poseharvest-"))) / "harvest")
        result = TemporaryHarvest(stored.path, stored.info)
        weakref.finalize(result, stack.pop_all().close)
        return result
