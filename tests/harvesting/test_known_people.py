"""Who is who over captures: by the limbs, with how sure, once each, and never a name that is not sure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from localization_kit import STANDING, plain_rig
from people_kit import ListedPeople, People
from poseharvest.annotations.info import PersonInfo
from poseharvest.annotations.reader import Harvest
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.known_people import (
    KnownPerson,
    Newcomer,
    PersonName,
    known_people,
    likely_people,
    measured_lengths,
    name_person,
)
from poseharvest.harvesting.subject import Subject
from poseharvest.pictorial.body_prior import body_prior
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation.crowd import CrowdCapture
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.limb_lengths import LimbLengths

RIG = plain_rig()
QUICK = HarvestOptions(inference=InferenceOptions(resolution=32), warm_up_frames=12, num_previews=0, people=None)
ASIDE = torch.tensor([700.0, 300.0, 0.0], dtype=torch.float64)
PRIOR = body_prior(MPII16)
assert PRIOR is not None
USUAL = {pair: 1700 * limb.share for pair, limb in PRIOR.limbs.items()}


def body(scale: float, **limbs: float) -> dict[tuple[str, str], float]:
    """An adult of usual build, scaled, with some limbs scaled besides, by the name of their end."""
    return {pair: scale * limbs.get(pair[1].split("_")[-1], 1.0) * mm for pair, mm in USUAL.items()}


def named(
    lengths: dict[tuple[str, str], float],
    known: Sequence[KnownPerson],
    taken: tuple[int, ...] = (),
    num_sightings: int = 100,
    **doubts: tuple[str, ...],
) -> PersonName:
    """Whoever has a body, beside the known people."""
    subject = Subject(LimbLengths(lengths), LimbLengths(lengths), **doubts)
    newcomer = Newcomer(MPII16, measured_lengths(subject), num_sightings)
    return name_person(newcomer, known, taken=taken, next_number=len(known))


def two(frame: int, view: str) -> list[Tensor]:
    return [STANDING, 0.8 * STANDING + ASIDE]


def exchanged(frame: int, view: str) -> list[Tensor]:
    """The same two in the other order; the larger one comes later, so that the smaller one is learned first."""
    return [0.8 * STANDING, *([STANDING + ASIDE] if frame >= 6 else [])]


def made(path: Path, poses: People, known: tuple[KnownPerson, ...] = (), num_frames: int = 24) -> Harvest:
    return harvest(
        CrowdCapture(RIG, num_frames), ListedPeople(RIG, poses), path, options=QUICK, known_people=known, resume=True
    )


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    return made(tmp_path_factory.mktemp("first") / "h", two)


def heights(harvested: Harvest) -> dict[int, float]:
    """The extent of each person upwards, mm, by number."""
    return {record.person: float(np.ptp(np.asarray(record.mean)[:, 2])) for record in harvested.iter_frames()}


def test_without_others_everybody_is_new(first: Harvest) -> None:
    assert [(one.person, one.name_state, one.likely) for one in first.info.people] == [(0, "new", {}), (1, "new", {})]
    assert all(one.measured_mm == one.limb_lengths_mm for one in first.info.people)
    assert first.info.known_people == ()


def test_people_in_exchanged_order_keep_their_numbers(first: Harvest, tmp_path: Path) -> None:
    alone = made(tmp_path / "alone", exchanged)
    assert heights(alone)[0] < heights(alone)[1]  # without the first capture the numbers are exchanged
    known = known_people([first.info.people])
    second = made(tmp_path / "second", exchanged, known)
    by_number = heights(second)
    assert by_number.keys() == {0, 1}
    assert by_number[0] == pytest.approx(heights(first)[0], rel=0.05)
    assert by_number[1] == pytest.approx(heights(first)[1], rel=0.05)
    for one, before in zip(second.info.people, first.info.people, strict=True):
        assert one.name_state == "known"
        assert one.likely[one.person] >= 0.95
        assert one.limb_lengths_mm == before.measured_mm  # the body is that of the first capture
        assert one.measured_mm != before.measured_mm  # and what this capture shows is kept beside it
    assert [record.person for record in second.iter_frames() if record.frame == 19] == [0, 1]


def test_the_same_request_finds_the_finished_harvest(first: Harvest, tmp_path: Path) -> None:
    known = known_people([first.info.people])
    once = made(tmp_path / "h", exchanged, known)
    again = made(tmp_path / "h", exchanged, tuple(map(KnownPerson.of, once.info.known_people)))
    assert again.info == once.info


def test_somebody_new_gets_a_number_that_nobody_has(first: Harvest, tmp_path: Path) -> None:
    known = (*known_people([first.info.people]), KnownPerson(6, {}))
    second = made(tmp_path / "h", lambda frame, view: [1.25 * STANDING], known)
    (person,) = second.info.people
    assert (person.person, person.name_state) == (7, "new")


def test_two_known_people_of_one_build_are_not_told_apart(tmp_path: Path) -> None:
    twins = made(tmp_path / "twins", lambda frame, view: [STANDING, STANDING + ASIDE])
    second = made(tmp_path / "h", lambda frame, view: [STANDING], known_people([twins.info.people]))
    (person,) = second.info.people
    assert (person.person, person.name_state) == (2, "unsure")
    (finding,) = [finding for finding in second.info.findings if finding.topic == "name of person 2"]
    assert finding.severity == "warning"
    assert "person 2 has a new number, and may be somebody from the other trials" in finding.message
    assert {0, 1} == person.likely.keys()
    assert all(0.3 < likely < 0.6 for likely in person.likely.values())


def test_a_number_is_given_once(first: Harvest) -> None:
    known = known_people([first.info.people])
    alike = dict(known[0].lengths_mm)
    assert named(alike, known).person == 0
    twin = named(alike, known, taken=(0,))
    assert (twin.person, twin.state, twin.taken) == (2, "unsure", True)
    assert twin.finding is not None
    assert "person 0 has been found in this trial already, and may be the same" in twin.finding.message


@given(scale=st.floats(0.7, 1.15), moved=st.floats(0.7, 1.4), order=st.permutations([0, 1, 2]))
def test_neither_scale_of_all_nor_order_matters(scale: float, moved: float, order: list[int]) -> None:
    """Chances are chances, whoever is named first; whoever is nearer is likelier."""
    people = [KnownPerson(0, body(scale)), KnownPerson(1, body(moved)), KnownPerson(2, body(1.0, knee=1.1))]
    likely = likely_people(Newcomer(MPII16, body(scale), 100), people)
    shuffled = likely_people(Newcomer(MPII16, body(scale), 100), [people[place] for place in order])
    assert shuffled == pytest.approx(likely)
    assert 0 <= sum(likely.values()) <= 1 + 1e-12
    assert likely[0] >= likely[1] - 1e-12


def test_doubtful_limbs_do_not_count() -> None:
    known = [KnownPerson(0, body(1.0))]
    wrong = body(1.0, knee=1.5, ankle=1.5)
    names = tuple("-".join(pair) for pair in wrong if pair[1].split("_")[-1] in {"knee", "ankle"})
    assert named(wrong, known).state == "new"
    assert named(wrong, known, guessed=names).likely[0] > 0.5
    assert named(wrong, known, few=tuple("-".join(pair) for pair in wrong)).likely == {0: 0.0}


@pytest.mark.parametrize(("smaller", "state"), [(0.98, "unsure"), (0.95, "unsure"), (0.92, "known"), (0.85, "known")])
def test_too_similar_bodies_are_unsure(smaller: float, state: str) -> None:
    """Two known people, one of whom is the other made smaller: whoever comes back is named, or both are."""
    known = [KnownPerson(0, body(1.0)), KnownPerson(1, body(smaller))]
    name = named(body(1.0), known)
    assert name.state == state
    assert name.person == (0 if state == "known" else 2)
    if state == "unsure":
        assert name.finding is not None
        assert name.finding.severity == "warning"
        assert "person 0" in name.finding.message
        assert "person 1" in name.finding.message


def test_fewer_sightings_say_less() -> None:
    """Also that somebody is new."""
    known = [KnownPerson(0, body(1.0)), KnownPerson(1, body(0.88))]
    alike = [named(body(1.0), known, num_sightings=count).likely[0] for count in (100, 10, 2)]
    assert alike == sorted(alike, reverse=True)
    assert alike[0] > alike[2] + 0.01
    new = [1 - sum(named(body(1.12), known, num_sightings=count).likely.values()) for count in (100, 10, 2)]
    assert new == sorted(new, reverse=True)


def test_numbers_are_mostly_right_and_said_to_be_so() -> None:
    """People as they differ, in two takes each: of those who are named, fewer are wrong than the names say."""
    random = np.random.default_rng(3)
    right, wrong, unsure = 0, 0, 0
    for trial in range(300):
        statures = 1680 * np.exp(random.normal(0, 0.06, 4))
        people = [
            {p: s * limb.share * np.exp(random.normal(0, 0.06)) for p, limb in PRIOR.limbs.items()} for s in statures
        ]
        people = [{p: one[MPII16_LEFT.get(p, p)] for p in one} for one in people]
        known = [KnownPerson(number, take(one, random)) for number, one in enumerate(people[:3])]
        # Somebody new is as likely as the prior says: beside three known people, in every third trial.
        for number in (0, 1, 2, 3)[: 3 + (trial % 3 == 0)]:
            name = named(take(people[number], random), known, num_sightings=10**6)
            unsure += name.state == "unsure"
            right += name.state != "unsure" and name.person == number
            wrong += name.state != "unsure" and name.person != number
    assert wrong / (right + wrong) < 0.05
    assert right > 1.5 * unsure


MPII16_LEFT = {
    (limb.parent, limb.child): (limb.parent.replace("right", "left"), limb.child.replace("right", "left"))
    for limb in MPII16.limbs
}


def take(lengths: dict[tuple[str, str], float], random: np.random.Generator) -> dict[tuple[str, str], float]:
    """The lengths of one take: sides alike, each with the errors of a take (two takes differ by sqrt(2) of them)."""
    scale = np.exp(random.normal(0, 0.02 / np.sqrt(2)))
    noise = {pair: random.normal(0, np.hypot(0.03, 10 / mm) / np.sqrt(2)) for pair, mm in lengths.items()}
    return {pair: mm * scale * np.exp(noise[MPII16_LEFT[pair]]) for pair, mm in lengths.items()}


def test_people_of_several_trials_are_pooled_and_the_unsure_left_aside() -> None:
    def person(number: int, state: str, **lengths: float) -> PersonInfo:
        measured = {name.replace("__", "-"): mm for name, mm in lengths.items()}
        frames = {"frames": 1, "first_frame": 0, "last_frame": 0}
        return PersonInfo(
            person=number, **frames, limb_lengths_mm={}, shells_mm={}, measured_mm=measured, name_state=state
        )

    pooled = known_people([
        [person(0, "new", left_hip__left_knee=400), person(1, "new", left_hip__left_knee=300)],
        [person(0, "known", left_hip__left_knee=410, left_knee__left_ankle=390), person(2, "unsure", a__b=1)],
        [person(0, "known", left_hip__left_knee=440)],
    ])
    assert pooled == (
        KnownPerson(0, {("left_hip", "left_knee"): 410, ("left_knee", "left_ankle"): 390}),
        KnownPerson(1, {("left_hip", "left_knee"): 300}),
        KnownPerson(2, {}),
    )
