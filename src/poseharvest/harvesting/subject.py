"""Learning the subject from the first frames: limb lengths, then shells that reproduce them (choice D5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import Protocol

import torch
from torch import Tensor

from poseharvest.errors import CaptureError
from poseharvest.geometry.camera import StaticCamera
from poseharvest.harvesting.annotate import Support, infer_each
from poseharvest.localization.find.match_views import triangulate_poses
from poseharvest.localization.find.observation import view_candidates
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.sighting import Sighting, TriangulatedPose
from poseharvest.pictorial.body_prior import BodyPrior, body_prior
from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.pictorial.limb_estimation import (
    MAX_CORRECTION_MM,
    NUM_MATCHINGS,
    Measured,
    PoseSamples,
    match_shells,
    measure_limbs,
)
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.refinement.learn import learn_refinement
from poseharvest.refinement.learn_mixing import MOST_FRAMES, learn_mixing
from poseharvest.refinement.observations import DetectorNoise, Observations, observe
from poseharvest.refinement.refine import Mixing, Refinement
from poseharvest.refinement.rigid_limbs import RigidLimbs
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton

LEAST_LIMBS = 3
"""How many limbs two bodies must have in common to be compared."""

SAME_BODY = 0.06
"""How different the limbs of one person may be in two places, in the median: a difference of logarithms."""

_ROUNDING_MM = 1e-6
_CONSISTENT = 0.06  # of the window's side: a peak farther from the pose's projection lies on another limb


class Sightings(Protocol):
    """Sightings of one person, which may be read from disk at each access."""

    def __len__(self) -> int:
        """Return their number."""

    def __getitem__(self, index: int, /) -> Sighting:
        """Return one of them."""


@dataclass(frozen=True)
class Subject:
    """What is known of a subject's body.

    Attributes:
        lengths: measured limb lengths, mm.
        shells: radii of Eq. (2) under which the posterior reproduces these lengths, mm.
        guessed: names of limbs that were never seen whole. Their length is that of a usual body of this size. For a
            skeleton that is not a human one it is the median of the other limbs.
        few: names of limbs that were seen whole less than three times. Their length is shrunk towards that of a usual
            body.
        support: when a view shows one of the subject's joints.
        refinement: how exact the detector is on the subject, and how rigid the limbs are; None without it.
        longer_than_given: how much longer the limbs are in the footage than the lengths that were given, in the median:
            0.1 is 10 %. 0 where none were given, or too few limbs are seen whole.
    """

    lengths: LimbLengths
    shells: LimbLengths
    guessed: tuple[str, ...] = ()
    few: tuple[str, ...] = ()
    support: Support = field(default_factory=Support)
    refinement: Refinement | None = None
    longer_than_given: float = 0.0

    @property
    def at_limit(self) -> tuple[str, ...]:
        """Names of limbs whose shell has the largest correction: the posterior shows them shorter than measured."""
        return tuple(
            "-".join(limb)
            for limb, length in self.lengths.mm.items()
            if self.shells.mm[limb] >= length + MAX_CORRECTION_MM - _ROUNDING_MM
        )


STORED_WITH_SUBJECT = (Subject, Support, LimbLengths, Refinement, DetectorNoise, RigidLimbs, Mixing)
"""The classes that a stored subject may hold."""


def by_name(lengths: LimbLengths) -> dict[str, float]:
    """Return lengths in mm by "parent-child", as `harvest.json` has them."""
    return {"-".join(limb): length for limb, length in lengths.mm.items()}


@dataclass(frozen=True)
class TeachingFrames:
    """From how many frames a subject is learned at most; they are spread evenly over those that are there.

    Attributes:
        measured: for limbs, errors of the detector and rigidity; each costs an inference.
        matched: for shells; each costs an inference a round.
        mixed: for what the marginal counts beside the fit; each costs an inference for every view.
    """

    measured: int = 64
    matched: int = 24
    mixed: int = MOST_FRAMES


FOR_A_NEWCOMER = TeachingFrames(measured=24, matched=12, mixed=4)
"""Of one of several people: others wait meanwhile. Simulated poses are as exact (docs/performance.md)."""


def _tell_nobody(step: str) -> None:
    """Take no notice of a step."""


@dataclass(frozen=True, eq=False)
class _Chosen:
    """At most `count` of some sightings, spread evenly."""

    sightings: Sightings
    count: int

    @cached_property
    def _numbers(self) -> list[int]:
        return _spread_evenly(len(self.sightings), self.count)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int, /) -> Sighting:
        return self.sightings[self._numbers[index]]


@dataclass(frozen=True, eq=False)
class _Inferred:
    """A frame after inference: its cameras, the peaks that agree with the pose, the pose (J, 3), the peaks near it."""

    cameras: tuple[StaticCamera, ...]
    members: list[Candidate]
    mean: Tensor
    seen: Observations


@dataclass(frozen=True)
class SubjectLearner:
    """Learns a subject from sightings.

    Attributes:
        skeleton: the tree.
        options: options of the inference.
        device: where the inference runs.
        peaks_are_joints: the heatmaps are drawn from keypoints, so that every peak is a detected joint.
        refines: learn what places joints between the voxels, too.
        frames: from how many frames at most.
        on_step: is called with what is being done, after every frame that is inferred and between.
    """

    skeleton: Skeleton
    options: InferenceOptions
    device: str = "cpu"
    peaks_are_joints: bool = False
    refines: bool = False
    frames: TeachingFrames = TeachingFrames()
    on_step: Callable[[str], None] = _tell_nobody

    def support(self, sightings: Iterable[Sighting]) -> Support:
        """Return when a view shows a joint of the person in these sightings, one or more."""
        return Support() if self.peaks_are_joints else Support.measure(sightings)

    def learn(self, sightings: Sightings, known_lengths: LimbLengths | None = None) -> Subject:
        """Return the subject.

        Lengths come from the robust triangulation of single frames. A second pass drops the peaks that contradict the
        posterior under these lengths, and measures again. Limbs that are not seen whole in three frames are shrunk
        towards the usual proportions of people; the other limbs give the size. Known lengths are used unchanged.

        Args:
            sightings: frames of the subject, one or more.
            known_lengths: the lengths, if they are known.

        Raises:
            CaptureError: no limb at all is seen whole.
            ConfigError: the known lengths do not belong to the skeleton's limbs.
        """
        chosen = _Chosen(sightings, self.frames.measured)
        support = self.support(_iterate(chosen))
        first = self._triangulate_limbs(chosen, support)
        rough = complete_lengths(self.skeleton, first) if known_lengths is None else known_lengths
        inferred = self._look_again(chosen, rough, support)
        measured = {} if known_lengths is not None else _better_known(first, self._measure_again(inferred))
        lengths = complete_lengths(self.skeleton, measured) if known_lengths is None else known_lengths
        few_frames = _Chosen(chosen, self.frames.matched)
        shells = match_shells(
            self.skeleton,
            lengths,
            lambda radii: self._positions(few_frames, radii, support),
            rounds=1 if self.refines else NUM_MATCHINGS,  # the fit needs a place to start from, not the last millimetre
        )
        refinement = self._learn_refinement(inferred, lengths, are_given=known_lengths is not None)
        if refinement is not None:
            refinement = self._learn_mixing(chosen, shells, support, refinement)
        guessed = tuple("-".join(limb) for limb in lengths.mm if limb not in measured) if known_lengths is None else ()
        few = tuple("-".join(limb) for limb, one in measured.items() if not one.is_certain)
        longer = 0.0 if known_lengths is None else _longer(first, known_lengths)
        return Subject(lengths, shells, guessed, few, support, refinement, longer)

    def measure_rough_limbs(self, sightings: Sightings) -> dict[tuple[str, str], Measured]:
        """Return the lengths of the limbs that are seen whole, by triangulation alone, from one or more sightings."""
        support = self.support(_iterate(sightings))
        return self._triangulate_limbs(sightings, support)

    def _triangulate_limbs(self, sightings: Sightings, support: Support) -> dict[tuple[str, str], Measured]:
        """Return the lengths of the limbs that are seen whole, by triangulation of single frames."""
        poses = [support.triangulate_pose(sighting) for sighting in _iterate(sightings)]
        return measure_limbs(self.skeleton, _samples(poses))

    def _look_again(self, sightings: Sightings, lengths: LimbLengths, support: Support) -> list[_Inferred]:
        """Return the poses under rough lengths, and what the views show near them."""
        return [
            _Inferred(
                cameras=sighting.cameras,
                members=support.members(sighting, _drop_contradicted(sighting, posterior)),
                mean=posterior.mean.double(),
                seen=observe([support.without_background(sighting).evidence], posterior.mean[None]),
            )
            for sighting, posterior in self._infer(sightings, lengths, support, "poses")
        ]

    def _measure_again(self, inferred: Sequence[_Inferred]) -> dict[tuple[str, str], Measured]:
        """Return the lengths of the limbs by the peaks that do not contradict the poses."""
        members, cameras = [one.members for one in inferred], [one.cameras for one in inferred]
        return measure_limbs(self.skeleton, _samples(triangulate_poses(members, cameras, len(self.skeleton))))

    def _learn_refinement(
        self, inferred: Sequence[_Inferred], lengths: LimbLengths, *, are_given: bool
    ) -> Refinement | None:
        """Return what places joints between the voxels."""
        if not self.refines:
            return None
        self.on_step("the detector's errors")
        start = torch.stack([one.mean for one in inferred])
        limbs = RigidLimbs.of(self.skeleton, lengths, start)
        return learn_refinement(
            Observations.joined([one.seen for one in inferred]), start, limbs, lengths_are_given=are_given
        )

    def _learn_mixing(
        self, sightings: Sightings, shells: LimbLengths, support: Support, refinement: Refinement
    ) -> Refinement:
        """Return what places joints between the voxels, with what the marginal counts beside it."""
        few = _Chosen(sightings, self.frames.mixed)
        frames = [support.without_background(sighting).evidence for sighting in _iterate(few)]
        model = self.model(shells)

        def infer(fewer: Sequence[FrameEvidence]) -> list[JointPosterior]:
            self.on_step("what each view says of the others")
            return model.infer_many(fewer)

        return learn_mixing(frames, infer, refinement)

    def model(self, shells: LimbLengths) -> PictorialStructures:
        """Return the model with the given shells."""
        return PictorialStructures(self.skeleton, shells, self.options, device=self.device)

    def _infer(
        self, sightings: Sightings, shells: LimbLengths, support: Support, what: str
    ) -> Iterator[tuple[Sighting, JointPosterior]]:
        for number, inferred in enumerate(infer_each(self.model(shells), _iterate(sightings), support), 1):
            self.on_step(f"{what}, {number} of {len(sightings)}")
            yield inferred

    def _positions(self, sightings: Sightings, shells: LimbLengths, support: Support) -> PoseSamples:
        means, dets, known = [], [], []
        for sighting, posterior in self._infer(sightings, shells, support, "shells"):
            means.append(posterior.mean)
            dets.append(torch.linalg.det(posterior.cov))
            known.append(support.supported(sighting, posterior))
        return PoseSamples(torch.stack(means), torch.where(torch.stack(known), torch.stack(dets), torch.inf))


def complete_lengths(
    skeleton: Skeleton, measured: Mapping[tuple[str, str], Measured], prior: BodyPrior | None = None
) -> LimbLengths:
    """Return the lengths of all limbs: measured ones if seen in three frames, else those of a usual body.

    A joint that no camera sees must not end a harvest; it is marked as unsupported anyway. For a skeleton that is not
    a human one, a missing limb gets the median of the measured ones.

    Args:
        skeleton: the tree.
        measured: limbs that were seen whole.
        prior: proportions; those of people if None.

    Raises:
        CaptureError: too few limbs were measured to know the size of the body.
    """
    certain = {limb: one.mm for limb, one in measured.items() if one.is_certain}
    pairs = [(limb.parent, limb.child) for limb in skeleton.limbs]
    prior = body_prior(skeleton) if prior is None else prior
    if not (measured if prior is not None else certain):
        least = "" if prior is not None else " in three frames"
        raise CaptureError(f"limb lengths: no limb is seen whole{least}; give them (--limb-lengths, for one person)")
    if prior is not None:
        usual: Mapping[tuple[str, str], float] = prior.lengths(measured).mm
    else:
        usual = dict.fromkeys(pairs, median(certain.values()))
    return LimbLengths({pair: certain.get(pair, usual[pair]) for pair in pairs})


def _longer(measured: Mapping[tuple[str, str], Measured], lengths: LimbLengths) -> float:
    """Return how much longer measured limbs are than known lengths, in the median; 0 if too few are certain."""
    ratios = [one.mm / lengths.mm[limb] for limb, one in measured.items() if one.is_certain and limb in lengths.mm]
    return median(ratios) - 1 if len(ratios) >= LEAST_LIMBS else 0.0


def _better_known(
    first: Mapping[tuple[str, str], Measured], second: Mapping[tuple[str, str], Measured]
) -> dict[tuple[str, str], Measured]:
    """Return the second measurement of each limb where it is certain, or the first is not."""
    return {**first} | {
        limb: one for limb, one in second.items() if one.is_certain or not first.get(limb, one).is_certain
    }


def _samples(poses: Sequence[TriangulatedPose]) -> PoseSamples:
    return PoseSamples(torch.stack([p.points for p in poses]), torch.stack([p.doubt for p in poses]))


def _iterate(sightings: Sightings) -> Iterator[Sighting]:
    return (sightings[i] for i in range(len(sightings)))


def _spread_evenly(length: int, count: int) -> list[int]:
    numbers: list[int] = torch.linspace(0, length - 1, min(count, length)).round().long().tolist()
    return numbers


def _drop_contradicted(sighting: Sighting, posterior: JointPosterior) -> list[Candidate]:
    """Return the views' peaks, with no weight for those that lie far from the projection of the posterior mean."""
    members = []
    for member in view_candidates(sighting.heatmaps, sighting.peaks):
        projection = sighting.cameras[member.view].project(posterior.mean.double())
        distance = torch.linalg.vector_norm(projection.pixels - member.pixels, dim=-1)
        near = projection.valid & (distance < _CONSISTENT * member.side)
        members.append(Candidate(member.view, member.pixels, torch.where(near, member.scores, 0), member.side))
    return members
