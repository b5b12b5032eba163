"""Limb lengths from the proportions of people: scaled by what is seen, drawn to it, and deaf to mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.pictorial.body_prior import USUAL_STATURE_MM, BodyPrior, body_prior
from poseharvest.pictorial.limb_estimation import Measured
from poseharvest.skeleton.definitions import SKELETONS
from poseharvest.skeleton.skeleton import Limb, Skeleton

ANIMAL = Skeleton("animal", ("withers", "tail"), (Limb("withers", "tail"),))


def prior(name: str = "mpii16") -> BodyPrior:
    found = body_prior(SKELETONS[name])
    assert found is not None
    return found


def body(stature_mm: float, name: str = "mpii16", count: int = 1) -> dict[tuple[str, str], Measured]:
    return {pair: Measured(stature_mm * limb.share, count) for pair, limb in prior(name).limbs.items()}


@pytest.mark.parametrize("name", SKELETONS)
def test_every_limb_of_our_skeletons_has_a_usual_length_and_left_is_as_long_as_right(name: str) -> None:
    skeleton, limbs = SKELETONS[name], prior(name).limbs
    assert set(limbs) == {(limb.parent, limb.child) for limb in skeleton.limbs}
    for limb in skeleton.limbs:
        mirrored = skeleton.mirrored_limb(limb)
        if mirrored in skeleton.limbs:
            assert limbs[limb.parent, limb.child].share == pytest.approx(limbs[mirrored.parent, mirrored.child].share)


def test_an_animal_has_no_proportions_of_people() -> None:
    assert body_prior(ANIMAL) is None


@given(st.floats(1000, 2100), st.sampled_from(sorted(SKELETONS)))
def test_a_body_of_usual_proportions_is_itself(stature_mm: float, name: str) -> None:
    found = prior(name).lengths(body(stature_mm, name, count=2))
    for pair, one in body(stature_mm, name).items():
        assert found.mm[pair] == pytest.approx(one.mm, rel=0.02)


@given(st.floats(1200, 2000), st.integers(0, 14))
def test_a_limb_that_is_not_seen_is_as_long_as_usual_at_this_size(stature_mm: float, missing: int) -> None:
    seen = body(stature_mm, count=2)
    pair = list(seen)[missing]
    truth = seen.pop(pair).mm
    assert prior().lengths(seen).mm[pair] == pytest.approx(truth, rel=0.03)


def test_one_limb_on_another_persons_joint_changes_no_length() -> None:
    seen = body(1700, count=2)
    wrong = dict(seen) | {("right_hip", "right_knee"): Measured(1100, 1)}
    for pair, length in prior().lengths(wrong).mm.items():
        assert length == pytest.approx(seen[pair].mm, rel=0.02)


def test_with_nothing_seen_it_is_an_adult() -> None:
    assert prior().stature_mm({}) == pytest.approx(USUAL_STATURE_MM)


def test_shares_are_learned_from_bodies_that_are_seen() -> None:
    """A detector whose hips lie 20 % farther apart than the table says."""
    wide = body(1700, count=2)
    hips = [pair for pair in wide if pair[1].endswith("_hip")]
    wide |= {pair: Measured(1.2 * wide[pair].mm, 2) for pair in hips}
    taught = prior().taught([wide] * 5)
    small = {pair: one for pair, one in body(1500, count=2).items() if pair not in hips}
    for pair in hips:
        usual = 1500 * prior().limbs[pair].share
        assert taught.lengths(small).mm[pair] == pytest.approx(1.2 * usual, rel=0.03)
        assert prior().taught([wide] * 2).limbs[pair] == prior().limbs[pair]
