"""The main job: footage in, a harvest folder out. This file only connects the stages."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

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
from poseharvest.harvesting.options import HarvestOptions
from poseharvest.harvesting.subject import Subject, SubjectLearner
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.track import Sighting, Tracker, batch_length
from poseharvest.pictorial.pairwise import LimbLengths

T = TypeVar("T")

_MAX_WARM_UP_BYTES = 256 * 2**20
_INFERRED_TOGETHER = 16
_RECORDS_PER_PART = 128  # turning 512 frames into rows at once took 70 MB
_AHEAD = 16  # frames whose heatmaps may wait for the inference


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
    with (
        HarvestWriter(
            out,
            rig=capture.rig,
            skeleton=detector.skeleton,
            overwrite=overwrite,
            records_per_part=_RECORDS_PER_PART,
        ) as writer,
        closing(prefetch([job.sightings(writer)], depth=_AHEAD)) as ahead,
    ):
        sightings = (sighting for (sighting,) in ahead)
        warm_up = job.warm_up(sightings)
        subject = job.learn(warm_up)
        findings += job.audit_subject(subject)
        model = job.learner.model(subject.shells)
        num_written = 0
        for together in batched(_chain(warm_up, sightings), _INFERRED_TOGETHER):
            posteriors = model.infer_many([sighting.evidence for sighting in together])
            for sighting, posterior in zip(together, posteriors, strict=True):
                writer.add(annotate(sighting, posterior))
            num_written += len(together)
            job.report(together[-1].frame + 1, "harvesting")
        job.report(job.stop, "selecting annotations")
        findings += job.missing(num_written)
        return writer.finish(job.run(subject, findings), job.options.selection)


def _silent(progress: Progress) -> None:
    """Report to nobody."""


def _chain(warm_up: list[Sighting], rest: Iterator[Sighting]) -> Iterator[Sighting]:
    """Yield the buffered sightings, releasing each, then the others."""
    warm_up.reverse()
    while warm_up:
        yield warm_up.pop()
    yield from rest


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

    def warm_up(self, sightings: Iterator[Sighting]) -> list[Sighting]:
        """Return the first sightings, as many as asked for and as memory allows."""
        taken: list[Sighting] = []
        for sighting in sightings:
            taken.append(sighting)
            self.report(self.options.start, f"looking at the subject, frame {sighting.frame}")
            values = sighting.heatmaps.values
            limit = max(3, _MAX_WARM_UP_BYTES // max(1, values.numel() * values.element_size()))
            if len(taken) >= min(self.options.warm_up_frames, limit):
                break
        if not taken:
            raise CaptureError(
                f"{self.capture.name}: nobody was found in frames {self.options.start} to {self.stop - 1}: "
                "no two views agree on a person; give boxes or keypoints, or check the calibration with `audit`"
            )
        return taken

    def learn(self, warm_up: list[Sighting]) -> Subject:
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


def batched(items: Iterable[T], length: int) -> Iterator[list[T]]:
    """Yield the items in lists of `length`; the last one may be shorter."""
    stream = iter(items)
    while batch := list(islice(stream, length)):
        yield batch


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
