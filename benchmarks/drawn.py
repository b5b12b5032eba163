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
from poseharvest.pictorial.infer import InferenceOptions
from poseharvest.synthetic.rig import studio_rig_at_origin
from poseharvest.synthetic.studio import ACTIONS, CaptureOptions, Shoot, studio_capture
from simulated import Sequence, track

NETWORK: Final = "network"
"""What stands in place of the name of a simulated detector's mistakes."""

BODY_ACTION: Final = "Greeting"
OPTIONS: Final = CaptureOptions(rig=studio_rig_at_origin(0.5), frame_rate=5.0)


@cache
def network() -> HeatmapDetector:
    """Return the network."""
    return load_detector("hourglass")


def shoot(seed: int, action: str, frames: int) -> Shoot:
    """Return a take of person number `seed`."""
    return studio_capture("target", seed, action, frames, seed, OPTIONS)


def drawn_sequence(
    seed: int, *, frames: int, every: int, learn_from: int | None = None, height_power: float = 0.0
) -> Sequence:
    """Return a sequence as `simulated.sequence` does, five frames a second.

    Args:
        seed: of everything in it.
        frames: its length.
        every: judge every so-manieth frame.
        learn_from: frames from which the limb lengths are learned; as many as are judged if None.
        height_power: of the inference.
    """
    detector = network()
    learner = SubjectLearner(detector.skeleton, InferenceOptions(height_power=height_power))
    standing = track(shoot(seed, BODY_ACTION, learn_from or frames).capture, detector)
    model = learner.model(learner.learn(standing).shells)
    take = shoot(seed, tuple(ACTIONS)[seed % len(ACTIONS)], frames)
    judged = [sighting for sighting in track(take.capture, detector) if sighting.frame % every == 0]
    truth = take.truth.positions.numpy()[[sighting.frame for sighting in judged]]
    return Sequence(seed, judged, truth, model, detector.skeleton.joints)
