"""Learning the subject from the first frames: limb lengths, then shells that reproduce them (choice D5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

import torch

from poseharvest.errors import CaptureError
from poseharvest.harvesting.inference_batches import infer_each
from poseharvest.harvesting.support import Support
from poseharvest.localization.find.match_views import triangulate_poses
from poseharvest.localization.find.person_windows import view_candidates
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.partial_pose import TriangulatedPose
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.body_prior import BodyPrior, body_prior
from poseharvest.pictorial.infer import InferenceOptions, PictorialStructures
from poseharvest.pictorial.limb_estimation import MAX_CORRECTION_MM, Measured, PoseSamples, match_shells, measure_limbs
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton

_MAX_FRAMES_MATCHED = 24
_ROUNDING_MM = 1e-6
_CONSISTENT = 0.06  # of the window's side: a peak farther from the pose's projection sat on another limb


class Sightings(Protocol):
    """Frames of one person, each of which may be read from a disk whenever it is asked for."""

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
        guessed: limbs, by name, that were never seen whole: their length is that of a usual body of this size, or,
            where the skeleton is no person's, the median of the others'.
        few: limbs, by name, that were seen whole less than three times: their length is drawn to that of a usual body.
        support: when a view shows one of their joints.
    """

    lengths: LimbLengths
    shells: LimbLengths
    guessed: tuple[str, ...] = ()
    few: tuple[str, ...] = ()
    support: Support = field(default_factory=Support)

    @property
    def at_limit(self) -> tuple[str, ...]:
        """Limbs, by name, whose shell is as wide as it may be: the views do not show them as long as they measure."""
        return tuple(
            "-".join(limb)
            for limb, length in self.lengths.mm.items()
            if self.shells.mm[limb] >= length + MAX_CORRECTION_MM - _ROUNDING_MM
        )


def by_name(lengths: LimbLengths) -> dict[str, float]:
    """Return lengths in mm by "parent-child", as `harvest.json` has them."""
    return {"-".join(limb): length for limb, length in lengths.mm.items()}


@dataclass(frozen=True)
class SubjectLearner:
    """Learns a subject from sightings.

    Attributes:
        skeleton: the tree.
        options: of the inference.
        device: where it runs.
        peaks_are_joints: the heatmaps are drawn from keypoints, so that every peak is a joint that was found.
    """

    skeleton: Skeleton
    options: InferenceOptions
    device: str = "cpu"
    peaks_are_joints: bool = False

    def support(self, sightings: Iterable[Sighting]) -> Support:
        """Return when a view shows a joint of the person in these sightings, one or more."""
        return Support() if self.peaks_are_joints else Support.measured(sightings)

    def learn(self, sightings: Sightings, given: LimbLengths | None = None) -> Subject:
        """Return the subject.

        Lengths come from the robust triangulation of single frames; a second pass drops the peaks that the posterior
        under these lengths contradicts, and measures again. Limbs that are not seen whole in three frames are drawn to
        the usual proportions of people, at the size that the others tell of. Lengths that are given are taken as they
        are.

        Args:
            sightings: frames of the subject, one or more.
            given: the lengths, where they are known.

        Raises:
            CaptureError: no limb at all is seen whole.
            ConfigError: the given lengths are not those of the skeleton's limbs.
        """
        sample = _spread_evenly(len(sightings), _MAX_FRAMES_MATCHED)
        support = self.support(_each(sightings))
        seen = self._measured(sightings, support) if given is None else {}
        lengths = completed(self.skeleton, seen) if given is None else given
        shells = match_shells(
            self.skeleton, lengths, lambda radii: self._positions((sightings[i] for i in sample), radii, support)
        )
        if given is not None:
            return Subject(lengths, shells, support=support)
        guessed = tuple("-".join(limb) for limb in lengths.mm if limb not in seen)
        few = tuple("-".join(limb) for limb, one in seen.items() if not one.is_certain)
        return Subject(lengths, shells, guessed, few, support)

    def rough_limbs(self, sightings: Sightings) -> dict[tuple[str, str], Measured]:
        """Return the lengths of the limbs that are seen whole, by triangulation alone; sightings are one or more."""
        support = self.support(_each(sightings))
        return measure_limbs(
            self.skeleton, _samples([support.triangulate_pose(sighting) for sighting in _each(sightings)])
        )

    def _measured(self, sightings: Sightings, support: Support) -> dict[tuple[str, str], Measured]:
        """Return the lengths of the limbs that are seen whole."""
        first = measure_limbs(
            self.skeleton, _samples([support.triangulate_pose(sighting) for sighting in _each(sightings)])
        )
        inferred = self._infer(_each(sightings), completed(self.skeleton, first), support)
        members, cameras = zip(*((support.members(s, _consistent(s, p)), s.cameras) for s, p in inferred), strict=True)
        again = triangulate_poses(members, cameras, len(self.skeleton))
        second = measure_limbs(self.skeleton, _samples(again))
        return first | {
            limb: one for limb, one in second.items() if one.is_certain or not first.get(limb, one).is_certain
        }

    def model(self, shells: LimbLengths) -> PictorialStructures:
        """Return the model with the given shells."""
        return PictorialStructures(self.skeleton, shells, self.options, device=self.device)

    def _infer(
        self, sightings: Iterable[Sighting], shells: LimbLengths, support: Support
    ) -> Iterator[tuple[Sighting, JointPosterior]]:
        return infer_each(self.model(shells), sightings, support)

    def _positions(self, sightings: Iterable[Sighting], shells: LimbLengths, support: Support) -> PoseSamples:
        means, dets, known = [], [], []
        for sighting, posterior in self._infer(sightings, shells, support):
            means.append(posterior.mean)
            dets.append(torch.linalg.det(posterior.cov))
            known.append(support.supported(sighting, posterior))
        return PoseSamples(torch.stack(means), torch.where(torch.stack(known), torch.stack(dets), torch.inf))


