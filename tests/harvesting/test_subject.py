"""The subject's limbs, learned from footage whose truth is known."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest
import torch

from localization_kit import ChangedDetector
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.harvesting.annotate import TOGETHER
from poseharvest.harvesting.limb_findings import limb_findings
from poseharvest.harvesting.subject import Subject, SubjectLearner, TeachingFrames, complete_lengths
from poseharvest.localization.follow.one_person import Tracker
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.pictorial.limb_estimation import Measured, PoseSamples, estimate_limb_lengths
from poseharvest.simulation import CLEAN, ONE_VIEW_WRONG, DetectorErrors, Simulation, simulate
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Limb, Skeleton

LEARNER = SubjectLearner(MPII16, InferenceOptions(resolution=32))
NUM_FRAMES = 8


def watch(simulation: Simulation) -> list[Sighting]:
    tracker = Tracker(simulation.detector, simulation.capture.rig)
    return [s for frame in simulation.capture.frames() for s in tracker.observe([frame])]


def true_lengths(simulation: Simulation) -> LimbLengths:
    """By the median over the frames, as limbs of a real body hardly change."""
    positions = simulation.truth.positions
    return LimbLengths({
        (limb.parent, limb.child): float(
            (positions[:, MPII16.index(limb.parent)] - positions[:, MPII16.index(limb.child)]).norm(dim=-1).median()
        )
        for limb in MPII16.limbs
    })


def errors_mm(found: LimbLengths, true: LimbLengths) -> torch.Tensor:
    return torch.tensor([found.mm[limb] - true.mm[limb] for limb in true.mm])


Learned = Callable[[DetectorErrors], tuple[Simulation, list[Sighting], Subject]]


@pytest.fixture(scope="module")
def learned() -> Learned:
    known: dict[DetectorErrors, tuple[Simulation, list[Sighting], Subject]] = {}

    def learn(errors: DetectorErrors) -> tuple[Simulation, list[Sighting], Subject]:
        if errors not in known:
            simulation = simulate(NUM_FRAMES, 5, errors=errors, render=False)
            sightings = watch(simulation)
            known[errors] = (simulation, sightings, LEARNER.learn(sightings))
        return known[errors]

    return learn


@pytest.mark.parametrize(("errors", "tolerance_mm"), [(CLEAN, 8.0), (ONE_VIEW_WRONG, 15.0)])
def test_lengths_are_the_true_ones(learned: Learned, errors: DetectorErrors, tolerance_mm: float) -> None:
    """Whatever one view of four believes of 15 % of the joints."""
    simulation, _, subject = learned(errors)
    assert float(errors_mm(subject.lengths, true_lengths(simulation)).abs().max()) < tolerance_mm
    assert subject.guessed == ()


def test_left_is_as_long_as_right(learned: Learned) -> None:
    _, _, subject = learned(ONE_VIEW_WRONG)
    for lengths in (subject.lengths, subject.shells):
        for limb in MPII16.limbs:
            mirror = MPII16.mirrored_limb(limb)
            assert lengths.mm[limb.parent, limb.child] == lengths.mm[mirror.parent, mirror.child]


def test_shells_are_bounded(learned: Learned) -> None:
    """They make up for blobs, which shorten limbs, and for no more than that."""
    for errors in (CLEAN, ONE_VIEW_WRONG):
        subject = learned(errors)[2]
        for limb, radius in subject.shells.mm.items():
            assert subject.lengths.mm[limb] <= radius <= subject.lengths.mm[limb] + 60


def posterior_lengths(learner: SubjectLearner, sightings: list[Sighting], radii: LimbLengths) -> LimbLengths:
    model = learner.model(radii)
    posteriors = [model.infer(s.heatmaps, s.cameras, s.center) for s in sightings]
    det = torch.stack([torch.linalg.det(p.cov) for p in posteriors])
    return estimate_limb_lengths(MPII16, PoseSamples(torch.stack([p.mean for p in posteriors]), det))


def test_shells_make_the_posterior_as_long_as_the_body(learned: Learned) -> None:
    """At the paper's resolution; shells of the measured lengths themselves err several times as much."""
    _, sightings, _ = learned(CLEAN)
    learner = SubjectLearner(MPII16, InferenceOptions(resolution=64))
    subject = learner.learn(sightings[:6])
    plain = errors_mm(posterior_lengths(learner, sightings[:6], subject.lengths), subject.lengths).abs()
    matched = errors_mm(posterior_lengths(learner, sightings[:6], subject.shells), subject.lengths).abs()
    assert float(matched.mean()) < 0.6 * float(plain.mean())
    assert float(matched.max()) < 6


def test_given_lengths_are_kept(learned: Learned) -> None:
    simulation, sightings, _ = learned(CLEAN)
    lengths = LimbLengths({limb: length + 1 for limb, length in true_lengths(simulation).mm.items()})
    quick = replace(LEARNER, options=InferenceOptions(resolution=16))
    subject = quick.learn(sightings[:3], lengths)
    assert subject.lengths == lengths
    assert subject.guessed == ()


def test_given_lengths_must_be_those_of_the_skeleton(learned: Learned) -> None:
    simulation, sightings, _ = learned(CLEAN)
    true = true_lengths(simulation).mm
    with pytest.raises(ConfigError, match=r"limb lengths: expected limbs among pelvis-right_hip, .*, got pelvis-tail"):
        LEARNER.learn(sightings, LimbLengths({**true, ("pelvis", "tail"): 100.0}))
    with pytest.raises(ConfigError, match='expected a positive length of "pelvis-thorax" in mm, got nan'):
        LEARNER.learn(sightings, LimbLengths({**true, ("pelvis", "thorax"): float("nan")}))


