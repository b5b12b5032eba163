"""What the command line says of a harvest, for one capture or for many trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poseharvest.cli.footage_options import DetectorChoice, settings_of
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.progress import OnProgress
from poseharvest.skeleton.limb_lengths import LimbLengths

if TYPE_CHECKING:
    from poseharvest.annotations.reader import Harvest
    from poseharvest.capture.capture import Capture
    from poseharvest.detectors.protocol import HeatmapDetector
    from poseharvest.harvesting.known_people import KnownPerson
    from poseharvest.harvesting.over_workers import Workers
    from poseharvest.localization.boxes import Boxes
    from poseharvest.people_calibration.refined_capture import RefinedCapture


@dataclass(frozen=True)
class HarvestPlan:
    """How captures are harvested.

    Attributes:
        footage: keys of `capture.toml` with what the command line says in their place.
        follow: whom to follow, with several people; None leaves it to `capture.toml`.
        detector: who looks at them.
        options: of the harvest.
        boxes: windows around the person.
        limb_lengths: of the subject.
        finds_offsets: find offsets between the cameras first.
        refines_cameras: refine where the cameras stand by the people, after that.
        ray: the cluster that shares the frames; None harvests them here.
        resume: go on with interrupted harvests.
        overwrite: replace earlier ones.
    """

    footage: Mapping[str, Any]
    follow: str | None
    detector: DetectorChoice
    options: HarvestOptions
    boxes: Boxes | None
    limb_lengths: LimbLengths | None
    finds_offsets: bool
    refines_cameras: bool
    ray: str | None
    resume: bool
    overwrite: bool

    @cached_property
    def _detector(self) -> HeatmapDetector:
        return self.detector.load()

    def detector_for(self, capture: Path) -> HeatmapDetector:
        """Return the detector; keypoint files may lie within the capture.

        Raises:
            DetectorError: there is no such detector or option, or its weights cannot be used.
        """
        return self.detector.load(capture) if self.detector.lies_in(capture) else self._detector

    def open(
        self, capture: Path, on_progress: OnProgress, calibration: Path | None = None
    ) -> tuple[Capture, HeatmapDetector, HarvestOptions]:
        """Return the capture in a folder, who looks at it, and the options with whom to follow in it.

        Args:
            capture: the folder.
            on_progress: is called while offsets are searched for.
            calibration: where neither the command line nor `capture.toml` names one.

        Raises:
            HarvestError: the capture or the detector cannot be used.
        """
        from poseharvest.detectors.keypoint_capture import open_capture

        settings = settings_of(capture, {**self.footage, "follow": self.follow})
        if settings.calibration is None:
            settings = settings.model_copy(update={"calibration": calibration})
        # A network may have to be downloaded: the capture is tried before.
        at_once = None if self.detector.is_named else self.detector_for(capture)
        opened = open_capture(capture, at_once, settings)
        network = at_once or self._detector
        whom = settings.follow if self.options.people == 1 else self.follow
        options = replace(self.options, follow=whom)
        if not self.finds_offsets:
            return opened, network, options
        from poseharvest.synchronisation.capture_clocks import synchronised

        return synchronised(opened, network, on_progress), network, options

    def harvest(
        self,
        capture: Path,
        out: Path,
        on_progress: OnProgress,
        *,
        calibration: Path | None = None,
        limb_lengths: LimbLengths | None = None,
        known_people: Sequence[KnownPerson] = (),
    ) -> Harvest:
        """Harvest a capture and return the folder, opened.

        Args:
            capture: the folder of the capture.
            out: the folder to make.
            on_progress: is called as frames are finished.
            calibration: where neither the command line nor `capture.toml` names one.
            limb_lengths: of the subject, where the command line has none.
            known_people: people of other captures, where several people are harvested.

        Raises:
            HarvestError: something is wrong with an input or an output.
        """
        from poseharvest.harvesting.harvest_capture import harvest

        with self._workers() as workers:
            opened, network, options = self.open(capture, on_progress, calibration)
            refined = self._refined(opened, network, on_progress)
            made = harvest(
                opened if refined is None else refined.capture,
                network,
                out,
                options=options,
                boxes=self.boxes,
                limb_lengths=self.limb_lengths or limb_lengths,
                known_people=known_people,
                overwrite=self.overwrite,
                resume=self.resume,
                on_progress=on_progress,
                workers=workers,
            )
        if refined is not None:
            refined.write_cameras(made.path)
        return made

    def _refined(self, opened: Capture, network: HeatmapDetector, on_progress: OnProgress) -> RefinedCapture | None:
        """Return the capture with its cameras refined; None if nobody asked for it."""
        if not self.refines_cameras:
            return None
        from poseharvest.people_calibration.refined_capture import refined_capture

        return refined_capture(opened, network, on_progress)

    def _workers(self) -> AbstractContextManager[Workers | None]:
        from poseharvest.harvesting.on_ray import ray_workers

        return nullcontext() if self.ray is None else ray_workers(self.ray)
