"""Harvesting frames that do not follow one another: all people of a frame are found from that frame alone.

A body is measured in one frame only. Therefore its limbs are shrunk towards usual proportions. These are learned first,
from people who are seen well in moments spread over the footage. The corrections of the model's shells are found in the
same moments, once for all people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import torch

from poseharvest.annotations.info import HarvestRun
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.errors import CaptureError
from poseharvest.findings import Finding
from poseharvest.harvesting.annotate import annotate
from poseharvest.harvesting.input_checks import audit_subject, missing_people, nobody_found_error
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.provenance import provenance
from poseharvest.harvesting.sighting_streams import footage
from poseharvest.harvesting.subject import Subject, complete_lengths
from poseharvest.localization.find.bodies import limbs_of
from poseharvest.localization.find.moment_finder import MomentFinder
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.body_prior import BodyPrior, body_prior
from poseharvest.pictorial.limb_estimation import MAX_CORRECTION_MM, PoseSamples, estimate_limb_lengths
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.refinement.learn import learn_refinement
from poseharvest.refinement.observations import Observations, observe
from poseharvest.refinement.refine import Refinement
from poseharvest.refinement.rigid_limbs import RigidLimbs
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton

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
    bodies = _learn(job, finder)
    lengths: list[LimbLengths] = []
    num_frames = 0
    for frames in footage(job, writer):
        for frame in frames:
            sightings = finder.find_people(frame)
            for number, sighting in enumerate(sightings):
                subject = bodies.of(sighting)
                posterior = bodies.infer(job, sighting, subject)
                writer.add(annotate(sighting, posterior, number, job.learner.support([sighting])))
                lengths.append(subject.lengths)
            num_frames += bool(sightings)
            job.report(frame.index + 1, f"harvesting moments, people: {len(lengths)}")
    if not lengths:
        raise nobody_found_error(job)
    typical = {pair: median(one.mm[pair] for one in lengths) for pair in lengths[0].mm}
    shells = {pair: length + bodies.corrections.get(pair, 0.0) for pair, length in typical.items()}
    subject = Subject(LimbLengths(typical), LimbLengths(shells), refinement=bodies.refinement)
    limb_findings = audit_subject(job, subject, "people of all moments, in the median")
    note = _moments_finding(len(lengths), num_frames, job)
    return provenance(
        job,
        [*findings, *limb_findings, *missing_people(job, num_frames), note],
        subject,
    )


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
    seen = [observe([one.evidence], mean[None]) for one, mean in zip(teachers, means, strict=True)]
    return learn_refinement(Observations.joined(seen), torch.stack(means), RigidLimbs.none())


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
