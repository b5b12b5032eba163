"""Who is who over several captures: a person is known again by the lengths of the limbs, or gets a new number.

Clothes and faces are not looked at. A length differs between two takes of one person, by posture and by the detector's
errors; `_take_spreads` holds by how much. Lengths of two people differ as people do (`pictorial.body_prior`). The
probability that somebody is one of the known people, or a new one, follows by Bayes' rule; before, the known people
are equally likely, and somebody new less so. Two people of one build cannot be told apart so, and neither gets the
other's number: it is called unsure.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

import numpy as np

from poseharvest.annotations.info import KnownPersonInfo, PersonInfo
from poseharvest.arrays import FloatArray
from poseharvest.findings import NAME_TOPIC, Finding
from poseharvest.harvesting.subject import LEAST_LIMBS, Subject, by_name
from poseharvest.pictorial.body_prior import BODY_SPREAD, Pair
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.proportions import is_of_the_frame, is_person
from poseharvest.skeleton.skeleton import Limb, Skeleton

SURE = 0.95
"""Probability from which somebody gets the number of a known person, or counts as new."""

_ADULTS_SPREAD = 0.06  # of the logarithm of the stature; children are the easier ones to tell apart
_SCALE_SPREAD = 0.02  # of the logarithm of all lengths together, between two takes of one person
_LENGTH_SPREAD = 0.03  # of one length besides; the halves of `multiperson` differ by 0 to 6 % in long limbs
_JOINT_SPREAD_MM = 10.0  # of where a take puts a joint along its limb; the widths of shoulders and hips differ by more
_FRAME_SPREAD_MM = 28.0  # of a length in one frame with both sides, which averages out over the frames
_NEWCOMER = (
    0.3  # how likely somebody new is before, beside each known person: trials of one folder show the same people
)

NameState = Literal["new", "known", "unsure"]


@dataclass(frozen=True)
class KnownPerson:
    """Somebody from an earlier capture.

    Attributes:
        person: the number.
        lengths_mm: by (parent, child) of limbs that were seen well, mm; empty if nobody is to be compared with them.
    """

    person: int
    lengths_mm: Mapping[Pair, float]

    @property
    def info(self) -> KnownPersonInfo:
        """The person as `harvest.json` has them."""
        return KnownPersonInfo(person=self.person, measured_mm=by_name(LimbLengths(self.lengths_mm)))

    @classmethod
    def of(cls, info: KnownPersonInfo) -> KnownPerson:
        """Return the person of an entry in `harvest.json`."""
        return cls(info.person, _by_pair(info.measured_mm))


@dataclass(frozen=True)
class Newcomer:
    """Somebody who is to get a number.

    Attributes:
        skeleton: the tree.
        lengths_mm: by (parent, child) of the limbs that this capture shows well, mm.
        num_sightings: how many sightings tell the lengths.
    """

    skeleton: Skeleton
    lengths_mm: Mapping[Pair, float]
    num_sightings: int


@dataclass(frozen=True)
class PersonName:
    """The number that somebody got, and how sure that is.

    Attributes:
        person: the number.
        state: "known": that of a known person; "new": nobody of them; "unsure": a new number, since it is not sure
            enough which of the known people it is, or whether it is a new one.
        likely: by the number of each known person, how likely it is that one.
        taken: the known person whom this one resembles most has been found in this capture already.
    """

    person: int
    state: NameState = "new"
    likely: dict[int, float] = field(default_factory=dict)
    taken: bool = False

    @property
    def finding(self) -> Finding | None:
        """What a person should know of it; None where nobody was known before."""
        if not self.likely:
            return None
        topic, who = f"{NAME_TOPIC} {self.person}", f"person {self.person}"
        ranked = sorted(self.likely, key=lambda number: -self.likely[number])
        others = [f"person {number} {_percent(self.likely[number])}" for number in ranked[:3]]
        chances = ", ".join([*others, f"somebody new {_percent(1 - sum(self.likely.values()))}"])
        if self.state == "known":
            return Finding("note", topic, f"{who} is that of the other trials, by the lengths of the limbs: {chances}")
        if self.state == "new":
            return Finding("note", topic, f"{who} is none of the people of the other trials: {chances}")
        reason = (
            f"person {ranked[0]} has been found in this trial already, and may be the same"
            if self.taken
            else "the lengths of the limbs do not tell"
        )
        message = (
            f"{who} has a new number, and may be somebody from the other trials: {reason} ({chances}): look at both"
        )
        return Finding("warning", topic, message)


def name_person(
    newcomer: Newcomer, known: Sequence[KnownPerson], *, taken: Collection[int], next_number: int
) -> PersonName:
    """Return the number of somebody whose limbs are known.

    Args:
        newcomer: the body, as this capture alone shows it.
        known: the people of other captures; their numbers are given once in a capture.
        taken: numbers of people who have been found in this capture.
        next_number: the number of a new person.
    """
    likely = likely_people(newcomer, known)
    best = max(likely, key=lambda number: likely[number], default=None)
    if best is None or sum(likely.values()) <= 1 - SURE:
        return PersonName(next_number, "new", likely)
    if likely[best] >= SURE and best not in taken:
        return PersonName(best, "known", likely)
    return PersonName(next_number, "unsure", likely, taken=best in taken)


def likely_people(newcomer: Newcomer, known: Sequence[KnownPerson]) -> dict[int, float]:
    """Return how likely somebody is each of the known people, by number; what is missing to 1 is somebody new.

    Of a skeleton whose proportions are not known, such as an animal's, nobody is known again.

    Args:
        newcomer: the body, as this capture alone shows it.
        known: the people.
    """
    odds = {one.person: _odds(newcomer, one.lengths_mm) for one in known if one.lengths_mm}
    total = _NEWCOMER + sum(odds.values())
    return {person: value / total for person, value in odds.items()}


def measured_lengths(subject: Subject) -> dict[Pair, float]:
    """Return the lengths of the limbs of a body that were seen well, mm."""
    doubtful = {*subject.guessed, *subject.few}
    return {limb: mm for limb, mm in subject.lengths.mm.items() if "-".join(limb) not in doubtful}


def known_people(harvested: Sequence[Sequence[PersonInfo]]) -> tuple[KnownPerson, ...]:
    """Return the people of some harvests, each limb the median of the harvests that show it well.

    Whoever is not surely somebody else than the people before has no lengths there, so that later captures are not
    compared with one person twice; the number is not given again all the same.

    Args:
        harvested: the people of each harvest.
    """
    lengths: dict[int, dict[Pair, list[float]]] = {}
    for info in (one for people in harvested for one in people):
        of_person = lengths.setdefault(info.person, {})
        for pair, mm in _by_pair(info.measured_mm).items() if info.name_state != "unsure" else ():
            of_person.setdefault(pair, []).append(mm)
    return tuple(
        KnownPerson(person, {pair: median(values) for pair, values in of_person.items()})
        for person, of_person in sorted(lengths.items())
    )


def _odds(newcomer: Newcomer, known_mm: Mapping[Pair, float]) -> float:
    """Return how many times as likely these lengths are of the known person as of anybody; 0 if few can be compared."""
    pairs = [pair for pair in _different_limbs(newcomer.skeleton) if pair in newcomer.lengths_mm and pair in known_mm]
    if not is_person(newcomer.skeleton) or len(pairs) < LEAST_LIMBS:
        return 0.0
    off = np.log([newcomer.lengths_mm[pair] / known_mm[pair] for pair in pairs])
    takes = _take_spreads([known_mm[pair] for pair in pairs], newcomer.num_sightings)
    same = _log_density(off, takes, _SCALE_SPREAD)
    # Somebody else differs from the known person as two people do; the detector puts the joints of both alike.
    another = _log_density(
        off,
        np.hypot(math.sqrt(2) * BODY_SPREAD, takes),
        math.hypot(math.sqrt(2) * _ADULTS_SPREAD, _SCALE_SPREAD),
    )
    return math.exp(min(max(same - another, -700.0), 300.0))


def _take_spreads(lengths_mm: Sequence[float], num_sightings: int) -> FloatArray:
    """Return by how much the logarithm of each length differs between two takes of one person."""
    joints_mm = math.hypot(_JOINT_SPREAD_MM, _FRAME_SPREAD_MM / math.sqrt(num_sightings))
    return np.hypot(_LENGTH_SPREAD, joints_mm / np.asarray(lengths_mm))


def _log_density(off: FloatArray, spreads: FloatArray, common: float) -> float:
    """Return the log density of a normal vector with a spread for each entry, and one that all entries share."""
    cov = np.diag(spreads**2) + common**2
    _, log_det = np.linalg.slogdet(cov)
    return -0.5 * float(off @ np.linalg.solve(cov, off) + log_det + len(off) * math.log(2 * math.pi))


def _different_limbs(skeleton: Skeleton) -> list[Pair]:
    """Return trunk, arms, legs and widths, of which a detector knows the ends best, one side of each."""
    chosen: list[Limb] = []
    for limb in skeleton.limbs:
        if is_of_the_frame(limb) and skeleton.mirrored_limb(limb) not in chosen:
            chosen.append(limb)
    return [(limb.parent, limb.child) for limb in chosen]


def _by_pair(lengths_mm: Mapping[str, float]) -> dict[Pair, float]:
    return {(name.partition("-")[0], name.partition("-")[2]): mm for name, mm in lengths_mm.items()}


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %"
