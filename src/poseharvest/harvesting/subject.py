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
    """

    lengths: LimbLengths
    shells: LimbLengths
    guessed: tuple[str, ...] = ()
    few: tuple[str, ...] = ()
    support: Support = field(default_factory=Support)

    @property
    def at_limit(self) -> tuple[str, ...]:
        """Names of limbs whose shell has the largest correction: the posterior shows them shorter than measured."""
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
        options: options of the inference.
        device: where the inference runs.
        peaks_are_joints: the heatmaps are drawn from keypoints, so that every peak is a detected joint.
    """

    skeleton: Skeleton
    options: InferenceOptions
    device: str = "cpu"
    peaks_are_joints: bool = False

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
        sample = _spread_evenly(len(sightings), _MAX_FRAMES_MATCHED)
        support = self.support(_iterate(sightings))
        measured = self._measure_limbs(sightings, support) if known_lengths is None else {}
        lengths = complete_lengths(self.skeleton, measured) if known_lengths is None else known_lengths
        shells = match_shells(
            self.skeleton, lengths, lambda radii: self._positions((sightings[i] for i in sample), radii, support)
        )
        if known_lengths is not None:
            return Subject(lengths, shells, support=support)
        guessed = tuple("-".join(limb) for limb in lengths.mm if limb not in measured)
        few = tuple("-".join(limb) for limb, one in measured.items() if not one.is_certain)
        return Subject(lengths, shells, guessed, few, support)

    def measure_rough_limbs(self, sightings: Sightings) -> dict[tuple[str, str], Measured]:
        """Return the lengths of the limbs that are seen whole, by triangulation alone, from one or more sightings."""
        support = self.support(_iterate(sightings))
        return measure_limbs(
            self.skeleton, _samples([support.triangulate_pose(sighting) for sighting in _iterate(sightings)])
        )

    def _measure_limbs(self, sightings: Sightings, support: Support) -> dict[tuple[str, str], Measured]:
        """Return the lengths of the limbs that are seen whole."""
        first = measure_limbs(
            self.skeleton, _samples([support.triangulate_pose(sighting) for sighting in _iterate(sightings)])
        )
        inferred = self._infer(_iterate(sightings), complete_lengths(self.skeleton, first), support)
        members, cameras = zip(
            *((support.members(s, _drop_contradicted(s, p)), s.cameras) for s, p in inferred), strict=True
        )
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