@pytest.mark.parametrize("num_frames", [1, 2])
def test_one_moment_is_enough(learned: Learned, num_frames: int) -> None:
    """Its limbs are drawn to the usual proportions of people, and named as resting on few frames."""
    simulation, sightings, _ = learned(CLEAN)
    subject = LEARNER.learn(sightings[:num_frames])
    assert float(errors_mm(subject.lengths, true_lengths(simulation)).abs().max()) < 35
    assert subject.few
    assert not subject.guessed
    assert {f.topic for f in limb_findings(subject, "person 0")} == {"limb lengths"}
    assert any("person 0: " in f.message and "proportions" in f.message for f in limb_findings(subject, "person 0"))


def test_a_skeleton_of_no_person_needs_three_frames() -> None:
    tail = Skeleton("animal", ("withers", "hock"), (Limb("withers", "hock"),))
    with pytest.raises(CaptureError, match="no limb is seen whole in three frames; give them"):
        complete_lengths(tail, {("withers", "hock"): Measured(300, 2)})
    with pytest.raises(CaptureError, match="no limb is seen whole; give them"):
        complete_lengths(MPII16, {})


def test_limbs_at_the_limit_of_their_range_are_named() -> None:
    lengths = LimbLengths({("a", "b"): 300.0, ("b", "c"): 200.0})
    subject = Subject(lengths, LimbLengths({("a", "b"): 360.0, ("b", "c"): 210.0}))
    (found,) = limb_findings(subject, "person 3")
    assert "person 3: 1 limb is" in found.message
    assert "a-b 300 mm" in found.message
    assert "b-c" not in found.message


def test_a_limb_that_is_never_whole_is_guessed_and_named() -> None:
    simulation = simulate(4, 5, errors=CLEAN, render=False)

    def hide(view: object, maps: torch.Tensor) -> torch.Tensor:
        maps[MPII16.index("pelvis")] = 0
        return maps

    detector = ChangedDetector(simulation.detector, hide)
    tracker = Tracker(detector, simulation.capture.rig)
    sightings = [s for frame in simulation.capture.frames() for s in tracker.observe([frame])]
    quick = replace(LEARNER, options=InferenceOptions(resolution=16))
    subject = quick.learn(sightings)
    assert sorted(subject.guessed) == ["pelvis-left_hip", "pelvis-right_hip", "pelvis-thorax"]
    for limb, length in true_lengths(simulation).mm.items():
        assert subject.lengths.mm[limb] == pytest.approx(length, rel=0.4 if "hip" in limb[1] else 0.15)
    (message,) = (f.message for f in limb_findings(subject, "the person") if "never seen whole" in f.message)
    assert all(limb in message for limb in subject.guessed)
    measured = [length for limb, length in subject.lengths.mm.items() if "pelvis" not in limb]
    assert subject.lengths.mm["pelvis", "thorax"] > 1.2 * median(measured)  # a trunk, not a median limb


def test_it_takes_no_more_frames_than_it_may_and_says_what_it_does(learned: Learned) -> None:
    _, sightings, _ = learned(CLEAN)
    steps: list[str] = []
    quick = replace(
        LEARNER,
        options=InferenceOptions(resolution=16),
        refines=True,
        frames=TeachingFrames(measured=5, matched=2, mixed=1),
        on_step=steps.append,
    )
    assert quick.learn(sightings).refinement is not None
    poses, shells = ([step for step in steps if step.startswith(what)] for what in ("poses", "shells"))
    assert poses == [f"poses, {number} of 5" for number in range(1, 6)]
    assert shells == ["shells, 1 of 2", "shells, 2 of 2"]
    # One frame without each of the views in turn: so few are inferred together.
    assert 1 < len(sightings[0].cameras) <= TOGETHER
    assert steps.count("what each view says of the others") == 1


@pytest.mark.parametrize(("factor", "words"), [(0.8, "25% longer"), (1.2, "17% shorter")])
def test_lengths_that_are_another_person_s_are_named(learned: Learned, factor: float, words: str) -> None:
    simulation, sightings, _ = learned(CLEAN)
    lengths = LimbLengths({limb: factor * length for limb, length in true_lengths(simulation).mm.items()})
    quick = replace(LEARNER, options=InferenceOptions(resolution=16))
    subject = quick.learn(sightings, lengths)
    assert subject.longer_than_given == pytest.approx(1 / factor - 1, abs=0.03)
    found = [one.message for one in limb_findings(subject, "the person") if "were given" in one.message]
    number, kind = words.split("% ")
    assert len(found) == 1
    assert re.search(rf"the limbs are \d+% {kind} in the footage than the lengths that were given", found[0])
    assert abs(int(re.search(r"(\d+)%", found[0])[1]) - int(number)) <= 3


def test_the_person_s_own_lengths_are_no_contradiction(learned: Learned) -> None:
    simulation, sightings, _ = learned(CLEAN)
    subject = replace(LEARNER, options=InferenceOptions(resolution=16)).learn(sightings, true_lengths(simulation))
    assert not [one for one in limb_findings(subject, "the person") if "were given" in one.message]
