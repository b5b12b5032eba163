"""One harvest's inputs: footage, detector and options; and the streams of frames and people that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from poseharvest.capture.fewer_views import FewerViews
from poseharvest.capture.frames import FrameSource, MultiViewFrame, frames_showing
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.findings import CameraFault
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.known_people import KnownPerson
from poseharvest.harvesting.subject import FOR_A_NEWCOMER, Sightings, Subject, SubjectLearner, TeachingFrames
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.follow.one_person import batch_length
from poseharvest.localization.follow.whom_to_follow import FirstSeen
from poseharvest.progress import OnProgress, Progress, now_and_then
from poseharvest.skeleton.limb_lengths import LimbLengths

_LEAST_AHEAD, _MOST_AHEAD = 4, 40
_AHEAD_BYTES = 64 << 20
_ASSUMED_PEOPLE = 8  # number of people where it is not known
_BYTES_A_PIXEL = 4
_KEYPOINTS_TOGETHER = 16


@dataclass(frozen=True, eq=False)
class Job:
    """One harvest's inputs."""

    capture: FrameSource
    detector: HeatmapDetector
    options: HarvestOptions
    boxes: Boxes | None
    limb_lengths: LimbLengths | None
    on_progress: OnProgress
    fault: CameraFault | None = None
    """The fault of a camera, if it is known already; if it is left out, the capture is without it."""
    followed: FirstSeen | None = None
    """Where the person whom the options name is seen first; None takes the one on whom most views agree."""
    known_people: tuple[KnownPerson, ...] = ()
    """People of other captures, whose numbers hold in this one too; for several people."""

    @property
    def has_keypoints(self) -> bool:
        """The detector is a source of keypoints, not a network."""
        return isinstance(self.detector, KeypointSource)

    @property
    def learner(self) -> SubjectLearner:
        """The object that learns a subject."""
        options = self.options
        return SubjectLearner(
            self.detector.skeleton,
            options.inference,
            options.device,
            peaks_are_joints=self.has_keypoints,
            refines=options.estimate == "continuous",
            frames=TeachingFrames() if options.people == 1 else FOR_A_NEWCOMER,
        )

    @cached_property
    def stop(self) -> int:
        """Frame before which the harvest stops."""
        limit = self.options.stop
        return self.capture.num_frames if limit is None else min(limit, self.capture.num_frames)

    @property
    def frames_ahead(self) -> int:
        """Number of frames whose heatmaps may wait for inference, so that the network goes on while limbs are learned.

        It is smaller for more people, since each person has heatmaps of their own.
        """
        height, width = self.detector.heatmap_size
        of_a_person = _BYTES_A_PIXEL * len(self.capture.rig.names) * len(self.detector.skeleton) * height * width
        people = _ASSUMED_PEOPLE if self.options.people is None else self.options.people
        return max(_LEAST_AHEAD, min(_MOST_AHEAD, _AHEAD_BYTES // (people * of_a_person)))

    @property
    def frames_together(self) -> int:
        """Number of frames that go to the tracker at once, one or more.

        A network looks at all of them through the same windows, so they span a short time. Keypoints are assigned to
        people frame by frame, and more frames together are quicker. With boxes, or in an unknown unit, keypoint files
        are looked at through windows too.
        """
        if not self.has_keypoints or self.boxes is not None or self.options.ignore_audit:
            return batch_length(self.capture.frame_rate)
        return min(_KEYPOINTS_TOGETHER, self.frames_ahead)

    def without(self, fault: CameraFault) -> Job:
        """Return the harvest without the cameras that are at fault."""
        return replace(self, capture=FewerViews(self.capture, fault.wrong), fault=fault)

    def frames(self, start: int, stop: int, shown: Collection[int] = ()) -> Iterator[MultiViewFrame]:
        """Stream the frames `start` to `stop` (exclusive) with the pictures that the detector needs.

        Args:
            start: the first frame.
            stop: frame before which to stop.
            shown: numbers of the frames whose pictures are wanted even if the detector needs none.
        """
        if self.detector.needs_images:
            return self.capture.frames(start, stop)
        return frames_showing(self.capture, shown, start, stop)

    def report(self, frame: int, stage: str) -> None:
        """Report that all frames before `frame` are finished."""
        self.on_progress(self._progress(frame, stage))

    def part_reporter(self, frame: int) -> Callable[[str], None]:
        """Return what reports, every few seconds, the parts of a long step after which no more frames are finished."""
        listener = now_and_then(self.on_progress)
        return lambda stage: listener(self._progress(frame, stage))

    def _progress(self, frame: int, stage: str) -> Progress:
        return Progress(frame - self.options.start, self.stop - self.options.start, stage)

    def learn(self, warm_up: Sightings, frame: int | None = None, who: str = "") -> Subject:
        """Return the subject's body, and report what is being done.

        Args:
            warm_up: sightings of the subject.
            frame: the progress of the harvest, by default its start.
            who: the subject among others, for the reports.
        """
        done, what = self.options.start if frame is None else frame, f"learning the limbs{who and f' of {who}'}"
        self.report(done, what)
        report = self.part_reporter(done)
        learner = replace(self.learner, on_step=lambda step: report(f"{what}: {step}"))
        return learner.learn(warm_up, self.limb_lengths)
