"""Sequences of the studio for the studies: a real network, the one that is shipped, looks at drawn pictures.

Its mistakes are its own: it sees the target world and has learned the generic one. Cameras and lenses are Human3.6M's.
A sequence's number decides the person, the action (all fifteen in turn), the motion, the room and the light; limb
lengths are learned from another take of the same person, who stands in it.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.detectors.registry import load_detector
from poseharvest.harvesting.subject import SubjectLearner
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.studio import ACTIONS
from poseharvest.tables.studio.filming import Filming, shoot
from poseharvest.tables.studio.study import BODY_ACTION
from simulated import Sequence, track

NETWORK: Final = "network"
"""What stands in place of the name of a simulated detector's mistakes."""


@cache
def network() -> HeatmapDetector:
    """Return the network."""
    return load_detector("hourglass")


def drawn_sequence(
    seed: int,
    *,
    frames: int,
    every: int,
    learn_from: int | None = None,
    inference: InferenceOptions = InferenceOptions(),  # noqa: B008 - frozen
) -> Sequence:
    """Return a sequence as `simulated.sequence` does, five frames a second.

    Args:
        seed: of everything in it.
        frames: its length.
        every: judge every so-manieth frame.
        learn_from: frames from which the limb lengths are learned; as many as are judged if None.
        inference: how poses are inferred.
    """
    detector = network()
    learner = SubjectLearner(detector.skeleton, inference)
    standing = track(shoot(seed, BODY_ACTION, seed, Filming(num_frames=learn_from or frames)).capture, detector)
    model = learner.model(learner.learn(standing).shells)
    take = shoot(seed, tuple(ACTIONS)[seed % len(ACTIONS)], seed, Filming(num_frames=frames))
    return Sequence.of(seed, track(take.capture, detector), take.truth, model, every=every)
