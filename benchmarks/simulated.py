"""Simulated sequences for the studies: who was seen where, and the truth beside it.

The rig is Human3.6M's. A sequence is one person, one motion and one detector's errors, all by seed; sequences are the
independent units of every confidence interval.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.harvesting.annotate import batched
from poseharvest.harvesting.subject import SubjectLearner
from poseharvest.localization.follow.one_person import Tracker, batch_length
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation import MEASURED, REALISTIC, DetectorErrors, simulate
from poseharvest.simulation.scene import GroundTruth

HARD = DetectorErrors(
    peak=(0.4, 0.9),
    jitter=0.014,
    occluded_jitter=3.0,
    occluded_peak=0.45,
    occluded_spread=1.6,
    swap_rate=0.06,
    second_mode_rate=0.15,
    missing_rate=0.06,
    wrong_rate=0.03,
    noise=0.012,
    noise_bias=-0.005,
)
"""A generic network on difficult footage: more of every mistake, and joints on something else altogether."""

MILD = DetectorErrors(
    peak=(0.75, 0.95),
    jitter=0.006,
    occluded_jitter=2.0,
    occluded_peak=0.75,
    occluded_spread=1.2,
    swap_rate=0.005,
    second_mode_rate=0.02,
    missing_rate=0.005,
    noise=0.005,
    noise_bias=-0.003,
)
"""A network trained on footage like this: sharper, and seldom wrong altogether."""

PICTURES = replace(
    MEASURED,
    peak=(0.64, 0.80),
    jitter=0.022,
    occluded_peak=1.0,
    occluded_jitter=1.2,
    occluded_doubt=1.0,
    doubt_peak=0.5,
    doubt_jitter=0.3,
    doubt_spread=0.14,
    doubt_gross=1.5,
    swap_rate=0.1,
    second_mode_rate=0.06,
    wrong_rate=0.12,
    wrong_distance=(0.1, 0.35),
)
"""As EfficientPose-I on COCO's labelled pictures, which are harder than footage of one person (docs/synthetic.md)."""

ERRORS = {"realistic": REALISTIC, "measured": MEASURED, "pictures": PICTURES, "hard": HARD, "mild": MILD}


@dataclass(frozen=True, eq=False)
class Sequence:
    """One simulated sequence, ready to be judged.

    Attributes:
        seed: of everything in it.
        sightings: the frames that are judged.
        truth: (F, J, 3) mm, for the same frames.
        model: the subject's, learned from the footage alone.
        joints: their names.
    """

    seed: int
    sightings: list[Sighting]
    truth: np.ndarray
    model: PictorialStructures
    joints: tuple[str, ...]

    @classmethod
    def of(
        cls, seed: int, seen: list[Sighting], truth: GroundTruth, model: PictorialStructures, *, every: int
    ) -> Sequence:
        """Return a sequence of which every `every`-th frame is judged."""
        judged = [sighting for sighting in seen if sighting.frame % every == 0]
        positions = truth.positions.numpy()[[sighting.frame for sighting in judged]]
        return cls(seed, judged, positions, model, truth.skeleton.joints)


def sequence(
    seed: int,
    *,
    frames: int,
    every: int,
    errors: DetectorErrors,
    learn_from: int | None = None,
    inference: InferenceOptions = InferenceOptions(),  # noqa: B008 - frozen
) -> Sequence:
    """Return a sequence: every frame is tracked, every `every`-th is judged.

    Args:
        seed: of everything in it.
        frames: its length.
        every: judge every so-manieth frame.
        errors: the detector's mistakes.
        learn_from: frames, spread evenly, from which the limb lengths are learned; all if None.
        inference: how poses are inferred.
    """
    simulation = simulate(frames, seed, errors=errors, render=False)
    seen = track(simulation.capture, simulation.detector)
    learner = SubjectLearner(simulation.detector.skeleton, inference)
    model = learner.model(learner.learn(spread_out(seen, learn_from or len(seen))).shells)
    return Sequence.of(seed, seen, simulation.truth, model, every=every)


def track(source: FrameSource, detector: HeatmapDetector, stop: int | None = None) -> list[Sighting]:
    """Return what the views of a capture show of the person in every frame, or in those before `stop`."""
    tracker, stream = Tracker(detector, source.rig), source.frames(0, stop)
    together = batched(stream, batch_length(source.frame_rate))
    return [sighting for frames in together for sighting in tracker.observe(frames)]


def spread_out(sightings: list[Sighting], num: int) -> list[Sighting]:
    """Return at most `num` of the sightings, evenly spread from the first to the last."""
    places = np.linspace(0, len(sightings) - 1, min(num, len(sightings))).round().astype(int)
    return [sightings[place] for place in places]


def print_errors(name: str) -> None:
    """Print the parameters of a detector's mistakes."""
    print(f"detector errors, {name}: " + ", ".join(f"{f.name} {getattr(ERRORS[name], f.name)}" for f in fields(HARD)))


def single_thread() -> None:
    """Keep to one thread: the tensors are small."""
    torch.set_num_threads(1)