def completed(
    skeleton: Skeleton, seen: Mapping[tuple[str, str], Measured], prior: BodyPrior | None = None
) -> LimbLengths:
    """Return the lengths of all limbs: those seen in three frames, and a usual body's for the others.

    A joint that no camera sees must not end a harvest; where it is put is said to be unsupported anyway. The limbs of
    a skeleton that is no person's get the median of those that were seen.

    Args:
        skeleton: the tree.
        seen: limbs that were seen whole.
        prior: proportions; those of people if None.

    Raises:
        CaptureError: there are too few to tell the size of the body.
    """
    certain = {limb: one.mm for limb, one in seen.items() if one.is_certain}
    pairs = [(limb.parent, limb.child) for limb in skeleton.limbs]
    prior = body_prior(skeleton) if prior is None else prior
    if not (seen if prior is not None else certain):
        least = "" if prior is not None else " in three frames"
        raise CaptureError(f"limb lengths: no limb is seen whole{least}; give them (--limb-lengths, for one person)")
    if prior is not None:
        usual: Mapping[tuple[str, str], float] = prior.lengths(seen).mm
    else:
        usual = dict.fromkeys(pairs, median(certain.values()))
    return LimbLengths({pair: certain.get(pair, usual[pair]) for pair in pairs})


def _samples(poses: Sequence[TriangulatedPose]) -> PoseSamples:
    return PoseSamples(torch.stack([p.points for p in poses]), torch.stack([p.doubt for p in poses]))


def _each(sightings: Sightings) -> Iterator[Sighting]:
    return (sightings[i] for i in range(len(sightings)))


def _spread_evenly(length: int, count: int) -> list[int]:
    chosen: list[int] = torch.linspace(0, length - 1, min(count, length)).round().long().tolist()
    return chosen


def _consistent(sighting: Sighting, posterior: JointPosterior) -> list[Candidate]:
    """Return the views' peaks, with no weight for those that lie far from the projection of the posterior mean."""
    members = []
    for member in view_candidates(sighting.heatmaps, sighting.peaks):
        seen = sighting.cameras[member.view].project(posterior.mean.double())
        distance = torch.linalg.vector_norm(seen.pixels - member.pixels, dim=-1)
        near = seen.valid & (distance < _CONSISTENT * member.side)
        members.append(Candidate(member.view, member.pixels, torch.where(near, member.scores, 0), member.side))
    return members
