"""One harvest's inputs: the footage, what looks at it, and every choice."""

from __future__ import annotations

from dataclasses import dataclass

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.subject import Sightings, Subject, SubjectLearner
from poseharvest.harvesting.support import Support
from poseharvest.localization.boxes import Boxes
from poseharvest.progress import OnProgress, Progress
from poseharvest.skeleton.limb_lengths import LimbLengths

_LEAST_AHEAD, _MOST_AHEAD = 4, 40
_AHEAD_BYTES = 64 << 20
_EVERYBODY = 8  # people for whom room is made where their number is not known
_BYTES_A_PIXEL = 4


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
    def has_keypoints(self) -> bool:
        """The detector is a source of keypoints, which knows its people; a network does not."""
        return isinstance(self.detector, KeypointSource)

    @property
    def learner(self) -> SubjectLearner:
        """What learns a subject."""
        return SubjectLearner(self.detector.skeleton, self.options.inference, self.options.device, self.has_keypoints)

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

    def is_somebody(self, record: FrameAnnotations, support: Support) -> bool:
        """Return whether a record holds anything that is seen; where boxes say where somebody is, somebody is there.

        A network has peaks where somebody was a moment ago, and no two views agree on them.
        """
        return self.boxes is not None or support.is_somebody(record.supported)

    def learn(self, warm_up: Sightings, frame: int | None = None) -> Subject:
        """Return the subject's body; `frame` is how far the harvest is, by default at its start."""
        self.report(self.options.start if frame is None else frame, "learning the limbs")
        return self.learner.learn(warm_up, self.limb_lengths)
