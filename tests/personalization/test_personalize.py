import json

import numpy as np
import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.detectors.registry import load_detector
from poseharvest.personalization.options import PersonalizationOptions
from poseharvest.personalization.personalize import personalize
from poseharvest.training.augment import Augmentation
from poseharvest.training.options import TrainingOptions

SMALL = TrainingOptions(
    epochs=12,
    batch_size=4,
    learning_rate=2e-3,
    schedule="linear",
    augmentation=Augmentation(rotation_deg=5, scale=0.05, flip=False),
)
OPTIONS = PersonalizationOptions(training=SMALL, min_pictures=4)


@pytest.fixture(scope="module")
def trained(simulation, harvested, boxes, untrained, tmp_path_factory):
    out = tmp_path_factory.mktemp("p") / "out"
    return personalize(harvested, untrained, out, options=OPTIONS, capture=simulation.capture, boxes=boxes)


def test_an_untrained_network_learns_the_person(trained, harvested):
    comparison = trained.rounds[0].comparison
    assert comparison["after"]["num_poses"] == 3
    assert comparison["pose_change_mm"] < 150
    assert np.isfinite([*comparison["after"].values(), *comparison["joint_change_mm"].values()]).all()


def test_the_weights_are_those_that_harvested(trained, simulation):
    detector = load_detector(trained.weights)
    assert torch.equal(
        detector.network.score[0].weight,
        load_detector(trained.folder / "round-1" / "weights.safetensors").network.score[0].weight,
    )
    assert Harvest.open(trained.harvest.path).info.detector.name == "hourglass"


def test_the_record_says_what_was_done(trained, harvested):
    said = json.loads((trained.folder / "personalization.json").read_text())
    assert said["finished"]
    assert said["judged_frames"] == [12, 15]
    assert said["options"]["labels"] == "ps+sel"
    assert said["options"]["training"]["learning_rate"] == 2e-3
    labels = sum(
        int((row.selected & row.annotations.inside).sum())
        for row in harvested.iter_selected()
        if row.annotations.frame < 12
    )
    assert said["rounds"][0]["num_labels"] == labels
