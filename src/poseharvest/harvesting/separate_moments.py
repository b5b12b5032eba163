"""Harvesting frames that do not follow one another: all people of a frame are found from that frame alone.

A body is measured in one frame only. Therefore its limbs are shrunk towards usual proportions. These are learned first,
from people who are seen well in moments spread over the footage. The corrections of the model's shells are found in the
same moments, once for all people.

After each finished part it is stored what was learned and how far the harvest is, so that an interrupted one goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import torch
from torch import Tensor

from poseharvest.annotations.info import HarvestRun
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.errors import CaptureError
from poseharvest.findings import Finding
from poseharvest.geometry.crop import Crop
from poseharvest.harvesting.annotate import annotate
from poseharvest.harvesting.input_checks import audit_subject, missing_people, nobody_found_error
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.provenance import provenance
from poseharvest.harvesting.sighting_streams import footage
from poseharvest.harvesting.subject import STORED_WITH_SUBJECT, Subject, complete_lengths
from poseharvest.localization.find.bodies import limbs_of
from poseharvest.localization.find.moment_finder import MomentFinder
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.body_prior import BodyPrior, LimbPrior, body_prior
from poseharvest.pictorial.limb_estimation import MAX_CORRECTION_MM, PoseSamples, estimate_limb_lengths
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.refinement.learn import learn_refinement
from poseharvest.refinement.observations import Observations, observe
from poseharvest.refinement.refine import Refinement
from poseharvest.refinement.rigid_limbs import RigidLimbs
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.plain_state import from_plain, to_plain

_TEACHING_MOMENTS = 24
_TEACHERS = 24
_SEEN_WELL = 0.75  # share of the joints that must be known
_MATCHED = 10  # number of teachers for the shells' corrections
_NUM_MATCHINGS = 2

Pair = tuple[str, str]


@dataclass(frozen=True)
class Bodies:
    """What is known of people's bodies before a moment is read.

    Attributes:
        skeleton: the tree.
        prior: proportions; None for a skeleton that is not a human one.
        corrections: radius of each shell less the limb's length, mm.
        known_lengths: limb lengths of the only person, if they are known.
        refinement: how exact the detector is on the people of the footage, without limbs; None for means of the grid.
    """

    skeleton: Skeleton
    prior: BodyPrior | None
    corrections: Mapping[Pair, float]
    known_lengths: LimbLengths | None = None
    refinement: Refinement | None = None

    def of(self, sighting: Sighting) -> Subject:
        """Return a person's body, from one sighting.

        Raises:
            CaptureError: no limb is seen whole, or the skeleton is not a human one.
        """
        lengths = self.known_lengths
        if lengths is None:
            lengths = complete_lengths(self.skeleton, limbs_of(sighting.pose, self.skeleton), self.prior)
        shells = {pair: length + self.corrections.get(pair, 0.0) for pair, length in lengths.mm.items()}
        return Subject(lengths, LimbLengths(shells), refinement=self.refinement)

    def infer(self, job: Job, sighting: Sighting, subject: Subject) -> JointPosterior:
        """Return the posterior of a person in a moment."""
        frames = [sighting.evidence]
        posteriors = job.learner.model(subject.shells).infer_many(frames)
        if self.refinement is not None:
            limbs = RigidLimbs.of(self.skeleton, subject.lengths, posteriors[0].mean[None])
            posteriors = replace(self.refinement, limbs=limbs).refine(frames, posteriors)
        return posteriors[0]


def harvest_moments(job: Job, writer: HarvestWriter, findings: list[Finding]) -> HarvestRun:
    """Write the annotations of all people in every moment, or of as many people as the options say.

    Raises:
        CaptureError: no person is found, or the skeleton is not a human one and no limb lengths are given.
        CalibrationError: the limbs show that the calibration is wrong, and `ignore_audit` is not set.
    """
    finder = MomentFinder(job.detector, job.capture.rig, job.options.people, is_metric=not job.options.ignore_audit)
    stored = None if writer.state is None else from_plain(writer.state, _STORED)
    progress = _Progress.of(stored, job, writer) if stored is not None else _Progress(_learn(job, finder))
    bodies = progress.bodies
    for frames in footage(job, writer, progress.frame):
        for frame in frames:
            sightings = finder.find_people(frame)
            finishes_part = False
            for number, sighting in enumerate(sightings):
                subject = bodies.of(sighting)
                posterior = bodies.infer(job, sighting, subject)
                finishes_part |= writer.add(annotate(sighting, posterior, number, job.learner.support([sighting])))
                progress.add(subject.lengths)
            progress.end_frame(frame.index, is_empty=not sightings)
            if finishes_part:
                writer.keep(to_plain(progress.stage(writer)))
            job.report(frame.index + 1, f"harvesting moments, people: {progress.num_people}")
    if not progress.num_people:
        raise nobody_found_error(job)
    typical = {pair: median(values) for pair, values in progress.lengths.items()}
    shells = {pair: length + bodies.corrections.get(pair, 0.0) for pair, length in typical.items()}
    subject = Subject(LimbLengths(typical), LimbLengths(shells), refinement=bodies.refinement)
    limb_findings = audit_subject(job, subject, "people of all moments, in the median")
    note = _moments_finding(progress.num_people, progress.num_frames, job)
    return provenance(
        job,
        [*findings, *limb_findings, *missing_people(job, progress.num_frames), note],
        subject,
    )


@dataclass(eq=False)
class _Progress:
    """How far the harvest is.

    Attributes:
        bodies: what was learned before the first moment.
        frame: the next frame; None is the harvest's first.
        num_frames: number of frames with people.
        num_people: number of people in all of them.
        lengths: of each limb of all people, mm.
    """

    bodies: Bodies
    frame: int | None = None
    num_frames: int = 0
    num_people: int = 0
    lengths: dict[Pair, list[float]] = field(default_factory=dict)

    def add(self, lengths: LimbLengths) -> None:
        for pair, length in lengths.mm.items():
            self.lengths.setdefault(pair, []).append(length)
        self.num_people += 1

    def end_frame(self, frame: int, *, is_empty: bool) -> None:
        self.frame = frame + 1
        self.num_frames += not is_empty

    def stage(self, writer: HarvestWriter) -> MomentsStage:
        """Return what another process needs to go on after the last frame."""
        prior, bodies = self.bodies.prior, self.bodies
        assert self.frame is not None, "no frame has ended"
        return MomentsStage(
            self.frame,
            self.num_frames,
            self.num_people,
            {pair: torch.tensor(values, dtype=torch.float64) for pair, values in self.lengths.items()},
            None if prior is None else dict(prior.limbs),
            dict(bodies.corrections),
            bodies.refinement,
            writer.unwritten,
        )

    @classmethod
    def of(cls, stage: MomentsStage, job: Job, writer: HarvestWriter) -> _Progress:
        """Return the progress of a stage, and give the writer the records that lie in no finished part."""
        for record in stage.unwritten:
            writer.add(record)
        prior = None if stage.proportions is None else BodyPrior(stage.proportions)
        bodies = Bodies(job.detector.skeleton, prior, stage.corrections, job.limb_lengths, stage.refinement)
        lengths = {pair: values.tolist() for pair, values in stage.lengths.items()}
        return cls(bodies, stage.frame, stage.num_frames, stage.num_people, lengths)


@dataclass(frozen=True, eq=False)
class MomentsStage:
    """Where a harvest of moments stands after a frame, so that an interrupted one can be gone on with.

    Attributes:
        frame: the next frame.
        num_frames: number of frames with people.
        num_people: number of people in all of them.
        lengths: of each limb of all people, mm, float64.
        proportions: the limbs of the prior; None for a skeleton that is not a human one.
        corrections: as `Bodies` has them.
        refinement: as `Bodies` has it.
        unwritten: records that the writer had, and that lie in no finished part.
    """

    frame: int
    num_frames: int
    num_people: int
    lengths: dict[Pair, Tensor]
    proportions: dict[Pair, LimbPrior] | None
    corrections: dict[Pair, float]
    refinement: Refinement | None
    unwritten: tuple[FrameAnnotations, ...]


_STORED = (MomentsStage, LimbPrior, FrameAnnotations, Crop, *STORED_WITH_SUBJECT)


def _moments_finding(num_people: int, num_frames: int, job: Job) -> Finding:
    message = f"every frame stands alone: {num_people} people in {num_frames} frames"
    if job.options.people != 1:
        message += "; a person's number holds in one frame only"
    if job.limb_lengths is None:
        message += "; limb lengths are those of one frame, shrunk towards the proportions of people who are seen well"
    if job.options.moments is None:
        message += "; chosen because people jump from frame to frame: if the frames do follow one "
        return Finding("warning", "moments", message + "another, say --in-a-row (moments=False)")
    return Finding("note", "moments", message)


def _learn(job: Job, finder: MomentFinder) -> Bodies:
    """Return the proportions and the shells' corrections, from moments spread over the footage."""
    skeleton, usual = job.detector.skeleton, body_prior(job.detector.skeleton)
    if usual is None and job.limb_lengths is None:
        raise CaptureError(
            f"moments: the proportions of skeleton {skeleton.name} are not known, and one frame is too little to "
            "measure a body: give the limb lengths of the one person in the footage"
        )
    sightings = []
    for index in _spread(job.options.start, job.stop, _TEACHING_MOMENTS):
        for frame in job.frames(index, index + 1):
            job.report(job.options.start, f"looking at moment {index}")
            sightings += [one for one in finder.find_people(frame) if _share(one) >= _SEEN_WELL]
    teachers = sorted(sightings, key=lambda one: -_share(one))[:_TEACHERS]
    prior = usual
    if usual is not None and job.limb_lengths is None:
        prior = usual.taught([limbs_of(one.pose, skeleton) for one in teachers])
    bodies = _match_shells(job, Bodies(skeleton, prior, {}, job.limb_lengths), teachers)
    return replace(bodies, refinement=_learn_refinement(job, bodies, teachers))


