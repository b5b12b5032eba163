"""Several simulated people: they meet, hide each other, and are listed as a detector would."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poseharvest.detectors.protocol import CroppedView, KeypointSource
from poseharvest.errors import ConfigError
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.simulation import CLEAN
from poseharvest.simulation.crossing import APART_MM, PERIOD_S, REACH_MM, crossings
from poseharvest.simulation.crowd import CrowdKeypoints, simulate_crowd
from poseharvest.skeleton.definitions import MPII16

PELVIS = MPII16.index("pelvis")
MEETING = round(PERIOD_S / 4 * 25)


@pytest.mark.parametrize("num_people", [2, 3, 4])
def test_neighbours_pass_at_arms_length(num_people: int) -> None:
    times = torch.linspace(0, PERIOD_S, 601, dtype=torch.float64)
    places = torch.stack([path.place(times) for path in crossings(num_people)])
    apart = (places[:, None] - places[None]).norm(dim=-1)
    apart[range(num_people), range(num_people)] = torch.inf
    assert float(apart.min()) == pytest.approx(APART_MM, abs=1)
    assert float(places.norm(dim=-1).max()) < REACH_MM + APART_MM


def test_one_alone_passes_the_middle() -> None:
    (path,) = crossings(1)
    assert float(path.place(torch.tensor([PERIOD_S / 4])).norm()) < 1e-9


def test_nobody_is_an_error() -> None:
    with pytest.raises(ConfigError, match="expected at least one person, got 0"):
        simulate_crowd(0, 5)


def test_keypoints_lie_where_people_are() -> None:
    simulation = simulate_crowd(2, 3, 1, errors=CLEAN)
    exact = CrowdKeypoints(simulation.detector, simulation.capture.rig, merge_rate=0, miss_rate=0, stray_rate=0)
    assert isinstance(exact, KeypointSource)
    camera = simulation.capture.rig.at(0)[0]
    people = exact.people(camera.name, 0)
    truth = [camera.project(t.positions[0]).pixels for t in simulation.truth]
    assert len(people) == 2
    for pixels in truth:
        assert min(float((pixels - person[:, :2]).abs().max()) for person in people) < 1e-6


def test_who_is_behind_another_is_seen_less() -> None:
    """Somewhere around a meeting each person has joints that others cover, and none alone."""
    simulation = simulate_crowd(3, MEETING + 5, 0, errors=CLEAN)
    lowered = alone = 0
    for frame in range(MEETING - 5, MEETING + 5):
        for view in range(len(simulation.capture.rig)):
            for person, one in enumerate(simulation.detector.each):
                lowered += int((one.observer.observe(view, frame).heights[:, 0] < 0.5).sum())
                single = simulation.alone(person)[0].each[0]
                alone += int((single.observer.observe(view, frame).heights[:, 0] < 0.5).sum())
    assert lowered > 100
    assert alone == 0


def test_people_are_missed_merged_and_made_up() -> None:
    simulation = simulate_crowd(3, 75, 0)
    counts = [len(simulation.keypoints.people(name, f)) for f in range(75) for name in simulation.capture.rig.names]
    assert 0.02 < np.mean(np.array(counts) > 3) < 0.1
    assert 0.05 < np.mean(np.array(counts) < 3) < 0.5
    assert simulation.keypoints.people("cam1", 7)[0].equal(simulation.keypoints.people("cam1", 7)[0])


def test_a_window_shows_everybody_in_it_and_most_whom_it_is_on() -> None:
    simulation = simulate_crowd(2, 1, 3, errors=CLEAN)
    camera = simulation.capture.rig.at(0)[0]
    pixels = torch.stack([camera.project(t.positions[0]).pixels for t in simulation.truth])
    on_first = crop_around(pixels[0], 1.25)
    wide = Crop(on_first.center, 3 * max(on_first.side, float((pixels[0] - pixels[1]).abs().max())))
    maps = simulation.detector.detect([CroppedView(camera.name, 0, wide, None)])[0]
    places = wide.to_window(pixels[:, PELVIS], (64, 64)).round().long()
    heights = [float(maps[PELVIS, y, x]) for x, y in places.tolist()]
    assert heights[0] > heights[1] > 0


def test_alone_is_the_same_person() -> None:
    simulation = simulate_crowd(3, 2, 1)
    network, keypoints = simulation.alone(2)
    assert network.each[0].scene is simulation.detector.each[2].scene
    assert len(network.each) == len(keypoints.crowd.each) == 1
