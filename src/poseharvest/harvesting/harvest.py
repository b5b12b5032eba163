"""The main job: footage in, a harvest folder out. This file only connects the stages."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from poseharvest.annotations.info import CaptureInfo, DetectorInfo, Finding, HarvestRun
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.store import HarvestWriter
from poseharvest.calibration.audit import audit_rig, check_scale_of_limbs
from poseharvest.calibration.findings import Finding as AuditFinding
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.capture.prefetch import prefetch
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.errors import CalibrationError, CaptureError, ConfigError
from poseharvest.geometry.rig import Rig
from poseharvest.harvesting.annotate import annotate
from poseharvest.harvesting.batches import batched, infer_each
from poseharvest.harvesting.options import HarvestOptions
from poseharvest.harvesting.spool import SightingSpool
from poseharvest.harvesting.subject import Subject, SubjectLearner
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.track import Sighting, Tracker, batch_length
from poseharvest.pictorial.pairwise import LimbLengths

_RECORDS_PER_PART = 128  # so many wait in memory
_AHEAD = 8  # frames whose heatmaps may wait for the inference


@dataclass(frozen=True)
class Progress:
    """How far a harvest is.

    Attributes:
        done: frames finished.
        total: frames in all.
        stage: what is being done, in a few words.
    """

    done: int
    total: int
    stage: str


OnProgress = Callable[[Progress], None]


def harvest(  # noqa: PLR0913 - the stage's inputs, each optional one of its own kind
    capture: FrameSource,
    detector: HeatmapDetector,
    out: str | Path,
    *,
    options: HarvestOptions | None = None,
    boxes: Boxes | None = None,
    limb_lengths: LimbLengths | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Harvest:
    """Harvest a capture and return the folder, opened.

    Frames stream: memory does not depend on the capture's length.

    Args:
        capture: the footage with its cameras; `Capture.open(path)`.
        detector: the 2D network; `load_detector(name)`.
        out: the folder to make.
        options: the defaults if None.
        boxes: windows around the person where somebody has them.
        limb_lengths: of the subject; estimated from the footage if None.
        overwrite: replace an earlier harvest at `out`.
        on_progress: called as frames are finished, some at a time.

    Raises:
        CaptureError: nobody is found in the footage, or it ends before the first frame asked for.
        CalibrationError: the audit finds an error and `ignore_audit` is not set.
        ConfigError: limb lengths or boxes are of other limbs or views than the capture's.
        StoreError: `out` exists, or cannot be written.
    """
    job = _Job(capture, detector, options or HarvestOptions(), boxes, limb_lengths, on_progress or _silent)
    findings = job.check_hints() + job.audit()
    with HarvestWriter(
        out, rig=capture.rig, skeleton=detector.skeleton, overwrite=overwrite, records_per_part=_RECORDS_PER_PART
    ) as writer:
        run = job.write(writer, findings, Path(out))
        job.report(job.stop, "selecting annotations")
        return writer.finish(run, job.options.selection)


def _silent(progress: Progress) -> None:
    """Report to nobody."""


@dataclass(frozen=True, eq=False)
class _Job:
    """One harvest's inputs."""

    capture: FrameSource
    detector: HeatmapDetector
    options: HarvestOptions
    boxes: Boxes | None
    limb_lengths: LimbLengths | None
    on_progress: OnProgress

    @property
    def learner(self) -> SubjectLearner:
        return SubjectLearner(self.detector.skeleton, self.options.inference, self.options.device)

    @property
    def stop(self) -> int:
        limit = self.options.stop
        return self.capture.num_frames if limit is None else min(limit, self.capture.num_frames)

    def report(self, frame: int, stage: str) -> None:
        self.on_progress(Progress(frame - self.options.start, self.stop - self.options.start, stage))

    def check_hints(self) -> list[Finding]:
        """Return what is odd about the frames, limb lengths and boxes that were given; raise where they cannot be."""
        if self.options.start >= self.capture.num_frames:
            raise CaptureError(
                f"{self.capture.name}: expected a first frame of 0 to {self.capture.num_frames - 1}, "
                f"got {self.options.start}"
            )
        if self.limb_lengths is not None:
            self.limb_lengths.of(self.detector.skeleton)
        boxed = () if self.boxes is None else self.boxes.views
        unknown = ", ".join(view for view in boxed if view not in self.capture.rig.names)
        if not unknown:
            return []
        message = f"boxes: expected views among {', '.join(self.capture.rig.names)}, got {unknown}"
        if not set(boxed) & set(self.capture.rig.names):
            raise ConfigError(message)
        return [Finding(severity="warning", topic="boxes", message=f"{message}: not used")]

    def audit(self) -> list[Finding]:
        """Return what is odd about capture and rig; an error among it ends the harvest unless it is to be ignored."""
        found = getattr(self.capture, "findings", None)
        return self._judged(audit_rig(self.capture.rig) if found is None else found)

    def audit_subject(self, subject: Subject) -> list[Finding]:
        """Return what is odd about the limbs: the only place where a wrong unit shows for certain."""
        named = {"-".join(limb): length for limb, length in subject.lengths.mm.items()}
        found = check_scale_of_limbs(named)
        guesses = [
            f'limb "{limb}" is never seen whole: its length is a guess, {named[limb]:.0f} mm; give the limb lengths'
            for limb in subject.guessed
        ]
        return self._judged([] if found is None else [found]) + [
            Finding(severity="warning", topic="limb lengths", message=message) for message in guesses
        ]

    def _judged(self, found: list[AuditFinding] | tuple[AuditFinding, ...]) -> list[Finding]:
        errors = [finding.message for finding in found if finding.severity == "error"]
        if errors and not self.options.ignore_audit:
            raise CalibrationError("; ".join(errors))
        return [Finding(severity="warning", topic="audit", message=finding.message) for finding in found]

    def write(self, writer: HarvestWriter, findings: list[Finding], target: Path) -> HarvestRun:
        """Write every frame and return what ran on what."""
        with writer.scratch_file() as scratch, closing(prefetch([self.sightings(writer)], depth=_AHEAD)) as ahead:
            sightings = (sighting for (sighting,) in ahead)
            first = SightingSpool(scratch, target)
            self.warm_up(sightings, first)
            subject = self.learn(first)
            findings = findings + self.audit_subject(subject)
            model = self.learner.model(subject.shells)
            num_written = 0
            for sighting, posterior in infer_each(model, chain(first, sightings), self.options.device):
                writer.add(annotate(sighting, posterior))
                num_written += 1
                self.report(sighting.frame + 1, "harvesting")
        return self.run(subject, findings + self.missing(num_written))

    def sightings(self, writer: HarvestWriter) -> Generator[Sighting, None, None]:
        """Stream what the views show, keeping a few pictures for the report on the way."""
        tracker = Tracker(self.detector, self.capture.rig, self.boxes)
        kept = _preview_frames(self.options, self.stop)
        length = batch_length(self.capture.frame_rate)
        for frames in batched(self.capture.frames(self.options.start, self.stop), length):
            for frame in frames:
                if frame.index in kept:
                    _keep_pictures(writer, frame, self.capture.rig)
            yield from tracker.observe(frames)

    def warm_up(self, sightings: Iterator[Sighting], spool: SightingSpool) -> None:
        """Fill the spool with the first sightings."""
        for sighting in islice(sightings, self.options.warm_up_frames):
            spool.append(sighting)
            self.report(self.options.start, f"looking at the subject, frame {sighting.frame}")
        if not len(spool):
            raise CaptureError(
                f"{self.capture.name}: nobody was found in frames {self.options.start} to {self.stop - 1}: "
                "no two views agree on a person; give boxes or keypoints, or check the calibration with `audit`"
            )

    def learn(self, warm_up: SightingSpool) -> Subject:
        """Return the subject's body."""
        self.report(self.options.start, "learning the limbs")
        return self.learner.learn(warm_up, self.limb_lengths)

    def missing(self, num_written: int) -> list[Finding]:
        """Return a finding if the person was not in every frame."""
        absent = self.stop - self.options.start - num_written
        if absent <= 0:
            return []
        message = f"nobody was found in {absent} of {self.stop - self.options.start} frames; they hold no annotations"
        return [Finding(severity="warning", topic="person", message=message)]

    def run(self, subject: Subject, findings: list[Finding]) -> HarvestRun:
        """Return what ran on what."""
        options = self.options.as_dict()
        model = self.learner.model(subject.shells)
        options |= {"voxel_mm": model.voxel_mm, "edge_mm": model.edge_mm, "tolerance_mm": model.tolerance_mm}
        options["shells_mm"] = {"-".join(limb): radius for limb, radius in subject.shells.mm.items()}
        options["limb_lengths_given"] = self.limb_lengths is not None
        options["boxes_given"] = self.boxes is not None
        folder = getattr(self.capture, "folder", None)
        return HarvestRun(
            capture=CaptureInfo(
                name=self.capture.name,
                path=None if folder is None else str(folder),
                frame_rate=self.capture.frame_rate,
                num_frames=self.capture.num_frames,
            ),
            detector=DetectorInfo(name=self.detector.name, heatmap_size=self.detector.heatmap_size),
            limb_lengths_mm={"-".join(limb): length for limb, length in subject.lengths.mm.items()},
            options=options,
            findings=tuple(findings),
        )


def _keep_pictures(writer: HarvestWriter, frame: MultiViewFrame, rig: Rig) -> None:
    for view, image in zip(rig.names, frame.images, strict=True):
        if image is not None:
            writer.add_preview(frame.index, view, image)


def _preview_frames(options: HarvestOptions, stop: int) -> set[int]:
    count = min(options.num_previews, stop - options.start)
    if count <= 0:
        return set()
    step = (stop - options.start) / count
    return {options.start + int((i + 0.5) * step) for i in range(count)}
