"""One harvest's inputs, and what they say of themselves: hints that fit, an audit, the footage and the first look."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import islice

from poseharvest.annotations.info import CaptureInfo, DetectorInfo, HarvestRun, PersonInfo
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.calibration.rig_audit import audit_rig
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource, details_of
from poseharvest.errors import CalibrationError, CaptureError, ConfigError, NobodyFoundError
from poseharvest.findings import Finding
from poseharvest.geometry.rig import Rig
from poseharvest.harvesting.body_check import check_body
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.inference_batches import batched
from poseharvest.harvesting.limb_findings import limb_findings
from poseharvest.harvesting.nobody import why_nobody
from poseharvest.harvesting.spool import SightingSpool
from poseharvest.harvesting.subject import Sightings, Subject, SubjectLearner, by_name
from poseharvest.harvesting.support import Support
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.follow.one_of_many import one_person_tracker
from poseharvest.localization.follow.one_person import OnePersonTracker, batch_length
from poseharvest.localization.follow.several_people import PeopleTracker
from poseharvest.localization.sighting import FrameSightings, Sighting
from poseharvest.progress import OnProgress, Progress
from poseharvest.skeleton.limb_lengths import LimbLengths

_LEAST_AHEAD, _MOST_AHEAD = 4, 40
_AHEAD_BYTES = 64 << 20
_EVERYBODY = 8  # people for whom room is made where their number is not known
_BYTES_A_PIXEL = 4
_MOMENTS_FROM = 2  # frames
_MOMENTS = "if the frames do not follow one another, as in time-lapse, say --moments (moments=True)"


@dataclass(frozen=True, eq=False)
class Job:
    """One harvest's inputs."""

    capture: FrameSource
    detector: HeatmapDetector
    options: HarvestOptions
    boxes: Boxes | None
    limb_lengths: LimbLengths | None
    on_progress: OnProgress

    @property
    def learner(self) -> SubjectLearner:
        """What learns a subject."""
        of_keypoints = isinstance(self.detector, KeypointSource)
        return SubjectLearner(self.detector.skeleton, self.options.inference, self.options.device, of_keypoints)

    @property
    def stop(self) -> int:
        """Frame before which the harvest stops."""
        limit = self.options.stop
        return self.capture.num_frames if limit is None else min(limit, self.capture.num_frames)

    @property
    def frames_ahead(self) -> int:
        """Frames whose heatmaps may wait for the inference: enough for the network to go on while limbs are learned.

        The fewer, the more people have heatmaps of their own.
        """
        height, width = self.detector.heatmap_size
        of_a_person = _BYTES_A_PIXEL * len(self.capture.rig.names) * len(self.detector.skeleton) * height * width
        people = _EVERYBODY if self.options.people is None else self.options.people
        return max(_LEAST_AHEAD, min(_MOST_AHEAD, _AHEAD_BYTES // (people * of_a_person)))

    def report(self, frame: int, stage: str) -> None:
        """Say that everything before `frame` is done."""
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
        if self.options.people != 1 and not (self.boxes is None and self.limb_lengths is None):
            raise ConfigError(
                "people: boxes and limb lengths are those of one person: expected people=1 with them (--people 1)"
            )
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

    def audit_subject(self, subject: Subject, who: str = "the person") -> list[Finding]:
        """Return what is odd about somebody's limbs: the only place where a wrong unit or joints mixed up show."""
        found = check_body(self.detector.skeleton, subject, getattr(self.capture, "unit", None))
        return self._judged(found) + limb_findings(subject, who)

    def _judged(self, found: list[Finding] | tuple[Finding, ...]) -> list[Finding]:
        errors = [finding.message for finding in found if finding.severity == "error"]
        if errors and not self.options.ignore_audit:
            raise CalibrationError("; ".join(errors))
        return list(found)

    def footage(self, writer: HarvestWriter) -> Generator[list[MultiViewFrame], None, None]:
        """Stream the frames, some at a time, keeping a few pictures for the report on the way."""
        kept = _preview_frames(self.options, self.stop)
        length = batch_length(self.capture.frame_rate)
        for frames in batched(self.capture.frames(self.options.start, self.stop), length):
            for frame in frames:
                if frame.index in kept:
                    _keep_pictures(writer, frame, self.capture.rig)
            yield frames

    def tracker(self) -> OnePersonTracker:
        """Return what follows the one person, who is not yet found."""
        lengths_count = not self.options.ignore_audit
        return one_person_tracker(self.detector, self.capture.rig, self.boxes, lengths_count=lengths_count)

    def sightings(self, writer: HarvestWriter) -> Generator[Sighting, None, None]:
        """Stream what the views show of the one person."""
        tracker = self.tracker()
        for frames in self.footage(writer):
            yield from tracker.observe(frames)

    def moments(self, writer: HarvestWriter) -> Generator[FrameSightings, None, None]:
        """Stream what the views show of everybody."""
        tracker = PeopleTracker(self.detector, self.capture.rig, self.options.people)
        for frames in self.footage(writer):
            yield from tracker.observe(frames)

    def is_somebody(self, record: FrameAnnotations, support: Support) -> bool:
        """Return whether a record holds anything that is seen; where boxes say where somebody is, somebody is there.

        A network has peaks where somebody was a moment ago, and no two views agree on them.
        """
        return self.boxes is not None or support.is_somebody(record.supported)

    def warm_up(self, sightings: Iterator[Sighting], spool: SightingSpool) -> None:
        """Fill the spool with the first sightings."""
        for sighting in islice(sightings, self.options.warm_up_frames):
            spool.append(sighting)
            self.report(self.options.start, f"looking at the subject, frame {sighting.frame}")
        if not len(spool):
            raise self.nobody()

    def nobody(self) -> NobodyFoundError:
        """Return the error of a capture in which nobody is found."""
        reason = why_nobody(self.capture, self.detector, self.options.start, self.stop) or (
            "no two views agree on a person; give boxes or keypoints, or check the calibration with `audit`"
            + ("" if self.options.moments or self.stop - self.options.start < _MOMENTS_FROM else f"; {_MOMENTS}")
        )
        frames = f"frames {self.options.start} to {self.stop - 1}"
        return NobodyFoundError(f"{self.capture.name}: nobody was found in {frames}: {reason}")

    def learn(self, warm_up: Sightings, frame: int | None = None) -> Subject:
        """Return the subject's body; `frame` is how far the harvest is, by default at its start."""
        self.report(self.options.start if frame is None else frame, "learning the limbs")
        return self.learner.learn(warm_up, self.limb_lengths)

    def missing(self, num_written: int) -> list[Finding]:
        """Return a finding if there was not somebody in every frame."""
        absent = self.stop - self.options.start - num_written
        if absent <= 0:
            return []
        message = f"nobody was found in {absent} of {self.stop - self.options.start} frames; they hold no annotations"
        if 2 * num_written < self.stop - self.options.start and not self.options.moments:
            message += f"; {_MOMENTS}"
        return [Finding(severity="warning", topic="person", message=message)]

    def run(
        self, findings: list[Finding], subject: Subject | None = None, people: tuple[PersonInfo, ...] = ()
    ) -> HarvestRun:
        """Return what ran on what.

        Args:
            findings: what is odd about it.
            subject: the only person.
            people: all of them, where several were asked for.
        """
        options = self.options.as_dict()
        if subject is not None:
            model = self.learner.model(subject.shells)
            options |= {"voxel_mm": model.voxel_mm, "edge_mm": model.edge_mm, "tolerance_mm": model.tolerance_mm}
            options["shells_mm"] = by_name(subject.shells)
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
            detector=DetectorInfo(
                name=self.detector.name, heatmap_size=self.detector.heatmap_size, details=details_of(self.detector)
            ),
            limb_lengths_mm={} if subject is None else by_name(subject.lengths),
            people=people,
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
