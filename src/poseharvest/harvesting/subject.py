"""Learning the subject from the first frames: limb lengths, then shells that reproduce them (choice D5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import torch
from torch import Tensor

from poseharvest.errors import CaptureError
from poseharvest.harvesting.batches import infer_each
from poseharvest.localization.associate import RoughPose, rough_poses
from poseharvest.localization.follow import view_candidates
from poseharvest.localization.scan import Candidate
from poseharvest.localization.track import Sighting
from poseharvest.pictorial.infer import InferenceOptions, PictorialStructures
from poseharvest.pictorial.limb_lengths import PoseSamples, estimate_limb_lengths, match_shells
from poseharvest.pictorial.pairwise import LimbLengths
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.skeleton.proportions import fit_body, is_person, usual_lengths
from poseharvest.skeleton.skeleton import Limb, Skeleton

_MAX_FRAMES_MATCHED = 24
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
        guessed: limbs, by name, that were never seen whole: their length is a person's with the other limbs, or the
            median of the others' where these tell no stature.
    """

    lengths: LimbLengths
    shells: LimbLengths
    guessed: tuple[str, ...] = ()


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
    """

    skeleton: Skeleton
    options: InferenceOptions
    device: str = "cpu"

    def learn(self, sightings: Sightings, given: LimbLengths | None = None) -> Subject:
        """Return the subject.

        Lengths come from the robust triangulation of single frames; a second pass drops the peaks that the posterior
        under these lengths contradicts, and measures again. Lengths that are given are taken as they are.

        Args:
            sightings: frames of the subject, one or more.
            given: the lengths, where they are known.

        Raises:
            CaptureError: no limb at all is seen whole in three frames.
            ConfigError: the given lengths are not those of the skeleton's limbs.
        """
        sample = _spread_evenly(len(sightings), _MAX_FRAMES_MATCHED)
        seen = self._measured(sightings) if given is None else given
        lengths = _completed(self.skeleton, seen) if given is None else given
        guessed = tuple("-".join(limb) for limb in lengths.mm if limb not in seen.mm)
        shells = match_shells(
            self.skeleton, lengths, lambda radii: self._positions((sightings[i] for i in sample), radii)
        )
        return Subject(lengths, shells, guessed)

    def _measured(self, sightings: Sightings) -> LimbLengths:
        """Return the lengths of the limbs that are seen whole."""
        first = estimate_limb_lengths(self.skeleton, _samples([s.rough for s in _each(sightings)]))
        inferred = self._infer(_each(sightings), _completed(self.skeleton, first))
        members, cameras = zip(*((_consistent(s, p), s.cameras) for s, p in inferred), strict=True)
        again = rough_poses(members, cameras, len(self.skeleton))
        second = estimate_limb_lengths(self.skeleton, _samples(again))
        return LimbLengths({**first.mm, **second.mm})

    def model(self, shells: LimbLengths) -> PictorialStructures:
        """Return the model with the given shells."""
        return PictorialStructures(self.skeleton, shells, self.options, device=self.device)

    def _infer(self, sightings: Iterable[Sighting], shells: LimbLengths) -> Iterator[tuple[Sighting, JointPosterior]]:
        return infer_each(self.model(shells), sightings)

    def _positions(self, sightings: Iterable[Sighting], shells: LimbLengths) -> PoseSamples:
        posteriors = [posterior for _, posterior in self._infer(sightings, shells)]
        mean = torch.stack([p.mean for p in posteriors])
        det: Tensor = torch.linalg.det(torch.stack([p.cov for p in posteriors]))
        supported = torch.stack([p.supported for p in posteriors])
        return PoseSamples(mean, torch.where(supported, det, torch.inf))


def _completed(skeleton: Skeleton, measured: LimbLengths) -> LimbLengths:
    """Return `measured` with a guess for every limb that is missing: a person's proportions, or the median length.

    A joint that no camera sees must not end a harvest; where it is put is said to be unsupported anyway.
    """
    if not measured.mm:
        raise CaptureError("limb lengths: no limb is seen whole in three frames; give the limb lengths in a file")
    guess = median(measured.mm.values())
    fit = fit_body({Limb(*pair): length for pair, length in measured.mm.items()}) if is_person(skeleton) else None
    usual = {} if fit is None else usual_lengths(skeleton, fit.stature_mm)
    return LimbLengths({
        (limb.parent, limb.child): measured.mm.get((limb.parent, limb.child), usual.get(limb, guess))
        for limb in skeleton.limbs
    })


def _samples(poses: Sequence[RoughPose]) -> PoseSamples:
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
