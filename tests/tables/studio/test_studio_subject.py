from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from poseharvest.errors import ConfigError, TrainingError
from poseharvest.storage.finished_units import UnitStore
from poseharvest.tables.studio.studio_subject import StudioSubject
from poseharvest.tables.studio.study import Network, Study


class Blind:
    """A study's detector that sees nobody anywhere."""

    def __new__(cls, detector):
        blind = detector.with_network(detector.network)
        blind.detect = lambda views: torch.zeros(len(views), 16, *detector.heatmap_size)
        return blind


@pytest.fixture
def unseen(study, tmp_path):
    blind = replace(study, detector=Blind(study.detector), detector_settings={"name": "blind"})
    return StudioSubject(1, 0, blind, UnitStore(tmp_path), lambda _: None)


def test_a_network_that_finds_nobody_has_no_poses_and_no_error(unseen):
    assert unseen.harvest(Network.GENERIC, "Greeting") is None
    judged = unseen.judged(Network.GENERIC, "Greeting")
    assert judged.error_mm.shape == (0, 16)
    assert unseen.is_judged(Network.GENERIC, "Greeting")


def test_nothing_can_be_learned_from_it(unseen):
    with pytest.raises(TrainingError, match=r'labels "ps\+sel": too few annotations: expected at least 4 pictures'):
        unseen.detector(Network.PS_SEL)
    assert not unseen.is_judged(Network.PS_SEL, "Greeting")


def test_frames_that_are_learned_are_not_judged(study):
    assert (study.learned, study.judged) == (range(4), range(4, 6))
    assert replace(study, learned_share=1.0).judged == range(6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actions": ()}, "actions: expected one or more, got none"),
        ({"actions": ("Dancing",)}, 'action: expected one of .*, got "Dancing"'),
        ({"body_action": "Dancing"}, 'action: expected one of .*, got "Dancing"'),
        ({"learned_share": 0.0}, r"learned share: expected a share above 0 up to 1, got 0\.0"),
    ],
)
def test_wrong_studies_are_refused(study, changes, message):
    with pytest.raises(ConfigError, match=message):
        replace(study, **changes)


def test_networks_have_the_paper_s_names_and_labels():
    assert [network.paper_name for network in Network] == ["Generic", "HM", "HM+sel", "PS", "PS+sel"]
    assert [network.labels.value for network in list(Network)[1:]] == ["hm", "hm+sel", "ps", "ps+sel"]
    with pytest.raises(ConfigError, match="network: the generic one has no labels"):
        _ = Network.GENERIC.labels


def test_what_changes_a_number_is_part_of_what_is_compared(study):
    """Units made by one study must not be taken for another's."""
    settings = {**study.harvest_settings(), **study.training_settings()}
    for other in (
        replace(study, learned_share=0.5),
        replace(study, training=replace(study.training, epochs=3)),
        replace(study, filming=replace(study.filming, scale=0.2)),
        replace(study, detector_settings={"name": "other"}),
        replace(study, actions=("Walking",)),
        replace(study, body_action=None),
    ):
        assert isinstance(other, Study)
        assert {**other.harvest_settings(), **other.training_settings()} != settings