def _learn_refinement(job: Job, bodies: Bodies, teachers: Sequence[Sighting]) -> Refinement | None:
    """Return how exact the detector is on the teachers; every person has limbs of their own."""
    if job.options.estimate == "grid" or not teachers:
        return None
    means = [bodies.infer(job, one, bodies.of(one)).mean.double() for one in teachers]
    peaks = [observe([one.evidence], mean[None]) for one, mean in zip(teachers, means, strict=True)]
    return learn_refinement(Observations.joined(peaks), torch.stack(means), RigidLimbs.none())


def _match_shells(job: Job, bodies: Bodies, teachers: Sequence[Sighting]) -> Bodies:
    """Return the bodies with corrections that give the limbs of the teachers' posteriors the measured lengths."""
    for _ in range(_NUM_MATCHINGS if teachers else 0):
        off: dict[Pair, list[float]] = {}
        for one in teachers[:_MATCHED]:
            subject = bodies.of(one)
            posterior = bodies.infer(job, one, subject)
            spread = torch.where(posterior.supported, 0.0, torch.inf)
            samples = PoseSamples(posterior.mean[None].expand(3, -1, -1), spread[None].expand(3, -1))
            for pair, length in estimate_limb_lengths(bodies.skeleton, samples).mm.items():
                off.setdefault(pair, []).append(subject.lengths.mm[pair] - length)
        corrections = {
            pair: min(max(bodies.corrections.get(pair, 0.0) + median(values), 0.0), MAX_CORRECTION_MM)
            for pair, values in off.items()
        }
        bodies = Bodies(bodies.skeleton, bodies.prior, corrections, bodies.known_lengths)
    return bodies


def _share(one: Sighting) -> float:
    return float(one.pose.known.double().mean())


def _spread(start: int, stop: int, count: int) -> list[int]:
    """Return at most `count` frames, evenly spread over a range.

    >>> _spread(0, 10, 5)
    [1, 3, 5, 7, 9]
    """
    step = max(1.0, (stop - start) / count)
    return [start + int((i + 0.5) * step) for i in range(min(count, stop - start))]
