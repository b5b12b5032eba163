"""Lengths of limbs that are as short as the errors of their ends."""

from __future__ import annotations

import pytest
import torch

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions
from poseharvest.harvesting.hand_lengths import measure_hands
from poseharvest.harvesting.hand_sightings import HandFinder, Wrists
from poseharvest.pictorial.limb_estimation import PoseSamples, measure_limbs
from poseharvest.simulation.hand_scene import LAYOUT, HandErrors, make_hand_scene
from poseharvest.skeleton.hands import HAND21, USUAL_MM

BOTH = torch.tensor([True, True])


def sightings(folder, errors, num_frames=40, seed=1):
    scene = make_hand_scene(folder, num_frames, seed, errors)
    detector = KeypointDetector(folder, KeypointOptions(layout=LAYOUT, frame_offset=0))
    finder = HandFinder(detector, scene.capture.rig, (64, 64))
    nothing = (None,) * len(scene.capture.rig)
    looks = [
        finder.look(MultiViewFrame(frame, frame / 25, nothing), Wrists(hands[:, 0], BOTH))
        for frame, hands in enumerate(scene.hands)
    ]
    ends = [(HAND21.index(limb.parent), HAND21.index(limb.child)) for limb in HAND21.limbs]
    true = [float(torch.linalg.vector_norm(scene.hands[0, 0, a] - scene.hands[0, 0, b])) for a, b in ends]
    return [one for look in looks for one in look.sightings if one is not None], true


@pytest.mark.parametrize("sigma_px", [(0.5, 0.5), (1.0, 3.0)])
def test_errors_do_not_make_limbs_longer(tmp_path, sigma_px):
    """The usual median of lengths makes the last limbs of fingers longer by a sixth where errors are usual ones."""
    hands, true = sightings(tmp_path, HandErrors(sigma_px=sigma_px))
    measured = measure_hands(hands)
    assert measured.guessed == ()
    ratios = torch.tensor([measured.lengths.mm[limb.parent, limb.child] for limb in HAND21.limbs]) / torch.tensor(true)
    assert (ratios.mean() - 1).abs() < 0.04
    assert (ratios - 1).abs().max() < 0.2
    samples = PoseSamples(
        torch.stack([one.pose.points for one in hands]), torch.stack([one.pose.doubt for one in hands])
    )
    usual = measure_limbs(HAND21, samples)
    medians = torch.tensor([usual[limb.parent, limb.child].mm for limb in HAND21.limbs]) / torch.tensor(true)
    assert (ratios.mean() - 1).abs() <= (medians.mean() - 1).abs() + 0.01


def test_a_finger_that_nobody_sees_is_as_long_as_usual_at_the_size_of_the_hand(tmp_path):
    hands, _ = sightings(tmp_path, HandErrors(sigma_px=(0.2, 0.2), missing=0.0), num_frames=12)
    pinky = [HAND21.index(f"pinky_{number}") for number in range(1, 5)]
    for one in hands:
        one.heatmaps.values[:, pinky] = 0
        one.pose.known[pinky] = False
    measured = measure_hands(hands)
    assert measured.guessed == tuple(limb.name for limb in HAND21.limbs if "pinky" in limb.child)
    scale = measured.lengths.mm["wrist", "middle_1"] / USUAL_MM["wrist-middle_1"]
    for limb in HAND21.limbs:
        if "pinky" in limb.child:
            assert measured.lengths.mm[limb.parent, limb.child] == pytest.approx(scale * USUAL_MM[limb.name], rel=0.1)


def test_too_few_hands_have_no_lengths(tmp_path):
    hands, _ = sightings(tmp_path, HandErrors(), num_frames=1)
    assert measure_hands(hands[:2]) is None
    assert measure_hands([]) is None
