from dataclasses import dataclass

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from poseharvest.detectors.network_hash import parameters_sha256
from poseharvest.detectors.protocol import details_of


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def test_a_network_is_its_numbers_and_their_names_and_nothing_else(tmp_path):
    one, same = network(), network(1)
    assert parameters_sha256(one) != parameters_sha256(same)
    save_file(one.state_dict(), tmp_path / "weights.safetensors")
    same.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert parameters_sha256(one) == parameters_sha256(same.eval().to(memory_format=torch.channels_last))
    assert parameters_sha256(nn.Sequential(*one)) == parameters_sha256(one)
    assert parameters_sha256(nn.Sequential(nn.Identity(), *one)) != parameters_sha256(one)


def test_every_number_and_type_counts():
    one, other = network(), network()
    other[1].running_var[2] += 1e-6
    assert parameters_sha256(one) != parameters_sha256(other)
    assert parameters_sha256(one) != parameters_sha256(network().half())
    assert parameters_sha256(nn.Linear(2, 3)) != parameters_sha256(nn.Linear(3, 2))


def test_a_detector_that_says_nothing_of_itself_has_no_details():
    @dataclass
    class Silent:
        name: str = "silent"

    assert details_of(Silent()) == {}
